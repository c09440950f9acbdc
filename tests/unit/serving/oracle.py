"""A service that answers always the same, and clients of an application around it."""

from collections.abc import Generator
from typing import Any

from starlette.testclient import TestClient

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage
from llm_engineering.domain.explanations import Explanation, Fate
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk, SearchFilters
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from tests.builders import make_chunk, make_citation

CHUNK = make_chunk(text="The tide turns.", start=40, end=55)
CITATION = make_citation(CHUNK, CHUNK.text)
ANSWER = Answer(
    text="It turns. [1] It sings.",
    question="When does the tide turn?",
    citations=(CITATION,),
    unsupported=((14, 23),),
    grounded=True,
    mode=AnswerMode.GENERATED,
    model="local:tiny",
    usage=Usage(input_tokens=10, output_tokens=3),
    timings_ms={"total": 12.5},
)
FOUND = Retrieval(
    passages=(ScoredChunk(chunk=CHUNK, scores={"dense": 0.5, "fusion": 1.0}),),
    found_filters=SearchFilters(authors=("Ada Lovelace",)),
    relaxed=("authors",),
    variants=("When?",),
    degraded={"rerank": "weights at /secret/place are gone"},
    timings_ms={"total": 3.5},
)


class Oracle:
    """Answers always the same, or fails as told; remembers what it was asked."""

    def __init__(self, error: Exception | None = None, *, late: Exception | None = None) -> None:
        self.error = error
        self.late = late
        self.asked: list[tuple[Query, int | None]] = []
        self.requests: list[AnswerRequest] = []

    def answer(self, request: AnswerRequest) -> Answer:
        self._note(request.query, request.k)
        self.requests.append(request)
        return ANSWER

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        answer = self.answer(request)
        yield Sources(FOUND)
        yield Token("It ")
        if self.late:
            raise self.late
        yield Token("turns.")
        yield Done(answer)

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        self._note(query, k)
        return FOUND

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        self._note(query, k)
        return Explanation(url=url, fate=Fate.BELOW_K, reason="its best passage is number 9")

    def _note(self, query: Query, k: int | None) -> None:
        self.asked.append((query, k))
        if self.error:
            raise self.error


def client(oracle: Oracle | None = None, **deployment: Any) -> TestClient:
    """Returns a client on this machine; what is not said of the deployment is open to all."""
    answering, made = oracle or Oracle(), Deployment(**deployment)
    app = create_app(lambda: answering, lambda: made)
    return TestClient(
        app,
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
        client=("127.0.0.1", 50_000),
    )


def events_of(body: str) -> list[tuple[str, str]]:
    """Returns name and data of each Server-Sent Event."""
    found = []
    for event in body.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), data.removeprefix("data: ")))
    return found
