"""LinkedIn's pages, as saved, and what the crawler makes of each answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from pydantic import SecretStr

from llm_engineering.application.ports.browsing import RenderedPage
from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.documents import ArticleDocument, PostDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError, FetchError
from llm_engineering.infrastructure.crawlers.html_tree import parse_raw
from llm_engineering.infrastructure.crawlers.linkedin import LinkedInCrawler, is_linkedin
from llm_engineering.infrastructure.crawlers.linkedin_posts import posts_of
from llm_engineering.infrastructure.crawlers.linkedin_profiles import profile_of
from llm_engineering.infrastructure.crawlers.linkedin_session import (
    LinkedInAccount,
    LinkedInSession,
    Pace,
)
from llm_engineering.infrastructure.crawlers.linkedin_walls import Wall, asks_to_join, wall_of
from tests.linkedin_pages import (
    ACTIVITY,
    AUTHWALL,
    feed_page,
    guest_article,
    guest_post,
    guest_profile,
    image,
    item,
    profile_page,
    update,
)
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SITE = "https://www.linkedin.com"


def page(html: str, url: str = f"{SITE}/in/ada-example/", status: int = 200) -> RenderedPage:
    return RenderedPage(url=url, html=html, status=status)


class ScriptedBrowser:
    """Answers each address with the next of its pages; keeps what was opened and typed."""

    def __init__(self, **answers: list[RenderedPage]) -> None:
        self.answers = answers
        self.opened: list[str] = []
        self.typed: list[dict[str, str | SecretStr]] = []
        self.scrolled: list[str] = []

    @contextmanager
    def page(self) -> Iterator["ScriptedBrowser"]:
        yield self

    def close(self) -> None:
        pass

    def open(self, url: str, *, wait_for: str | None = None) -> RenderedPage:
        self.opened.append(url)
        answers = self.answers[urlsplit(url).path.strip("/").replace("/", "_").replace("-", "_")]
        self.current = answers.pop(0) if len(answers) > 1 else answers[0]
        return self.current

    def submit(
        self, fields: Mapping[str, str | SecretStr], button: str, *, wait_for: str | None = None
    ) -> RenderedPage:
        self.typed.append(dict(fields))
        return self.answers["submitted"][0]

    def scroll(self, item: str, *, more: str | None = None, max_steps: int = 50) -> RenderedPage:
        self.scrolled.append(item)
        return self.current


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


WALL = page(AUTHWALL, f"{SITE}/authwall?x=y")
LOGIN = page("<input name=session_password>", f"{SITE}/login")
FEED = page("<main>feed</main>", f"{SITE}/feed/")
PROFILE = page(profile_page())
ACCOUNT = LinkedInAccount("ada@example.org", SecretStr("word"))


def session(browser: ScriptedBrowser, account: LinkedInAccount | None = ACCOUNT) -> LinkedInSession:
    clock = Clock()
    return LinkedInSession(browser, account, Pace(5.0, clock.monotonic, clock.sleep))


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("www.linkedin.com", True),
        ("linkedin.com", True),
        ("de.linkedin.com.", True),
        ("linkedin.com.evil.org", False),
        ("notlinkedin.com", False),
        ("lnkd.in", False),
    ],
)
def test_hosts_are_compared_as_a_whole(host: str, is_it: bool) -> None:
    assert is_linkedin(urlsplit(f"https://{host}/in/x")) is is_it


@pytest.mark.parametrize(
    ("shown", "wall"),
    [
        (page("", status=999), Wall.REFUSED),
        (page("", status=429), Wall.TOO_MANY),
        (page("<p>x", f"{SITE}/authwall?trk=x"), Wall.LOGIN),
        (page("<p>x", f"{SITE}/uas/login?session_redirect=x"), Wall.LOGIN),
        (page("<p>x", f"{SITE}/checkpoint/lg/login-submit"), Wall.LOGIN),
        (page("<p>x", f"{SITE}/checkpoint/challenge/AgF"), Wall.CHECK),
        (page("<main id='captcha-internal'>"), Wall.CHECK),
        (page("<iframe src='https://x/captcha/v2'></iframe>"), Wall.CHECK),
        (page(AUTHWALL), Wall.LOGIN),
        (
            page("<script>window.location.href = 'https://' + d + '/authwall?t=1';</script>"),
            Wall.LOGIN,
        ),
        (page(profile_page()), None),
        (page(guest_profile()), None),
        (page(guest_article(json_ld=True)), None),
    ],
)
def test_walls_are_told_from_pages(shown: RenderedPage, wall: Wall | None) -> None:
    assert wall_of(shown) is wall


def test_every_wall_says_what_to_do() -> None:
    for wall in Wall:
        assert "LINKEDIN_" in wall.value or "wait some hours" in wall.value
        assert "\n" not in wall.value


def test_a_page_may_ask_to_join() -> None:
    assert asks_to_join("<p>Join to view full profile</p>")
    assert not asks_to_join("<p>They join threads.</p>")


def test_a_profile_is_read_from_its_entities_without_the_others_on_the_page() -> None:
    tree = parse_raw(profile_page(), SITE)
    profile = profile_of(tree, BeautifulSoup(profile_page(), "lxml"), "ada-example")
    assert profile is not None
    assert profile.name == "Ada Example"
    assert profile.text == (
        "# Ada Example\n\nBuilds engines\n\nLondon\n\n"
        "## About\n\nI design looms.\n\nAnd engines.\n\n"
        "## Experience\n\n### Engineer, Loom Works\n\nMar 2019 to present · Leeds\n\n"
        "Punched cards.\n\n"
        "## Education\n\n### BSc, Mathematics, Home School\n\n2010 to 2013\n\n"
        "## Skills\n\n- Weaving\n- Algebra"
    )


def test_a_profile_is_read_from_json_ld() -> None:
    profile = profile_of(
        parse_raw(guest_profile(), SITE), BeautifulSoup(guest_profile(), "lxml"), "ada-example"
    )
    assert profile is not None
    assert profile.text == (
        "# Ada Example\n\nBuilds engines\n\nLondon\n\n## About\n\nI design looms.\n\n"
        "## Experience\n\n### Loom Works\n\n2019-03 to present\n\n## Education\n\n### Home School"
    )


def test_a_profile_is_read_from_its_elements_at_last() -> None:
    shown = (
        "<main><section><h1>Ada Example</h1><div class='text-body-medium'>Builds engines</div>"
        "</section><section><h2><span aria-hidden='true'>About</span>"
        "<span class='visually-hidden'>About</span></h2><div>I design looms.</div></section>"
        "<section><h2>Experience</h2><ul><li class='artdeco-list__item'>Engineer "
        "<span class='visually-hidden'>Engineer</span><b>Loom Works</b></li></ul></section></main>"
    )
    profile = profile_of(parse_raw(shown, SITE), BeautifulSoup(shown, "lxml"), "ada-example")
    assert profile is not None
    assert profile.text == (
        "# Ada Example\n\nBuilds engines\n\n## About\n\nI design looms.\n\n"
        "## Experience\n\n- Engineer Loom Works"
    )


def test_posts_of_json_come_before_those_of_elements_and_each_once() -> None:
    shown = feed_page([update(0, "From JSON", imageComponent=image("a.png"))], more="/m")
    posts = list(posts_of(parse_raw(shown, SITE), BeautifulSoup(shown, "lxml"), SITE))
    assert [post.text for post in posts] == ["From JSON", "Post 1\nSecond line of 1."]
    assert [post.image for post in posts] == [
        "https://media.example/large/a.png",
        "https://media.example/1.png",
    ]
    assert posts[0].url == f"{SITE}/feed/update/urn:li:activity:{ACTIVITY}"
    # the id holds the time: 7.1e18 / 2^22 milliseconds
    assert posts[0].published == datetime.fromtimestamp((ACTIVITY >> 22) / 1000, UTC)


def test_a_post_that_shares_another_is_one_post() -> None:
    inner = item(2, "The shared one")
    shown = f"<div data-urn='urn:li:activity:{ACTIVITY}'><div class='update-components-text'>" + (
        f"Look at this</div>{inner}</div>"
    )
    posts = list(posts_of(parse_raw(shown, SITE), BeautifulSoup(shown, "lxml"), SITE))
    assert [post.text for post in posts] == ["Look at this"]


def visit(crawler: LinkedInCrawler, url: str) -> list[Finding]:
    return list(crawler.visit(Target(url=url, author="Given Name")))


@pytest.mark.parametrize("json_ld", [True, False])
def test_an_article_is_read_without_a_browser(json_ld: bool) -> None:
    fetcher = ScriptedWeb({f"{SITE}/pulse/on-looms": guest_article(json_ld=json_ld).encode()})
    visited, article = visit(LinkedInCrawler(fetcher, None, lambda: NOW), f"{SITE}/pulse/on-looms")
    assert visited == Visited(url=f"{SITE}/pulse/on-looms")
    assert isinstance(article, ArticleDocument)
    assert (article.title, article.author_full_name) == ("On looms", "Ada Example")
    assert article.published is not None
    assert f"{article.published:%Y-%m-%d}" == "2024-05-06"
    assert article.content.startswith("## Cards\n\nHoles in **cards** steer threads.")
    assert "join" not in article.content


def test_a_post_is_read_without_a_browser() -> None:
    url = f"{SITE}/posts/ada-example_looms-activity-{ACTIVITY}-abcd"
    fetcher = ScriptedWeb({url: guest_post().encode()})
    _, post = visit(LinkedInCrawler(fetcher, None, lambda: NOW), url)
    assert isinstance(post, PostDocument)
    assert post.url == f"{SITE}/feed/update/urn:li:activity:{ACTIVITY}"
    assert (post.title, post.content) == ("Looms are back.", "Looms are back.\nHere is why.")
    assert post.image == "https://media.example/loom.png"
    assert post.author_full_name == "Ada Example"


def test_a_wall_is_never_content() -> None:
    fetcher = ScriptedWeb({f"{SITE}/in/ada-example/": AUTHWALL.encode()})
    with pytest.raises(FetchError, match="set LINKEDIN_USERNAME and LINKEDIN_PASSWORD") as wall:
        visit(LinkedInCrawler(fetcher, None, lambda: NOW), f"{SITE}/in/ada-example/")
    assert not wall.value.transient


@pytest.mark.parametrize("path", ["/", "/jobs/view/1", "/in/", "/company/x/", "/learning/y"])
def test_other_pages_are_refused_with_the_kinds_that_are_read(path: str) -> None:
    crawler = LinkedInCrawler(ScriptedWeb({}), None, lambda: NOW)
    with pytest.raises(FetchError, match="/pulse/"):
        visit(crawler, f"{SITE}{path}")


def test_a_page_without_anything_known_is_an_error() -> None:
    browser = ScriptedBrowser(in_x=[page("<main><h1>New design</h1></main>")])
    crawler = LinkedInCrawler(ScriptedWeb({}), session(browser), lambda: NOW, logged_in=True)
    with pytest.raises(ExtractionError, match="no profile of LinkedIn found"):
        visit(crawler, f"{SITE}/in/x/")


def test_logging_in_happens_once_for_all_pages() -> None:
    browser = ScriptedBrowser(in_ada_example=[WALL, PROFILE], login=[LOGIN], submitted=[FEED])
    crawler = LinkedInCrawler(ScriptedWeb({}), session(browser), lambda: NOW, logged_in=True)
    for _ in range(2):
        _, profile, activity = visit(crawler, f"{SITE}/in/ada-example/")
        assert isinstance(profile, ArticleDocument)
        assert isinstance(activity, Target)
        assert activity.listed
    assert browser.typed == [
        {
            "input[name=session_key]": "ada@example.org",
            "input[name=session_password]": SecretStr("word"),
        }
    ]
    assert browser.scrolled


def test_a_refused_log_in_is_not_tried_again() -> None:
    browser = ScriptedBrowser(
        in_ada_example=[WALL], login=[LOGIN], submitted=[page("", f"{SITE}/uas/login")]
    )
    reads = session(browser)
    for _ in range(3):
        with pytest.raises(FetchError, match="LINKEDIN_PASSWORD"):
            reads.open(f"{SITE}/in/ada-example/", wait_for="main")
    assert len(browser.typed) == 1


def test_nothing_is_typed_into_another_site() -> None:
    elsewhere = page("<input name=session_password>", "https://linkedin.evil.org/login")
    browser = ScriptedBrowser(in_ada_example=[WALL], login=[elsewhere])
    with pytest.raises(DocumentError, match=r"leads to linkedin\.evil\.org"):
        session(browser).open(f"{SITE}/in/ada-example/", wait_for="main")
    assert browser.typed == []


def test_requests_keep_their_distance() -> None:
    clock = Clock()
    pace = Pace(5.0, clock.monotonic, clock.sleep)
    pace.wait()
    clock.now_s += 2.0
    pace.wait()
    clock.now_s += 60.0
    pace.wait()
    assert clock.slept == [3.0]
