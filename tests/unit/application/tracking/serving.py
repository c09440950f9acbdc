"""Questions as they were served, and what they are tracked with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from llm_engineering.application.tracking.served import Rated, Served
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Citation, Usage
from llm_engineering.domain.feedback import Feedback, Vote
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk, SearchFilters
from llm_engineering.domain.releases import Release
from tests.unit.application.dataset.chunk_making import article_chunk

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEPT = ScoredChunk(chunk=article_chunk(position=0), scores={"dense": 0.8, "rerank": 0.9})
LEFT = ScoredChunk(chunk=article_chunk(position=1), scores={"sparse": 3.0, "rerank": 0.1})
RETRIEVAL = Retrieval(
    passages=(KEPT,),
    considered=(KEPT, LEFT),
    found_filters=SearchFilters(platforms=("medium",)),
    relaxed=("platforms",),
    variants=("What is a generator?", "generators in Python"),
    timings_ms={"embed": 3.0, "search": 5.0, "total": 8.5},
    degraded={"rerank": "too late"},
)
CITATION = Citation(
    n=1,
    document_id=KEPT.chunk.document_id,
    revision=KEPT.chunk.revision,
    url=KEPT.chunk.url,
    title=KEPT.chunk.title,
    author=None,
    start=KEPT.chunk.start,
    end=KEPT.chunk.end,
    quote="It yields values",
    score=0.9,
)
ANSWER = Answer(
    text="It yields values [1].",
    citations=(CITATION,),
    grounded=True,
    mode=AnswerMode.GENERATED,
    model="local:small",
    usage=Usage(input_tokens=100, output_tokens=20, cost_usd=0.25),
    timings_ms={"retrieve": 10.0, "first_token": 40.0, "generate": 90.0, "total": 100.0},
    degraded=("rerank",),
)
REFUSAL = Answer(text="Not in the sources.", grounded=False, mode=AnswerMode.REFUSED, model="m")
RELEASE = Release(
    index="chunks-a-b",
    embedder="e",
    reranker=None,
    retrieval="r",
    prompts="p",
    chat_models=("local:small",),
)


def served(request_id: str = "request-1", *, ms: float = 110.0, **more: Any) -> Served:
    filters = SearchFilters(authors=("Ada Lovelace",))
    text = more.pop("text", "What is a generator?")
    request = AnswerRequest(query=Query(text=text, filters=filters), request_id=request_id)
    told = {"retrieval": RETRIEVAL, "answer": ANSWER, **more}
    return Served(request, NOW, NOW + timedelta(milliseconds=ms), **told)


def rated(request_id: str = "request-1", vote: Vote = Vote.UP, better: str | None = None) -> Rated:
    return Rated(request_id, Feedback(vote=vote, better_answer=better, at=NOW))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
