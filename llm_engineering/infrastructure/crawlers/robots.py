"""What robots.txt lets us fetch (RFC 9309), site by site."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urljoin, urlsplit

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.fetcher import TEXT_TYPES, USER_AGENT, Fetcher

_AGENT = USER_AGENT.partition("/")[0]  # the product token; versions are not compared
_MAX_CHARS = 512_000  # RFC 9309 §2.5 asks for 500 KiB at least
_SITES_KEPT = 1_000
_KEPT_S = 24 * 3600.0  # RFC 9309 §2.4
_DOWN_S = 60.0


class Robots:
    """The rules of one site; the longest match counts, `*` and `$` are understood."""

    def __init__(self, text: str) -> None:
        from protego import Protego  # noqa: PLC0415 - only crawls need it

        self._rules: Protego = Protego.parse(text[:_MAX_CHARS])

    @classmethod
    def fetched(cls, url: str, fetcher: Fetcher) -> "Robots":
        """Returns the rules of the site that `url` is on; no robots.txt means no rules.

        Raises:
            FetchError: the site does not answer; RFC 9309 §2.3.1.4 then forbids everything.
        """
        try:
            return cls(fetcher.fetch(urljoin(url, "/robots.txt"), TEXT_TYPES).text)
        except FetchError as error:
            if error.transient:
                raise FetchError(url, f"robots.txt: {error.reason}", transient=True) from error
            return cls("")

    def allows(self, url: str) -> bool:
        """Returns whether we may fetch `url`."""
        return bool(self._rules.can_fetch(url, _AGENT))

    @property
    def crawl_delay_s(self) -> float:
        """Seconds from one request to the next; 0 when the site does not say."""
        return float(self._rules.crawl_delay(_AGENT) or 0.0)

    @property
    def sitemaps(self) -> Sequence[str]:
        """The addresses of the sitemaps that the site names."""
        return tuple(self._rules.sitemaps)


@dataclass
class _Kept:
    """What is known of a site until a time; `lock` is held by who fetches it."""

    lock: Lock
    until: float = 0.0
    rules: Robots | FetchError | None = None


class RobotsOfSites:
    """Fetches the rules of each site once a day. Safe to call from several threads."""

    def __init__(self, fetcher: Fetcher, monotonic: Callable[[], float]) -> None:
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._lock = Lock()
        self._sites: OrderedDict[str, _Kept] = OrderedDict()

    def of_site(self, url: str) -> Robots:
        """Returns the rules of the site that `url` is on.

        Raises:
            FetchError: the site does not answer, or did not a minute ago.
        """
        kept = self._kept(url)
        with kept.lock:
            known = kept.rules
            if known is None or kept.until < self._monotonic():
                known = self._fetch(url, kept)
        if isinstance(known, FetchError):
            raise FetchError(url, known.reason, transient=True)
        return known

    def _fetch(self, url: str, kept: _Kept) -> Robots | FetchError:
        rules: Robots | FetchError
        try:
            rules, keep_s = Robots.fetched(url, self._fetcher), _KEPT_S
        except FetchError as error:
            rules, keep_s = error, _DOWN_S
        kept.rules, kept.until = rules, self._monotonic() + keep_s
        return rules

    def _kept(self, url: str) -> _Kept:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            kept = self._sites.setdefault(site, _Kept(Lock()))
            self._sites.move_to_end(site)
            while len(self._sites) > _SITES_KEPT:
                self._sites.popitem(last=False)
            return kept
