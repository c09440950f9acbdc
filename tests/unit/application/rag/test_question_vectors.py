"""Which questions are embedded with which, and that each gets its own vectors."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_engineering.application.rag.question_vectors import QuestionVectors
from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel

MODEL = HashingEmbeddingModel(dimension=32)


class Watched(HashingEmbeddingModel):
    """Notes what is embedded together; what has `poison` among it cannot be."""

    def __init__(self) -> None:
        super().__init__(dimension=32)
        self.runs: list[tuple[str, ...]] = []

    def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
        self.runs.append(tuple(texts))
        if "poison" in texts:
            raise ModelError("it cannot be embedded")
        return super().embed_queries(texts)


def test_a_question_alone_is_embedded_alone() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    assert vectors.of(vectors.want(["tide"])) == tuple(MODEL.embed_queries(["tide"]))
    assert model.runs == [("tide",)]


def test_those_that_wait_are_taken_along_and_need_no_run_of_their_own() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    wanted = [vectors.want([text]) for text in ("tide", "pump", "pier")]
    assert vectors.of(wanted[1]) == tuple(MODEL.embed_queries(["pump"]))
    assert model.runs == [("pump", "tide", "pier")]
    for one, text in zip(wanted, ("tide", "pump", "pier"), strict=True):
        assert vectors.of(one) == tuple(MODEL.embed_queries([text]))
    assert len(model.runs) == 1


def test_a_run_has_four_texts_at_most_and_those_that_waited_longest() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    wanted = [vectors.want([text]) for text in "abcdef"]
    vectors.of(wanted[5])
    vectors.of(wanted[3])
    vectors.of(wanted[4])
    assert model.runs == [("f", "a", "b", "c"), ("d", "e")]


def test_the_rephrasings_of_a_question_stay_together() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    first, many = vectors.want(["a"]), vectors.want(["b", "c", "d", "e"])
    last = vectors.want(["f", "g"])
    assert vectors.of(first) == tuple(MODEL.embed_queries(["a"]))
    assert vectors.of(many) == tuple(MODEL.embed_queries(["b", "c", "d", "e"]))
    assert vectors.of(last) == tuple(MODEL.embed_queries(["f", "g"]))
    assert model.runs == [("a", "f", "g"), ("b", "c", "d", "e")]


def test_more_rephrasings_than_a_run_has_are_embedded_all_the_same() -> None:
    texts = [str(n) for n in range(7)]
    vectors = QuestionVectors(MODEL)
    other = vectors.want(["other"])
    assert vectors.of(vectors.want(texts)) == tuple(MODEL.embed_queries(texts))
    assert vectors.of(other) == tuple(MODEL.embed_queries(["other"]))


def test_a_question_that_cannot_be_embedded_harms_no_other() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    good, bad, later = vectors.want(["tide"]), vectors.want(["poison"]), vectors.want(["pump"])
    assert vectors.of(good) == tuple(MODEL.embed_queries(["tide"]))
    with pytest.raises(ModelError, match="cannot be embedded"):
        vectors.of(bad)
    assert vectors.of(later) == tuple(MODEL.embed_queries(["pump"]))


def test_a_model_that_is_down_is_an_error_for_each() -> None:
    vectors = QuestionVectors(Watched())
    for wanted in [vectors.want(["poison"]), vectors.want(["poison"])]:
        with pytest.raises(ModelError):
            vectors.of(wanted)


def test_what_is_never_asked_for_is_forgotten() -> None:
    model = Watched()
    vectors = QuestionVectors(model)
    for variants in (1, 4, 7):  # also what is too much to be taken along
        vectors.want(["given up"] * variants)
    vectors.of(vectors.want(["tide"]))
    assert model.runs == [("tide",)]
    assert not vectors._waiting


def test_who_comes_during_a_run_is_not_in_it() -> None:
    running, go_on = threading.Event(), threading.Event()

    class Slow(Watched):
        def embed_queries(self, texts: Sequence[str]) -> Sequence[tuple[float, ...]]:
            running.set()
            assert go_on.wait(10)
            return super().embed_queries(texts)

    model = Slow()
    vectors = QuestionVectors(model)
    first = vectors.want(["tide"])
    with ThreadPoolExecutor(2) as pool:
        found = pool.submit(vectors.of, first)
        assert running.wait(10)
        later = pool.submit(vectors.of, vectors.want(["pump"]))
        go_on.set()
        assert found.result() == tuple(MODEL.embed_queries(["tide"]))
        assert later.result() == tuple(MODEL.embed_queries(["pump"]))
    assert model.runs == [("tide",), ("pump",)]


def test_each_of_many_at_once_gets_its_own() -> None:
    model = Watched()
    vectors = QuestionVectors(model)

    def ask(number: int) -> bool:
        text = f"question {number}"
        return vectors.of(vectors.want([text])) == tuple(MODEL.embed_queries([text]))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))
    embedded = [text for run in model.runs for text in run]
    assert len(embedded) == len(set(embedded)) == 400


def test_warming_up_runs_every_number_of_questions() -> None:
    model = Watched()
    QuestionVectors(model).warm_up()
    assert [len(run) for run in model.runs] == [1, 2, 3, 4]
