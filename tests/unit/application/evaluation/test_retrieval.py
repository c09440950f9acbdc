from collections.abc import Mapping, Sequence

import pytest

from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import JudgedQuestion
from llm_engineering.application.evaluation.retrieval import (
    Answered,
    RetrievalTask,
    answer_all,
    compare,
    variant_report,
)
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk
from tests.builders import make_chunk

QUESTIONS = [
    JudgedQuestion("q1", "pump", {"one": 1}),
    JudgedQuestion("q2", "anchor", {"two": 2, "one": 0}),
]


def found(name: str, score: float, position: int = 0) -> ScoredChunk:
    chunk = make_chunk(f"{name} {position}", url=f"https://example.org/{name}", position=position)
    return ScoredChunk(chunk=chunk, scores={"fusion": score})


class ScriptedSearcher:
    """Finds what it was told to find for each question, at a stated cost."""

    def __init__(
        self, passages: Mapping[str, Sequence[ScoredChunk]], embed_ms: float = 1.0
    ) -> None:
        self._passages = passages
        self._embed_ms = embed_ms
        self.asked: list[str] = []

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        self.asked.append(query.text)
        return Retrieval(
            passages=tuple(self._passages[query.text])[:k],
            timings_ms={"fuse": 0.5, "embed": self._embed_ms, "total": 2.0},
            degraded={"rerank": "late"} if query.text == "anchor" else {},
            reranker="maxsim",
        )


PASSAGES = {
    "pump": [found("two", 0.9), found("one", 0.8, 1), found("one", 0.7)],
    "anchor": [found("two", 1.0), found("one", 0.2)],
}
TASK = RetrievalTask("ships", QUESTIONS, lambda _, chunk: chunk.url.rpartition("/")[2])


def answered(passages: Mapping[str, Sequence[ScoredChunk]] = PASSAGES) -> list[Answered]:
    return answer_all(TASK, ScriptedSearcher(passages))


def test_a_document_counts_by_its_best_chunk() -> None:
    first, second = answered()
    assert first.ranking == [("two", 0.9), ("one", 0.8)]
    assert first.best["one"].chunk.position == 1
    assert first.scores["MRR@10"] == 0.5
    assert second.scores["nDCG@10"] == 1.0


def test_a_question_warms_up_and_is_not_counted() -> None:
    searcher = ScriptedSearcher(PASSAGES)
    done: list[int] = []
    assert len(answer_all(TASK, searcher, done.append)) == 2
    assert searcher.asked == ["pump", "pump", "anchor"]
    assert done == [1, 1]


def test_an_outage_is_no_bad_result() -> None:
    class Down:
        def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
            raise StoreUnavailable("out of reach")

    with pytest.raises(StoreUnavailable):
        answer_all(TASK, Down())


def test_the_report_has_means_costs_scores_and_stages_left_out() -> None:
    report = variant_report("hybrid", {"k": 4}, answered(), Bootstrap(2, 1, 100), worst=1)
    assert report.metrics["MRR@10"].mean == 0.75
    assert report.metrics["MRR@10"].low <= 0.75 <= report.metrics["MRR@10"].high
    assert report.cpu_ms == {"embed": 1.0, "fuse": 0.5, "total": 2.0}
    assert list(report.cpu_ms) == ["embed", "fuse", "total"]
    assert report.degraded == {"rerank": 1}
    assert report.reranker == "maxsim"
    assert report.relevant_scores == (0.8, 1.0)
    assert report.other_scores == (0.9, 0.2)


def test_the_worst_question_shows_what_was_found_and_what_was_not() -> None:
    (worst,) = variant_report("hybrid", {}, answered(), Bootstrap(2, 1, 100), worst=1).worst
    assert (worst.id, worst.text, worst.expected) == ("q1", "pump", ("one",))
    assert [(one.id, one.grade) for one in worst.found] == [("two", 0), ("one", 1)]
    assert worst.found[1].text == "one 1"


def test_every_variant_is_compared_with_those_before_it() -> None:
    missed = {**PASSAGES, "anchor": [found("one", 1.0)]}
    runs = {"a": answered(missed), "b": answered(), "c": answered()}
    pairs = compare(runs, Bootstrap(2, 1, 200))
    assert [(one.variant, one.baseline) for one in pairs] == [("b", "a"), ("c", "a"), ("c", "b")]
    assert pairs[0].difference.mean == pytest.approx(0.5)
    assert not pairs[2].significant
    assert pairs[2].difference.mean == 0.0
