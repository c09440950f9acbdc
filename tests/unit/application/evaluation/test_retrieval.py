from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import (
    JudgedQuestion,
    collection_url,
    read_collection,
)
from llm_engineering.application.evaluation.retrieval import (
    Answered,
    RetrievalTask,
    answer_all,
    compare,
    task_of,
    variant_report,
)
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.evaluation import VariantReport
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk
from tests.builders import make_chunk
from tests.unit.application.evaluation.collection_making import write_collection

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


def one_answered(grades: Mapping[str, int], *passages: ScoredChunk) -> list[Answered]:
    question = JudgedQuestion("q", "pump", grades)
    task = RetrievalTask("ships", [question], TASK.judged_as)
    return answer_all(task, ScriptedSearcher({"pump": passages}))


def reported(answered: list[Answered], worst: int = 1) -> VariantReport:
    return variant_report("v", {}, answered, Bootstrap(len(answered), 1, 100), worst)


def test_as_many_passages_are_asked_for_as_trec_eval_reads() -> None:
    asked: list[int | None] = []

    class Asked(ScriptedSearcher):
        def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
            asked.append(k)
            return super().retrieve(query, k)

    answer_all(TASK, Asked(PASSAGES))
    assert set(asked) == {1000}


def test_only_the_first_ten_documents_are_shown_and_drawn() -> None:
    passages = [found(f"d{n}", 1.0 - n / 100) for n in range(30)]
    report = reported(one_answered({"d3": 1, "d20": 1}, *passages))
    assert report.relevant_scores == (0.97,)
    assert len(report.other_scores) == 9
    (worst,) = report.worst
    assert [one.id for one in worst.found] == [f"d{n}" for n in range(10)]
    assert worst.expected == ("d3", "d20")


def test_what_is_shown_is_rounded_short_and_on_one_line() -> None:
    text = "The  pump\n\nruns. " * 60
    chunk = make_chunk(text, url="https://example.org/one", title="Pumps")
    long = ScoredChunk(chunk=chunk, scores={"fusion": 0.123456})
    (worst,) = reported(one_answered({"two": 1}, long)).worst
    (shown,) = worst.found
    assert shown.text == ("The pump runs. " * 60)[:240]
    assert (shown.score, shown.title) == (0.1235, "Pumps")


@pytest.mark.parametrize("grades", [{"one": 0, "two": 2}, {"one": -1, "two": 1}])
def test_what_is_judged_irrelevant_is_neither_expected_nor_relevant(grades: dict[str, int]) -> None:
    report = reported(one_answered(grades, found("one", 0.9), found("two", 0.5)))
    assert (report.relevant_scores, report.other_scores) == ((0.5,), (0.9,))
    assert report.worst[0].expected == ("two",)
    assert [one.grade for one in report.worst[0].found] == [grades["one"], grades["two"]]


@pytest.mark.parametrize(
    ("worst", "ids"), [(0, []), (1, ["q1"]), (2, ["q1", "q2"]), (9, ["q1", "q2"])]
)
def test_the_worst_come_first_and_only_as_many_as_are_wanted(worst: int, ids: list[str]) -> None:
    assert [one.id for one in reported(answered(), worst).worst] == ids


def test_questions_that_found_nothing_at_all_are_counted_as_zero() -> None:
    report = reported(one_answered({"one": 1}))
    assert {interval.mean for interval in report.metrics.values()} == {0.0}
    assert (report.relevant_scores, report.other_scores) == ((), ())
    assert report.worst[0].found == ()


def test_equal_scores_keep_the_order_of_the_searcher() -> None:
    (one,) = one_answered({"b": 1}, found("a", 0.5), found("b", 0.5), found("c", 0.5))
    assert [name for name, _ in one.ranking] == ["a", "b", "c"]
    assert one.scores["MRR@10"] == 0.5


def test_a_stage_that_some_questions_lack_costs_them_nothing() -> None:
    with_rerank, without = answered()
    timings = {**with_rerank.retrieval.timings_ms, "rerank": 8.0, "odd": 2.0}
    slow = with_rerank.retrieval.model_copy(update={"timings_ms": timings})
    mixed = [Answered(with_rerank.question, with_rerank.best, slow), without]
    report = reported(mixed)
    assert report.cpu_ms["rerank"] == 4.0
    assert list(report.cpu_ms) == ["embed", "fuse", "rerank", "total", "odd"]


def test_one_variant_is_compared_with_nothing() -> None:
    assert compare({"bm25": answered()}, Bootstrap(2, 1, 100)) == ()
    assert compare({}, Bootstrap(2, 1, 100)) == ()


def test_documents_of_a_collection_are_judged_by_their_own_ids(tmp_path: Path) -> None:
    collection = read_collection(write_collection(tmp_path / "harbour"))
    task = task_of(collection)
    known = make_chunk(url=collection_url("d/1"))
    other = make_chunk(url="https://example.org/elsewhere")
    assert task.judged_as(task.questions[0], known) == "d/1"
    assert task.judged_as(task.questions[0], other) == str(other.document_id)
    assert task.source == "harbour"
