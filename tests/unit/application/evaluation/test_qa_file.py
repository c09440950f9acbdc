from pathlib import Path
from typing import Any

import pytest

from llm_engineering.application.evaluation.collection import collection_url
from llm_engineering.application.evaluation.qa_file import (
    PASSAGES,
    PassageShelf,
    QaSet,
    read_qa,
    sampled,
)
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.unit.application.evaluation.qa_making import RECORDS, record, write_qa


@pytest.fixture
def qa(tmp_path: Path) -> QaSet:
    return read_qa(write_qa(tmp_path / "harbour.jsonl"))


@pytest.fixture
def shelf(qa: QaSet) -> PassageShelf:
    return PassageShelf(qa, HashingEmbeddingModel(dimension=128))


def test_questions_and_passages_are_read(qa: QaSet) -> None:
    assert (qa.source, len(qa.questions), len(qa.passages)) == ("harbour", 7, 7)
    first, *_, last = qa.questions
    assert (first.id, first.gold, first.answers) == ("q1", "pumps", ("four centimetres", "4 cm"))
    assert [one.answerable for one in qa.questions].count(True) == 4
    assert last.text == "When does the ferry leave?"


def test_answers_of_an_impossible_question_do_not_count(tmp_path: Path) -> None:
    odd = record(9, "bees", "How many kings?", "one", is_impossible=True)
    qa = read_qa(write_qa(tmp_path / "odd.jsonl", [*RECORDS, odd]))
    assert not qa.questions[-1].answerable


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"question": " "}, "line 8: question is not a text"),
        ({"context": None}, "line 8: context is not a text"),
        ({"_id": 7}, "line 8: _id is not a text"),
        ({"answers": "one"}, "line 8: answers is not a list of texts"),
        ({"answers": [1]}, "line 8: answers is not a list of texts"),
        ({"answers": [], "is_impossible": False}, "line 8: no answers"),
        ({"is_impossible": "no"}, "line 8: is_impossible is neither"),
        ({"context": "Other."}, "line 8: context_id 'bees' has another context"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, fields: dict[str, Any], what: str) -> None:
    wrong = {**record(8, "bees", "How many queens?", "one"), **fields}
    with pytest.raises(InvalidInput, match=what):
        read_qa(write_qa(tmp_path / "qa.jsonl", [*RECORDS, wrong]))


def test_a_file_without_enough_to_choose_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        read_qa(write_qa(tmp_path / "none.jsonl", []))
    with pytest.raises(InvalidInput, match="5 contexts, at least 6"):
        read_qa(write_qa(tmp_path / "few.jsonl", RECORDS[:5]))
    with pytest.raises(InvalidInput, match="No such file"):
        read_qa(tmp_path / "missing.jsonl")


def test_a_sample_is_drawn_by_its_seed_and_keeps_order_and_passages(qa: QaSet) -> None:
    drawn = sampled(qa, 3, seed=5)
    assert [one.id for one in drawn.questions] == [one.id for one in sampled(qa, 3, 5).questions]
    assert [one.id for one in drawn.questions] == sorted(one.id for one in drawn.questions)
    assert len({tuple(one.id for one in sampled(qa, 3, n).questions) for n in range(20)}) > 5
    assert drawn.passages == qa.passages
    assert sampled(qa, None, 5) is qa
    assert sampled(qa, 7, 5) is qa


def test_the_gold_passage_is_among_five_ordered_by_likeness(qa: QaSet, shelf: PassageShelf) -> None:
    for question in qa.questions:
        found = shelf.passages(question)
        assert len(found) == PASSAGES == len({one.chunk.url for one in found})
        assert collection_url(question.gold) in [one.chunk.url for one in found]
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_the_gold_passage_can_be_taken_away(qa: QaSet, shelf: PassageShelf) -> None:
    for question in qa.questions:
        found = shelf.passages(question, with_gold=False)
        assert len(found) == PASSAGES
        assert collection_url(question.gold) not in [one.chunk.url for one in found]


def test_the_shelf_can_be_searched(shelf: PassageShelf) -> None:
    shelf.warm_up()
    found = shelf.retrieve(Query(text="When does the bilge pump start?"), 2).passages
    assert found[0].chunk.url == collection_url("pumps")
    assert len(found) == 2
