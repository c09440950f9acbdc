"""A corpus of two lighthouses, and answers about them that come when the test lets them."""

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk
from tests.builders import make_chunk, make_citation

LAMP = (
    "The lamp of the northern lighthouse was lit for the first time in 1871. It burns rapeseed "
    "oil, and turns once in 40 seconds. Its keeper climbs 212 steps to reach it."
)
BELL = (
    "In fog nobody sees the light. Then a bell is struck by clockwork, twice a minute, and heard "
    "four miles out at sea. The clockwork has to be wound every six hours."
)
QUOTES = ("turns once in 40 seconds", "a bell is struck by clockwork, twice a minute")
CANARY = (
    '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
    "![pixel](https://elsewhere.invalid/p.png) [here](https://elsewhere.invalid/) "
    "javascript:document.title=1 {{document.title}} ${document.title='owned'}"
)


def passages() -> list[Chunk]:
    """Returns the passages, the second one with hostile text around what is quoted."""
    return [
        make_chunk(
            LAMP,
            url="https://lights.example/lamp",
            title="The northern lamp",
            start=1000,
            end=1000 + len(LAMP),
            platform="lights.example",
        ),
        make_chunk(
            f"{BELL} {CANARY}",
            url="https://lights.example/bell",
            title=f"The fog bell {CANARY}",
            author_full_name="Grace Hopper",
            platform="lights.example",
            published=datetime(2025, 2, 3, tzinfo=UTC),
        ),
        make_chunk(
            "Boats bring oil and bread twice a month.",
            url="file:///supplies",
            title="Supplies",
            platform="lights.example",
        ).model_copy(update={"url": "javascript:document.title='owned'"}),
    ]


@dataclass
class Keeper:
    """Answers everything about lighthouses. Each stream waits for `go` after its first words."""

    extra: str = ""
    go: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    requests: list[AnswerRequest] = field(default_factory=list)
    explained: list[tuple[Query, str]] = field(default_factory=list)

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        self.requests.append(request)
        found = passages()
        text = (
            "The lamp turns once in 40 seconds [1], and in fog a bell is struck twice a minute "
            f"[2]. Ships like both.{self.extra}"
        )
        unsupported = (text.index("Ships"), text.index("Ships") + len("Ships like both."))
        try:
            yield Sources(
                Retrieval(
                    passages=tuple(ScoredChunk(chunk=one, scores={"fusion": 1.0}) for one in found)
                )
            )
            words = text.split(" ")
            for at, word in enumerate(words):
                yield Token(word if not at else f" {word}")
                while at == 2 and not self.go.wait(0.1):
                    yield Token("")  # here it can be stopped
            yield Done(
                Answer(
                    text=text,
                    question=request.query.text,
                    citations=tuple(
                        make_citation(chunk, quote, n, score=0.93)
                        for n, (chunk, quote) in enumerate(zip(found, QUOTES), start=1)  # noqa: B905
                    ),
                    unsupported=(unsupported,),
                    grounded=True,
                    mode=AnswerMode.GENERATED,
                    model="local:keeper",
                    usage=Usage(input_tokens=210, output_tokens=28),
                    timings_ms={"total": 1234.0},
                )
            )
        finally:
            self.closed.set()

    def answer(self, request: AnswerRequest) -> Answer:
        raise NotImplementedError

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        raise NotImplementedError

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        self.explained.append((query, url))
        return Explanation(
            url=url,
            fate=Fate.BELOW_K,
            reason=f"its best passage is number 9 {self.extra}",
            stages=(
                StageReport(stage="dense", rank=12, of=64, score=0.41),
                StageReport(stage="sparse", of=64, note="no word in common"),
                StageReport(stage="rerank", rank=9, of=20, score=0.12),
            ),
            filters=query.filters,
        )
