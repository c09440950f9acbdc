import pickle
from collections.abc import Callable, Sequence

import pytest

from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import (
    Features,
    FeatureWork,
    Featurizer,
)
from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.documents import make_article, make_post

CHUNKING = ChunkingConfig(chunk_tokens=32, heading_tokens=8)


class CountingModel(HashingEmbeddingModel):
    """Notes how many passages each call has."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        self.calls.append(len(texts))
        return super().embed_passages(texts, on_done)


def featurizer(model: HashingEmbeddingModel, batch_size: int = 256) -> Featurizer:
    embedding = EmbeddingDispatcher(model, WordSparseEncoder())
    return Featurizer(ChunkingDispatcher(model, CHUNKING), embedding, batch_size)


def works(*texts: str) -> list[FeatureWork]:
    posts = [make_post(text, url=f"https://example.org/{n}") for n, text in enumerate(texts)]
    return [FeatureWork(clean_document(post)) for post in posts]


def test_each_document_gets_its_chunks_with_vectors_in_order() -> None:
    model = HashingEmbeddingModel()
    batch = works("alpha", "beta")
    features = featurizer(model)(batch)
    assert [f.document_id for f in features] == [w.document.document_id for w in batch]
    assert [[c.text for c in f.chunks] for f in features] == [["alpha"], ["beta"]]
    (chunk,) = features[1].chunks
    assert (chunk.embedding,) == tuple(model.embed_passages([chunk.passage]))
    assert (chunk.embedder, features[1].embedded) == (model.fingerprint, 1)


def test_the_passages_of_a_batch_are_embedded_together_and_equal_ones_once() -> None:
    model = CountingModel()
    features = featurizer(model)(works("alpha", "beta", "alpha", "gamma"))
    assert model.calls == [3]
    assert [f.embedded for f in features] == [1, 1, 0, 1]
    assert features[0].chunks[0].embedding == features[2].chunks[0].embedding


def test_no_more_than_batch_size_are_embedded_at_once() -> None:
    model = CountingModel()
    featurizer(model, batch_size=2)(works("one", "two", "three", "four", "five"))
    assert model.calls == [2, 2, 1]


def test_known_vectors_are_taken_as_they_are() -> None:
    model = CountingModel()
    (work,) = works("alpha")
    (made,) = featurizer(model)([work])
    vector = (1.0,) + (0.0,) * (model.dimension - 1)
    known = {made.chunks[0].passage_hash: vector}
    (features,) = featurizer(model)([FeatureWork(work.document, known)])
    assert features.chunks[0].embedding == vector
    assert features.embedded == 0
    assert model.calls == [1]


def test_a_document_that_cannot_be_chunked_is_named_and_the_others_go_on() -> None:
    odd = clean_document(make_post("odd")).model_copy(update={"category": "videos"})
    good = FeatureWork(clean_document(make_article("text")))
    bad, fine = featurizer(HashingEmbeddingModel())([FeatureWork(odd), good])
    assert bad.failure is not None
    assert "videos" in bad.failure
    assert (bad.chunks, fine.failure, len(fine.chunks)) == ([], None, 1)


def test_a_document_without_text_has_no_chunks() -> None:
    (features,) = featurizer(HashingEmbeddingModel())(works("  "))
    assert features == Features(features.document_id, chunks=[], cpu_s=features.cpu_s)


def test_the_cpu_of_a_batch_is_told_once() -> None:
    first, second = featurizer(HashingEmbeddingModel())(works("alpha", "beta"))
    assert first.cpu_s.keys() == {"chunk", "embed"}
    assert second.cpu_s == {}
    assert featurizer(HashingEmbeddingModel())([]) == []


def test_a_model_that_fails_ends_the_batch() -> None:
    class Broken(HashingEmbeddingModel):
        def embed_passages(self, *_: object) -> Sequence[tuple[float, ...]]:
            raise ModelError("out of memory")

    with pytest.raises(ModelError, match="out of memory"):
        featurizer(Broken())(works("alpha"))


def test_work_and_features_travel_to_other_processes() -> None:
    (work,) = works("alpha")
    (features,) = featurizer(HashingEmbeddingModel())([work])
    assert pickle.loads(pickle.dumps(work)) == work
    assert pickle.loads(pickle.dumps(features)) == features
