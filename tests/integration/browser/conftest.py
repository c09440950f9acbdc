"""One Chromium for all tests of the folder; it reaches what `reachable` names."""

from collections.abc import Iterator, Sequence

import pytest

from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.programs import find_programs
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy, resolve_host
from tests.integration.crawlers.local_site import LocalSite, serve_site

LIMITS = BrowserLimits(
    load_timeout_s=20.0,
    wait_s=25.0,
    field_s=0.5,
    item_s=0.6,
    max_html_bytes=300_000,
    max_transfer_bytes=4_000_000,
)


class Reach:
    """What the shared browser may reach; each test sets it."""

    def __init__(self) -> None:
        self.allowed: set[str] = set()
        self.names: dict[str, list[str]] = {}

    def __call__(self, host: str, port: int) -> Sequence[str]:
        policy = AddressPolicy(frozenset(self.allowed), self._resolve)
        return policy.addresses(host, port)

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        answers = self.names.get(host)
        if answers is None:
            return resolve_host(host, port)
        return [answers.pop(0) if len(answers) > 1 else answers[0]]


@pytest.fixture(scope="session")
def reach() -> Reach:
    return Reach()


@pytest.fixture(scope="session")
def shared_browser(reach: Reach) -> Iterator[BrowserDriver]:
    browser = BrowserDriver(lambda: find_programs(None, None), reach, limits=LIMITS)
    yield browser
    browser.close()


@pytest.fixture
def browser(shared_browser: BrowserDriver, reach: Reach, site: LocalSite) -> BrowserDriver:
    """The shared browser, which reaches the test's site and nothing else."""
    reach.allowed = {site.host}
    reach.names = {}
    return shared_browser


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with serve_site() as running:
        yield running
