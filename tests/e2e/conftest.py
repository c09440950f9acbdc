"""Workplaces for the commands, and a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import fill
from tests.e2e.workplace import ANSWERING_MODEL, Served, Workplace
from tests.integration.crawlers.local_site import serve_site


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    with serve_site() as site:
        fill(site)
        yield Workplace(tmp_path, site)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_site() as site:
        fill(site)
        workplace = Workplace(tmp_path_factory.mktemp("served"), site, ANSWERING_MODEL)
        workplace.crawl()
        workplace.index()
        service = Served(workplace)
        yield service
        assert service.stop() == 0
