"""Workplaces for the commands, and a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import served_site
from tests.e2e.workplace import Served, Workplace, fill


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    with served_site() as site:
        fill(site)
        yield Workplace(tmp_path, site)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_site() as site:
        fill(site)
        workplace = Workplace(tmp_path_factory.mktemp("served"), site)
        workplace.crawl()
        workplace.index()
        service = Served(workplace)
        yield service
        assert service.stop() == 0
