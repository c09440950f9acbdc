"""The browser: pages as they are after their scripts have run."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from pydantic import Field, SecretStr

from llm_engineering.domain.types import Frozen


class RenderedPage(Frozen):
    """What a page has become: where it is after redirects, and its elements as HTML.

    `status` is the HTTP status of the document, 0 where the browser does not tell.
    """

    url: str
    html: str = Field(repr=False)
    status: int = 0


class BrowserPage(Protocol):
    """One page of a browser. Every wait is bounded; what is there when it ends is the page.

    Elements are named by CSS selectors. All calls raise FetchError: the address is refused, the
    host is down, the page is too large, it hangs, or the browser has crashed (transient; the next
    `open` gets a new one).
    """

    def open(self, url: str, *, wait_for: str | None = None) -> RenderedPage:
        """Returns the page once it is loaded and, if `wait_for` is given, shows such an element."""
        ...

    def submit(
        self, fields: Mapping[str, str | SecretStr], button: str, *, wait_for: str | None = None
    ) -> RenderedPage:
        """Types into the fields in their order, clicks, and returns the page that follows.

        That is when the address has changed or, if `wait_for` is given, shows such an element.

        Raises:
            FetchError: as above, or a field or the button is not on the page.
        """
        ...

    def scroll(self, item: str, *, more: str | None = None, max_steps: int = 50) -> RenderedPage:
        """Scrolls until no new `item` appears, `max_steps` times at most.

        A button `more`, where the page shows one, is clicked to load the next items.
        """
        ...


class Browser(Protocol):
    """A browser that starts at its first use. Safe to use from several threads, one at a time."""

    def page(self) -> AbstractContextManager[BrowserPage]:
        """Returns the page for the length of a block; other users of the browser wait.

        Raises:
            MissingDependency: there is no browser on this machine; says what to type.
            ConfigurationError: it does not start as it is configured.
        """
        ...

    def close(self) -> None:
        """Ends the browser; the next use starts another."""
        ...
