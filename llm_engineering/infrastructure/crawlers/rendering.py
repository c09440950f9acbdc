"""Pages as a browser shows them, in place of what their server sends."""

from llm_engineering.application.ports.browsing import Browser
from llm_engineering.application.ports.crawling import Validators
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.fetcher import Response

_NOT_THERE = (404, 410)
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_FIRST_ERROR = 400


class RenderingFetcher:
    """Fetches with a browser, for pages that are empty until their scripts have run."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def fetch(self, url: str, *, validators: Validators = Validators()) -> Response:  # noqa: ARG002
        """Returns the page when its text has stopped changing; a browser sends no validators.

        Raises:
            PageGone: the site says that there is no such page.
            FetchError: another status above 399, or as the port says.
            ConfigurationError: there is no browser, or it does not start.
        """
        with self._browser.page() as page:
            found = page.open(url)
        if found.status in _NOT_THERE:
            raise PageGone(url, f"HTTP {found.status}")
        if found.status >= _FIRST_ERROR:
            raise FetchError(url, f"HTTP {found.status}", transient=found.status in _TRANSIENT)
        return Response(found.url, "text/html", "utf-8", found.html.encode("utf-8", "replace"))
