"""Bounds of a page in the browser."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BrowserLimits:
    """`_s` are seconds. `max_html_bytes` counts characters of the page as it has become.

    `max_transfer_bytes` is what a page and all that it loads may send and receive. `settle_s` is
    the longest wait for a text to stop changing, `wait_s` for an element, `field_s` for a field of
    a form, `item_s` for new items after scrolling. The browser ends when it is idle for `idle_s`.
    """

    max_html_bytes: int = 10_000_000
    max_transfer_bytes: int = 100_000_000
    load_timeout_s: float = 30.0
    script_timeout_s: float = 10.0
    settle_s: float = 5.0
    wait_s: float = 15.0
    field_s: float = 10.0
    item_s: float = 3.0
    idle_s: float = 60.0
