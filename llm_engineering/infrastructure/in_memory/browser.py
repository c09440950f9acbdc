"""A browser for tests and dry runs: pages out of a dictionary."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from pydantic import SecretStr

from llm_engineering.application.ports.browsing import RenderedPage
from llm_engineering.domain.errors import FetchError

Shown = str | RenderedPage | FetchError


class InMemoryBrowser:
    """Shows the pages it was given; `opened`, `typed` and `clicked` tell what was done with them.

    A page is its HTML, what it becomes (elsewhere after a redirect, or with another status), or why
    it does not come. Any other address is not found. Scripts do not run.

    Args:
        pages: by address. Several for one address are shown in turn, and the last one from then on.
        submitted: what follows a form, by the address that the form is at.
        scrolled: what a page becomes with each scroll, by its address.
    """

    def __init__(
        self,
        pages: Mapping[str, Shown | Sequence[Shown]],
        *,
        submitted: Mapping[str, Shown] | None = None,
        scrolled: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._pages = {
            url: [shown] if isinstance(shown, Shown) else list(shown)
            for url, shown in pages.items()
        }
        self._submitted = submitted or {}
        self._scrolled = scrolled or {}
        self._turn = RLock()
        self._now = RenderedPage(url="about:blank", html="")
        self.opened: list[str] = []
        self.typed: list[dict[str, str | SecretStr]] = []
        self.clicked: list[str] = []
        self.closed = False

    @contextmanager
    def page(self) -> Iterator["InMemoryBrowser"]:
        """Yields itself: there is one page."""
        with self._turn:
            self.closed = False
            yield self

    def close(self) -> None:
        """Notes that it was closed."""
        self.closed = True

    def open(self, url: str, *, wait_for: str | None = None) -> RenderedPage:  # noqa: ARG002 - the port's
        """Returns the page of an address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise FetchError(url, "not opened in a browser (allowed: http and https)")
        self.opened.append(url)
        waiting = self._pages.get(url, [RenderedPage(url=url, html="", status=404)])
        return self._show(url, waiting.pop(0) if len(waiting) > 1 else waiting[0])

    def submit(
        self,
        fields: Mapping[str, str | SecretStr],
        button: str,
        *,
        wait_for: str | None = None,  # noqa: ARG002 - the port's
    ) -> RenderedPage:
        """Returns what follows the form."""
        for selector in (*fields, button):
            if not self._elements(self._now.html, selector):
                raise FetchError(self._now.url, f"no {selector} on the page")
        self.typed.append(dict(fields))
        self.clicked.append(button)
        return self._show(self._now.url, self._submitted.get(self._now.url, self._now))

    def scroll(self, item: str, *, more: str | None = None, max_steps: int = 50) -> RenderedPage:  # noqa: ARG002 - the port's
        """Returns the page when no more items come."""
        for html in self._scrolled.get(self._now.url, ())[:max_steps]:
            known = self._elements(self._now.html, item)
            self._now = self._now.model_copy(update={"html": html})
            if self._elements(html, item) == known:
                break
        return self._now

    def _show(self, url: str, shown: Shown) -> RenderedPage:
        if isinstance(shown, FetchError):
            raise shown
        if isinstance(shown, str):
            shown = RenderedPage(url=url, html=shown, status=200)
        self._now = shown
        return self._now

    @staticmethod
    def _elements(html: str, selector: str) -> int:
        return len(BeautifulSoup(html, "lxml").select(selector))
