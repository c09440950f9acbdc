"""Which crawler takes which link."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from llm_engineering.application.ports.crawling import Crawler, Target
from llm_engineering.domain.errors import ConfigurationError, InvalidInput

Matches = Callable[[SplitResult], bool]
WEB_SCHEMES = frozenset({"http", "https"})
LOCAL_SCHEMES = frozenset({"file", ""})


def parsed_link(url: str) -> SplitResult:
    """Returns the parts of a web address, a `file:` address or a local path (no scheme).

    Raises:
        InvalidInput: the scheme is another one, or the address has no host.
    """
    try:
        parts = urlsplit(url.strip())
        has_host = bool(parts.hostname) and parts.port != 0  # reading a wrong port raises
    except ValueError as error:
        raise InvalidInput(f"not a link: {url!r} ({error})") from error
    if parts.scheme in WEB_SCHEMES and has_host:
        return parts
    if parts.scheme in LOCAL_SCHEMES and not parts.netloc and parts.path:
        return parts
    raise InvalidInput(
        f"not a link: {url!r} (allowed: http://…, https://…, file:///…, or the path of a folder)"
    )


def any_link(_parts: SplitResult) -> bool:
    """Matches every link."""
    return True


def no_link(_parts: SplitResult) -> bool:
    """Matches no link: the crawler is only reached by name (`Target.via`)."""
    return False


@dataclass(frozen=True)
class Route:
    """A crawler and the links that it takes.

    Args:
        name: what `Target.via` calls it.
        matches: whether it takes a link, by its parsed parts.
        crawler: visits them.
        polite: its requests keep to robots.txt and to the pace of the host.
        complete: a visit brings everything that there is, so what it brings no more is gone (a
            repository, a sitemap; not a feed, from which old entries drop out).
        at_once: how many visits may run at a time, whatever their hosts; None sets no bound.
    """

    name: str
    matches: Matches
    crawler: Crawler
    polite: bool = True
    complete: bool = False
    at_once: int | None = None


class CrawlerDispatcher:
    """Gives each target to the first route that matches its parsed host and path.

    Hosts are compared as a whole, so `github.com.evil.org` is not GitHub.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        self._by_name = {route.name: route for route in routes}

    def route_of(self, target: Target) -> Route:
        """Returns the route of a target.

        Raises:
            InvalidInput: its URL is no web address, `file:` address or path; or none takes it.
            ConfigurationError: it names a crawler that there is not.
        """
        if target.via is not None:
            return self._named(target.via)
        parts = parsed_link(target.url)
        for route in self._routes:
            if route.matches(parts):
                return route
        raise InvalidInput(f"no crawler takes {target.url!r}")

    def _named(self, name: str) -> Route:
        if name not in self._by_name:
            known = ", ".join(self._by_name)
            raise ConfigurationError(f"no crawler is called {name!r} (known: {known})")
        return self._by_name[name]
