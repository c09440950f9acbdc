from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import ChunkingDispatcher
from llm_engineering.application.preprocessing.embedding import embed_chunk, searched_words
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.documents import Document
from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.documents import make_article, make_post

MODEL = HashingEmbeddingModel()
CHUNKING = ChunkingDispatcher(MODEL, ChunkingConfig(chunk_tokens=32, heading_tokens=8))


def chunk_of(document: Document) -> Chunk:
    (chunk,) = CHUNKING.dispatch(clean_document(document))
    return chunk


def test_the_words_of_a_title_count_once_more_than_others() -> None:
    chunk = chunk_of(make_article("tides turn at six", title="Tides"))
    assert searched_words(chunk) == f"Tides\n{chunk.passage}"
    encoder = Bm25Encoder()
    embedded = embed_chunk(chunk, MODEL.embed_query("x"), encoder, MODEL.fingerprint)
    weights = dict(zip(embedded.sparse.indices, embedded.sparse.values, strict=True))
    (tides,) = encoder.encode_query("tides").indices
    (six,) = encoder.encode_query("six").indices
    assert weights[tides] > weights[six]


def test_the_title_of_a_post_is_but_its_first_words() -> None:
    chunk = chunk_of(make_post("Tides turn at six."))
    assert searched_words(chunk) == chunk.passage == "Tides turn at six."


def test_the_dense_vector_is_the_given_one_and_names_its_model() -> None:
    vector = MODEL.embed_query("x")
    chunk = chunk_of(make_post("Tides turn at six."))
    embedded = embed_chunk(chunk, vector, Bm25Encoder(), MODEL.fingerprint)
    assert (embedded.embedding, embedded.embedder) == (vector, MODEL.fingerprint)
    assert embedded.model_dump().items() >= chunk.model_dump().items()
