"""The crawlers that need a browser, and the browsers that they share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from llm_engineering.application.crawling.dispatcher import Route, no_link
from llm_engineering.application.crawling.sites import BROWSER
from llm_engineering.application.ports.browsing import Browser
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher
from llm_engineering.infrastructure.crawlers.linkedin import LinkedInCrawler, is_linkedin
from llm_engineering.infrastructure.crawlers.linkedin_session import (
    LinkedInAccount,
    LinkedInSession,
    Pace,
)
from llm_engineering.infrastructure.crawlers.rendering import RenderingFetcher

Resolve = Callable[[str, int], Sequence[str]]
LINKEDIN_PACE_S = 6.0  # our choice: about the pace of somebody who reads


@dataclass(frozen=True)
class Browsing:
    """How browsers are made, and who logs in to LinkedIn.

    Args:
        make_browser: takes the addresses that may be reached, and a folder that keeps log-ins
            (None keeps nothing). It starts nothing yet.
        profile: the folder of LinkedIn's log-in.
        account: logs in where the profile is not; None leaves it to the profile.
        has_login: the profile is one that the user has logged in.
    """

    make_browser: Callable[[Resolve, Path | None], Browser]
    profile: Path
    account: LinkedInAccount | None = None
    has_login: bool = False


@dataclass(frozen=True)
class BrowsingCrawlers:
    """The routes of the crawlers. Close it to end the browsers."""

    routes: Sequence[Route]
    close: Callable[[], None]


def make_browsing_crawlers(
    browsing: Browsing,
    policy: AddressPolicy,
    fetcher: Fetcher,
    clock: Callable[[], datetime],
) -> BrowsingCrawlers:
    """Returns LinkedIn's crawler and the one of `browser: true`.

    They have a browser each, so that no other page ever meets LinkedIn's log-in. LinkedIn forbids
    robots by robots.txt altogether: its pages are read in the name of a person who has an account,
    one at a time and at a pace of their own.
    """
    pages = browsing.make_browser(policy.addresses, None)
    member = browsing.make_browser(policy.addresses, browsing.profile)
    logged_in = browsing.account is not None or browsing.has_login
    pace = Pace(LINKEDIN_PACE_S, time.monotonic, time.sleep)
    session = LinkedInSession(member, browsing.account, pace) if logged_in else None
    linkedin = LinkedInCrawler(fetcher, session, clock, logged_in=logged_in)
    rendered = ArticleCrawler(RenderingFetcher(pages), clock, links_via=BROWSER)

    def close() -> None:
        pages.close()
        member.close()

    return BrowsingCrawlers(
        (
            Route("linkedin", is_linkedin, linkedin, polite=False, at_once=1),
            Route(BROWSER, no_link, rendered, complete=True, at_once=1),
        ),
        close,
    )
