import math

import pytest

from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.domain.embedded_chunks import (
    EmbeddedArticleChunk,
    EmbeddedPostChunk,
    EmbeddedRepositoryChunk,
)
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.documents import make_article, make_file, make_post

MODEL = HashingEmbeddingModel()
SPARSE = WordSparseEncoder()
CHUNKING = ChunkingDispatcher(MODEL, ChunkingConfig(chunk_tokens=64))


def test_every_category_has_a_handler_in_every_dispatcher() -> None:
    embedding = EmbeddingDispatcher(MODEL, SPARSE)
    kinds = [
        (make_article("text"), EmbeddedArticleChunk),
        (make_post("text"), EmbeddedPostChunk),
        (make_file("text"), EmbeddedRepositoryChunk),
    ]
    assert len(kinds) == len(DataCategory)
    for document, kind in kinds:
        chunks = CHUNKING.dispatch(CleaningDispatcher().dispatch(document))
        (embedded,) = embedding.dispatch(chunks)
        assert isinstance(embedded, kind)


def test_a_category_without_a_handler_is_refused_by_name() -> None:
    dispatcher = CleaningDispatcher({DataCategory.POSTS: clean_document})
    with pytest.raises(InvalidInput, match=r"'articles'.* has no handler \(known: posts\)"):
        dispatcher.dispatch(make_article("text"))
    with pytest.raises(InvalidInput, match=r"'articles'.* has no handler \(known: \)"):
        ChunkingDispatcher(MODEL, ChunkingConfig(chunk_tokens=64), {}).dispatch(
            clean_document(make_article("text"))
        )


def test_embedded_chunks_carry_the_chunk_and_both_vectors_of_its_passage() -> None:
    (chunk,) = CHUNKING.dispatch(CleaningDispatcher().dispatch(make_article("some text")))
    (embedded,) = EmbeddingDispatcher(MODEL, SPARSE).dispatch([chunk])
    assert chunk.heading_path == ("An article",)
    assert (embedded.id, embedded.text, embedded.start) == (chunk.id, "some text", chunk.start)
    assert embedded.embedding == MODEL.embed_query("An article\nsome text")
    assert embedded.sparse == SPARSE.encode_passage("An article\nAn article\nsome text")
    assert embedded.embedder == MODEL.fingerprint


def test_vectors_that_are_known_are_not_computed() -> None:
    model = HashingEmbeddingModel(dimension=2)
    chunks = CHUNKING.dispatch(CleaningDispatcher().dispatch(make_article("some text")))
    (embedded,) = EmbeddingDispatcher(model, SPARSE).dispatch(chunks, [(0.6, 0.8)])
    assert embedded.embedding == (0.6, 0.8)
    assert model.embedded == 0


def test_a_question_keeps_its_filters() -> None:
    filters = SearchFilters(authors=("Ada Lovelace",))
    embedded = EmbeddingDispatcher(MODEL, SPARSE).dispatch_query(
        Query(text="tide", filters=filters)
    )
    assert (embedded.text, embedded.filters) == ("tide", filters)
    assert math.isclose(sum(value**2 for value in embedded.embedding), 1)
    assert embedded.sparse.values == (1.0,)


@pytest.mark.parametrize(
    "values",
    [
        {"chunk_tokens": 15},
        {"chunk_tokens": 100, "overlap_tokens": 30, "heading_tokens": 30},
        {"overlap_tokens": -1},
        {"chunk_size": 500},
    ],
)
def test_impossible_sizes_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        FeatureConfig.model_validate({"chunking": values})
