import json
from uuid import UUID

import pytest

from llm_engineering.application.tracking.rows import (
    LONGEST,
    MOST_OTHERS,
    chunk_rows,
    feedback_row,
    question_row,
    redacted,
    same_keys,
)
from llm_engineering.domain.feedback import Vote
from llm_engineering.domain.redaction import HIDDEN, Redaction
from tests.unit.application.tracking.serving import KEPT, LEFT, REFUSAL, rated, served

CANARY = "~canary of the settings"


def test_a_question_says_what_was_asked_and_what_became_of_it() -> None:
    row = question_row(7, served(ms=110.5))
    assert row["iteration"] == 7
    assert row["request"] == "request-1"
    assert row["asked at"] == "2026-05-01T12:00:00+00:00"
    assert row["searched for"] == "What is a generator? | generators in Python"
    assert json.loads(str(row["filters"])) == {"authors": ["Ada Lovelace"]}
    assert json.loads(str(row["found filters"])) == {"platforms": ["medium"]}
    assert (row["relaxed"], row["degraded"]) == ("platforms", "rerank: too late")
    assert (row["outcome"], row["grounded"], row["model"]) == ("generated", True, "local:small")
    assert (row["input tokens"], row["output tokens"], row["cost in USD"]) == (100, 20, 0.25)
    assert (row["total in ms"], row["answer"], row["error"]) == (110.5, "It yields values [1].", "")


def test_a_question_that_failed_has_the_same_columns() -> None:
    row = question_row(1, served(retrieval=None, answer=None, error="StoreUnavailable: down"))
    assert list(row) == list(question_row(1, served()))
    assert (row["outcome"], row["grounded"], row["answer"]) == ("failed", False, "")
    assert row["error"] == "StoreUnavailable: down"


def test_long_texts_are_cut() -> None:
    row = redacted(question_row(1, served(text="x " * 10_000, error="y " * 10_000)), Redaction())
    assert len(str(row["question"])) == len(str(row["error"])) == LONGEST


@pytest.mark.parametrize("cut", range(1, len(CANARY)))
def test_no_cut_leaves_the_start_of_a_secret(cut: int) -> None:
    text = " " * (LONGEST - cut) + CANARY
    row = redacted(question_row(1, served(text=f"?{text[1:]}")), Redaction([CANARY]))
    assert CANARY[:1] not in str(row["question"])


def test_chunks_come_kept_first_with_their_scores() -> None:
    first, second = chunk_rows(7, served())
    assert (first["rank"], first["kept"], first["cited"]) == (1, True, True)
    assert (second["rank"], second["kept"], second["cited"]) == (2, False, False)
    assert (first["chunk"], second["chunk"]) == (str(KEPT.chunk.id), str(LEFT.chunk.id))
    assert (first["dense"], first["rerank"], second["sparse"]) == (0.8, 0.9, 3.0)
    assert {first["iteration"], second["iteration"]} == {7}


def test_of_what_the_model_did_not_read_the_best_are_told() -> None:
    retrieval = served().retrieval
    assert retrieval is not None
    chunks = [LEFT.chunk.model_copy(update={"id": UUID(int=n)}) for n in range(30)]
    many = [LEFT.model_copy(update={"chunk": chunk}) for chunk in chunks]
    rows = chunk_rows(1, served(retrieval=retrieval.model_copy(update={"considered": many})))
    assert [row["chunk"] for row in rows[1:]] == [str(one.chunk.id) for one in many[:MOST_OTHERS]]


def test_where_nothing_was_found_there_are_no_chunks() -> None:
    assert chunk_rows(1, served(retrieval=None)) == []
    assert not any(row["cited"] for row in chunk_rows(1, served(answer=REFUSAL)))


def test_rows_are_given_the_same_keys() -> None:
    assert same_keys([{"a": 1}, {"b": 2, "a": 3}]) == [{"a": 1, "b": None}, {"a": 3, "b": 2}]
    assert same_keys([]) == []


def test_feedback_names_its_question() -> None:
    row = feedback_row(4, rated(vote=Vote.DOWN, better="Another."))
    assert row == {
        "iteration": 4,
        "request": "request-1",
        "vote": "down",
        "better answer": "Another.",
    }
    assert feedback_row(None, rated())["better answer"] == ""


def test_secrets_go_and_ids_stay() -> None:
    request_id = "5f0c1a3e9d8b4c7a8e2f6b1d0c9a7e35"
    row = {"request": request_id, "question": f"is {request_id} mine, ada@example.org?", "rank": 1}
    assert redacted(row, Redaction()) == {
        "request": request_id,
        "question": f"is {HIDDEN} mine, {HIDDEN}?",
        "rank": 1,
    }


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.org/0123456789abcdef0123456789abcdef", None),
        ("https://example.org/?access_token=canary-4711&page=2", "canary"),
        ("https://root:canary@example.org/a", "canary"),
        ("https://example.org/sk" + "-canary0123456789", "canary"),
        ("https://example.org/quince-and-pears", "quince"),  # a secret of the settings
    ],
)
def test_an_address_loses_its_secrets_and_keeps_its_hashes(url: str, told: str | None) -> None:
    row = redacted({"url": url, "rank": 1}, Redaction(["quince-and-pears"]))
    if told is None:
        assert row == {"url": url, "rank": 1}
    else:
        assert told not in str(row["url"])
        assert HIDDEN in str(row["url"])


@pytest.mark.parametrize("place", ["title", "question", "error", "answer", "better answer", "url"])
def test_no_column_tells_a_secret(place: str) -> None:
    secret = "hf_" + "canary0123456789"
    assert "canary" not in str(redacted({place: f"a {secret} b"}, Redaction()))


def test_what_is_no_text_is_told_as_it_is() -> None:
    row: dict[str, object] = {"rank": 3, "kept": True, "score": 0.25, "cost in USD": None}
    assert redacted(row, Redaction(["0.25"])) == row


def test_a_stage_left_out_is_named_once_with_its_reason_if_there_is_one() -> None:
    retrieval = served().retrieval
    assert retrieval is not None
    named = retrieval.model_copy(update={"degraded": {"rerank": "too late", "expansion": ""}})
    assert question_row(1, served(retrieval=named))["degraded"] == "rerank: too late; expansion"
    assert question_row(1, served(retrieval=None))["degraded"] == "rerank"
    nothing = served(retrieval=None, answer=REFUSAL)
    assert question_row(1, nothing)["degraded"] == ""


@pytest.mark.parametrize(("start", "cited"), [(0, True), (10, True), (10**6, False)])
def test_a_chunk_is_cited_where_the_citation_begins_within_it(start: int, cited: bool) -> None:
    answer = served().answer
    assert answer is not None
    (one,) = answer.citations
    moved = answer.model_copy(update={"citations": (one.model_copy(update={"start": start}),)})
    assert chunk_rows(1, served(answer=moved))[0]["cited"] is cited


def test_the_end_of_a_chunk_is_the_next_ones_beginning() -> None:
    answer = served().answer
    assert answer is not None
    (one,) = answer.citations
    at_end = one.model_copy(update={"start": KEPT.chunk.end})
    moved = answer.model_copy(update={"citations": (at_end,)})
    assert not chunk_rows(1, served(answer=moved))[0]["cited"]


def test_a_question_nobody_answered_names_the_model_that_was_asked_for() -> None:
    question = served(answer=None)
    request = question.request.model_copy(update={"model": "openai:m"})
    asked = type(question)(request, question.began, question.ended)
    assert question_row(1, asked)["model"] == "openai:m"
    assert question_row(1, question)["model"] == ""
