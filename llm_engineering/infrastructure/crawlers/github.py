"""All repositories of a user or an organisation on GitHub, by its public REST API.

https://docs.github.com/en/rest/repos/repos#list-repositories-for-a-user
"""

import json
import re
from collections.abc import Generator, Sequence
from urllib.parse import SplitResult, urlsplit

from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher

API = "https://api.github.com"
JSON_TYPES = frozenset({"application/json"})
# Accounts have at most 39 letters, digits and single hyphens; these paths are pages of GitHub.
_OWNER = re.compile(r"(?!-)[A-Za-z0-9-]{1,39}", re.ASCII)
_NOT_OWNERS = re.compile(
    r"about|account|apps|blog|codespaces|collections|contact|copilot|customer-stories|dashboard"
    r"|enterprise|events|explore|features|gist|issues|join|login|marketplace|new|notifications"
    r"|orgs|organizations|pricing|pulls|readme|search|security|sessions|settings|signup|site"
    r"|sponsors|stars|team|topics|trending|users|watching",
    re.I,
)
_PER_PAGE = 100  # the most that the API gives at a time
_MOST_PAGES = 100  # 10,000 repositories


def owner_of(link: SplitResult) -> str | None:
    """Returns the user or organisation that a link means, None when it means something else."""
    if (link.hostname or "").rstrip(".") not in ("github.com", "www.github.com"):
        return None
    segments = [segment for segment in link.path.split("/") if segment]
    match segments:
        case [name]:
            owner = name
        case ["orgs", name] | ["orgs", name, "repositories"]:
            owner = name
        case _:
            return None
    return owner if _OWNER.fullmatch(owner) and not _NOT_OWNERS.fullmatch(owner) else None


def is_owner(link: SplitResult) -> bool:
    """Returns whether a link is the page of a user or an organisation."""
    return owner_of(link) is not None


class GitHubOwnerCrawler:
    """Names the repositories of an owner, the last pushed first.

    Forks and archived repositories are left out: their text is somebody else's, or out of date.
    """

    def __init__(self, fetcher: Fetcher, api: str = API, *, token: str | None = None) -> None:
        self._fetcher = fetcher
        self._api = api
        self._authorization = f"Bearer {token}" if token else None

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a listed target for each repository.

        Raises:
            PageGone: there is no such owner.
            FetchError: the API does not answer, or its limit of requests is used up.
            ExtractionError: it answers something else than a list of repositories.
        """
        owner = owner_of(urlsplit(target.url))
        yield Visited(url=target.url)
        for page in range(1, _MOST_PAGES + 1):
            found = self._page(target.url, f"{self._api}/users/{owner}/repos", page)
            for repository in found:
                if not repository.get("fork") and not repository.get("archived"):
                    yield _target_of(repository, target)
            if len(found) < _PER_PAGE:
                return

    def _page(self, url: str, api: str, page: int) -> Sequence[dict[str, object]]:
        address = f"{api}?per_page={_PER_PAGE}&sort=pushed&page={page}"
        response = self._fetcher.fetch(address, JSON_TYPES, authorization=self._authorization)
        try:
            found = json.loads(response.text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ExtractionError(url, f"{address} does not give a list of repositories")
        return found


def _target_of(repository: dict[str, object], target: Target) -> Target | ExtractionError:
    """Returns the target of a repository; its address is put together from the checked name."""
    name = str(repository.get("full_name"))
    if not re.fullmatch(r"[\w-]+/[\w.-]+", name, re.ASCII):
        return ExtractionError(target.url, f"not the name of a repository: {name!r}")
    return Target(
        url=f"https://github.com/{name}",
        author=target.author,
        max_pages=target.max_pages,
        listed=True,
        found_on=target.url,
    )
