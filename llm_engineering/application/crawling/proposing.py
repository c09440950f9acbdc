"""From the targets that a visit found to the frontier: which count, and in which order."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock

from llm_engineering.application.crawling.dispatcher import WEB_SCHEMES
from llm_engineering.application.crawling.sites import same_site
from llm_engineering.application.ports.crawling import SiteRules, Target
from llm_engineering.application.ports.frontier import Frontier, Lease, Proposal, Round
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import canonical_url

_URLS_KEPT = 50_000


class Proposer:
    """Proposes targets to one round of a frontier. Safe to call from several threads.

    Most links of a page stand on the pages before it, too. A bounded memory of what was proposed
    keeps them from being sent again.
    """

    def __init__(self, frontier: Frontier, round_: Round) -> None:
        self._frontier = frontier
        self._round = round_
        self._lock = Lock()
        self._places: OrderedDict[tuple[int, str], tuple[int, str]] = OrderedDict()

    def propose(
        self, lease: Lease, found: Sequence[Target], base: str, rules: SiteRules | None
    ) -> None:
        """Proposes what the lease's target named.

        Linked targets must be on the site of `base`, be allowed by its `rules` (None: all are),
        and take one of the link steps that the lease's target has left.
        """
        proposals = [
            Proposal(
                link=lease.link,
                target=target,
                level=lease.level + 1,
                position=f"{lease.rank:010d}.{index:06d}",
            )
            for index, target in enumerate(_completed(lease.target, found, base))
        ]
        new = [
            one
            for one in proposals
            if self._is_news(one)
            and (one.target.listed or rules is None or rules.allows(one.target.url))
        ]
        if new:
            self._frontier.propose(self._round, new)
            self._note(new)

    def _is_news(self, proposal: Proposal) -> bool:
        place = self._places.get((proposal.link, proposal.target.url))
        return place is None or (proposal.level, proposal.position) < place

    def _note(self, proposals: Sequence[Proposal]) -> None:
        with self._lock:
            for one in proposals:
                self._places[one.link, one.target.url] = (one.level, one.position)
            while len(self._places) > _URLS_KEPT:
                self._places.popitem(last=False)


def _completed(parent: Target, found: Sequence[Target], base: str) -> Iterator[Target]:
    """Yields the targets that count, each once, with what they inherit from their parent."""
    seen: set[str] = set()
    for target in found:
        url = _canonical(target.url)
        linked = not target.listed
        if url is None or url in seen:
            continue
        if linked and (parent.depth == 0 or not same_site(url, base)):
            continue
        seen.add(url)
        yield target.model_copy(
            update={
                "url": url,
                "author": target.author or parent.author,
                "depth": min(target.depth, parent.depth - linked),
                "max_pages": parent.max_pages,
                "found_on": target.found_on or base,
            }
        )


def _canonical(url: str) -> str | None:
    try:
        found = canonical_url(url)
    except InvalidInput:
        return None
    return found if found.partition(":")[0] in WEB_SCHEMES else None
