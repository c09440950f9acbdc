"""Crawling: the engine and its crawlers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.bootstrap.models import Models
from llm_engineering.bootstrap.resources import now

if TYPE_CHECKING:  # langchain_core takes seconds to import: only commands that answer need it
    from llm_engineering.application.crawling.engine import CrawlEngine
    from llm_engineering.infrastructure.crawlers.browsing import Browsing


class Crawls(Models):
    """What brings documents in."""

    def crawl_engine(
        self, allowed_private_hosts: Sequence[str], limits: CrawlLimits
    ) -> "CrawlEngine":
        """The crawl; only the named private hosts (host or host:port) may be fetched from."""
        from llm_engineering.application.crawling.engine import CrawlEngine
        from llm_engineering.infrastructure.crawlers.registry import make_crawling

        token = self.settings.GITHUB_TOKEN
        crawling = make_crawling(
            allowed_private_hosts=allowed_private_hosts,
            workdir=self.folder("git"),
            clock=now,
            limits=limits,
            github_token=token.get_secret_value() if token else None,
            browsing=self._browsing(limits),
        )
        self._resources.callback(crawling.close)
        return CrawlEngine(
            crawling.dispatcher,
            crawling.robots,
            self.document_store,
            self.crawl_state,
            limits,
            now,
        )

    def _browsing(self, limits: CrawlLimits) -> "Browsing":
        """How pages are opened in a browser, and who logs in to LinkedIn; starts nothing."""
        from llm_engineering.infrastructure.browser.driver import BrowserDriver
        from llm_engineering.infrastructure.browser.limits import BrowserLimits
        from llm_engineering.infrastructure.browser.programs import find_programs
        from llm_engineering.infrastructure.crawlers.browsing import Browsing
        from llm_engineering.infrastructure.crawlers.linkedin_session import LinkedInAccount

        s = self.settings
        bounds = BrowserLimits(
            max_html_bytes=limits.max_page_bytes, load_timeout_s=limits.page_timeout_s
        )
        account = None
        if s.LINKEDIN_USERNAME and s.LINKEDIN_PASSWORD:
            account = LinkedInAccount(s.LINKEDIN_USERNAME, s.LINKEDIN_PASSWORD)
        return Browsing(
            lambda resolve, profile: BrowserDriver(
                lambda: find_programs(s.CHROME_BINARY, s.CHROMEDRIVER_PATH),
                resolve,
                profile=profile,
                limits=bounds,
            ),
            profile=s.LINKEDIN_BROWSER_PROFILE or self.folder("browser") / "linkedin",
            account=account,
            has_login=s.LINKEDIN_BROWSER_PROFILE is not None,
        )
