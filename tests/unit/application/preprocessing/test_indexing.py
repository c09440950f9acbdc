import pytest

from llm_engineering.application.ports.storage import IndexedDocument
from llm_engineering.application.preprocessing.indexing import (
    IndexingPlan,
    is_whole,
    plan_indexing,
)
from llm_engineering.application.preprocessing.publishing import publish, verify
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from tests.documents import make_post

ONE, TWO, THREE, FOUR = (
    Generation(embedder="model", chunker=name, dimension=4) for name in ("a", "b", "c", "d")
)


def fine(_: Generation) -> None:
    """Finds nothing wrong."""


@pytest.mark.parametrize(
    ("held", "whole"),
    [
        ([], False),
        ([IndexedDocument("now", 2, 2)], True),
        ([IndexedDocument("now", 1, 2)], False),
        ([IndexedDocument("old", 2, 2)], False),
        ([IndexedDocument("now", 2, 2), IndexedDocument("old", 1, 2)], False),
    ],
)
def test_whole_means_all_chunks_of_this_revision_and_no_others(
    held: list[IndexedDocument], whole: bool
) -> None:
    assert is_whole(held, "now") is whole


def test_a_plan_for_an_empty_index_has_everything_to_do() -> None:
    index = InMemoryChunkIndex()
    post = make_post("text")
    index.create(ONE)
    plan = plan_indexing({post.id: post.revision}, index, ONE)
    assert plan == IndexingPlan(ONE, {post.id: post.revision}, [], 0)


def test_publishing_what_is_live_changes_nothing() -> None:
    index = index_with(ONE, TWO)
    index.switch(ONE)
    assert publish(index, IndexingPlan(ONE, {}, [], 0), (), fine, keep_generations=0) is False
    assert len(index.generations()) == 2


@pytest.mark.parametrize(("keep", "left"), [(0, [FOUR]), (1, [ONE, FOUR]), (2, [ONE, TWO, FOUR])])
def test_publishing_keeps_the_one_that_was_live_longest(keep: int, left: list[Generation]) -> None:
    index = index_with(ONE, TWO, THREE, FOUR)
    index.switch(ONE)
    assert publish(index, IndexingPlan(FOUR, {}, [], 0), (), fine, keep_generations=keep)
    assert index.live() == FOUR
    assert [status.generation for status in index.generations()] == left


def test_a_document_of_the_plan_that_is_not_there_is_no_reason_if_it_was_left_out() -> None:
    post = make_post("text")
    plan = IndexingPlan(ONE, {post.id: post.revision}, [], 0)
    index = index_with(ONE)
    verify(index, plan, {post.id})
    with pytest.raises(IntegrityError, match="0 of 0 chunks and 1 documents"):
        verify(index, plan, ())


def index_with(*generations: Generation) -> InMemoryChunkIndex:
    index = InMemoryChunkIndex()
    for generation in generations:
        index.create(generation)
    return index
