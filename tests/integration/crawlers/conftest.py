from collections.abc import Iterator

import pytest

from tests.integration.crawlers.local_site import LocalSite, serve_site


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with serve_site() as running:
        yield running
