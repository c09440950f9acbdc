"""Which of the targets that a page names are proposed, and with what they inherit."""

from collections.abc import Sequence

import pytest

from llm_engineering.application.crawling.proposing import Proposer
from llm_engineering.application.ports.crawling import Target
from llm_engineering.application.ports.frontier import Lease, Proposal, Round
from llm_engineering.infrastructure.in_memory.frontier import InMemoryFrontier
from tests.unit.application.crawling.scripted_crawls import NOON, ScriptedRobots

BASE = "https://a.org/"
ROUND = Round(crawl="crawl", number=1)


class Noting(InMemoryFrontier):
    """Keeps what is proposed, call by call."""

    def __init__(self) -> None:
        super().__init__(lambda: NOON)
        self.calls: list[list[Proposal]] = []

    def propose(self, round_: Round, proposals: Sequence[Proposal]) -> None:
        assert round_ == ROUND
        self.calls.append(list(proposals))

    @property
    def urls(self) -> list[str]:
        return [one.target.url for call in self.calls for one in call]


def lease(level: int = 0, rank: int = 3, **target: object) -> Lease:
    given = {"url": BASE, "author": "Ada Lovelace", "depth": 2, "max_pages": 10, **target}
    return Lease(link=1, target=Target.model_validate(given), level=level, rank=rank, token=1)


def linked(*urls: str, **more: object) -> list[Target]:
    return [Target.model_validate({"url": url, "depth": 9, **more}) for url in urls]


def proposed(
    found: Sequence[Target], given: Lease | None = None, robots: ScriptedRobots | None = None
) -> Noting:
    frontier = Noting()
    Proposer(frontier, ROUND).propose(given or lease(), found, BASE, robots)
    return frontier


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.org/x", True),
        ("http://a.org/x", True),
        ("https://b.org/x", False),
        ("https://a.org:8443/x", False),
        ("ftp://a.org/x", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("mailto:ada@a.org", False),
        ("", False),
        ("https://[::1", False),
    ],
)
def test_links_stay_on_their_site_and_on_the_web(url: str, kept: bool) -> None:
    assert bool(proposed(linked(url)).urls) is kept


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "ftp://b.org/"])
def test_what_is_listed_stays_on_the_web_too(url: str) -> None:
    assert proposed(linked(url, listed=True)).calls == []
    assert proposed(linked("https://elsewhere.org/", listed=True)).urls == [
        "https://elsewhere.org/"
    ]


def test_each_page_is_proposed_once_by_its_canonical_address() -> None:
    spellings = linked("https://A.org/x#top", "https://a.org/x?utm_source=q", "https://a.org/x")
    assert proposed(spellings).urls == ["https://a.org/x"]


def test_nothing_new_is_no_call() -> None:
    assert proposed([]).calls == []
    assert proposed(linked("https://b.org/")).calls == []


def test_a_page_inherits_what_it_does_not_say() -> None:
    found = [*linked("https://a.org/x"), *linked("https://a.org/y", author="Grace Hopper")]
    ((first, second),) = proposed(found, lease(level=4)).calls
    assert (first.target.author, second.target.author) == ("Ada Lovelace", "Grace Hopper")
    assert (first.target.max_pages, first.target.found_on) == (10, BASE)
    assert (first.link, first.level) == (1, 5)


@pytest.mark.parametrize(
    ("depth", "listed", "own", "left"),
    [(2, False, 9, 1), (1, False, 9, 0), (2, True, 9, 2), (2, True, 1, 1), (0, True, 9, 0)],
)
def test_a_link_takes_a_step_and_a_list_does_not(
    depth: int, listed: bool, own: int, left: int
) -> None:
    target = Target(url="https://a.org/x", depth=own, listed=listed)
    ((one,),) = proposed([target], lease(depth=depth)).calls
    assert one.target.depth == left


def test_at_the_end_of_its_steps_a_page_leads_nowhere() -> None:
    assert proposed(linked("https://a.org/x"), lease(depth=0)).calls == []


def test_what_the_rules_of_the_site_forbid_is_left_out_unless_it_is_listed() -> None:
    robots = ScriptedRobots(disallowed=("https://a.org/no",))
    urls = ("https://a.org/no", "https://a.org/yes")
    assert proposed(linked(*urls), robots=robots).urls == ["https://a.org/yes"]
    # a listed page that may not be fetched is counted as skipped when it is visited
    assert proposed(linked(*urls, listed=True), robots=robots).urls == list(urls)


def test_positions_keep_the_order_of_pages_and_of_their_links() -> None:
    frontier = Noting()
    proposer = Proposer(frontier, ROUND)
    proposer.propose(lease(rank=10), linked("https://a.org/c"), BASE, None)
    proposer.propose(lease(rank=2), linked("https://a.org/a", "https://a.org/b"), BASE, None)
    ordered = sorted((one for call in frontier.calls for one in call), key=lambda p: p.position)
    assert [one.target.url[-1] for one in ordered] == ["a", "b", "c"]


def test_a_link_is_sent_again_only_from_an_earlier_place() -> None:
    frontier = Noting()
    proposer = Proposer(frontier, ROUND)
    for level, rank in ((1, 5), (1, 7), (2, 1), (1, 5), (1, 4), (0, 9), (1, 1)):
        proposer.propose(lease(level=level, rank=rank), linked("https://a.org/x"), BASE, None)
    places = [(one.level, int(one.position[:10])) for call in frontier.calls for one in call]
    assert places == [(2, 5), (2, 4), (1, 9)]


def test_the_links_of_a_crawl_are_told_apart() -> None:
    frontier = Noting()
    proposer = Proposer(frontier, ROUND)
    proposer.propose(lease(), linked("https://a.org/x"), BASE, None)
    proposer.propose(lease().model_copy(update={"link": 2}), linked("https://a.org/x"), BASE, None)
    assert [one.link for call in frontier.calls for one in call] == [1, 2]


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_engineering.application.crawling.proposing._URLS_KEPT", 2)
    frontier = Noting()
    proposer = Proposer(frontier, ROUND)
    for name in ("a", "b", "c", "a", "c"):
        proposer.propose(lease(), linked(f"https://a.org/{name}"), BASE, None)
    assert [url[-1] for url in frontier.urls] == ["a", "b", "c", "a"]
