"""What a site's robots.txt lets us fetch."""

from collections.abc import Sequence
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.fetcher import TEXT_TYPES, USER_AGENT, Fetcher


class Robots:
    """The rules of one site."""

    def __init__(self, rules: RobotFileParser) -> None:
        self._rules = rules

    @classmethod
    def of_site(cls, url: str, fetcher: Fetcher) -> "Robots":
        """Returns the rules of the site that `url` is on; no robots.txt means no rules.

        Raises:
            FetchError: the site does not answer; RFC 9309 §2.3.1.4 then forbids everything.
        """
        rules = RobotFileParser()
        try:
            lines = fetcher.fetch(urljoin(url, "/robots.txt"), TEXT_TYPES).text.splitlines()
        except FetchError as error:
            if error.transient:
                raise FetchError(url, f"robots.txt: {error.reason}", transient=True) from error
            lines = []
        rules.parse(lines)
        return cls(rules)

    @classmethod
    def closed(cls) -> "Robots":
        """Returns the rules of a site that lets us fetch nothing."""
        rules = RobotFileParser()
        rules.parse(["User-agent: *", "Disallow: /"])
        return cls(rules)

    def allows(self, url: str) -> bool:
        """Returns whether we may fetch `url`."""
        return self._rules.can_fetch(USER_AGENT, url)

    @property
    def sitemaps(self) -> Sequence[str]:
        """The addresses of the sitemaps that the site names."""
        return self._rules.site_maps() or ()
