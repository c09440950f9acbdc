"""The answer cache over the real MongoDB and the real Qdrant engine: stale answers do not exist."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from starlette.testclient import TestClient

from llm_engineering.application.corpus.forgetting import Request
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import Featurizer
from llm_engineering.application.rag.answering import AnswerPipeline
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.encoders.factory import ActiveReranker
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from llm_engineering.settings import load_settings
from pipelines.feature import build_features
from tests.documents import VISITED
from tests.unit.serving.oracle import Oracle

URL = "https://example.org/pump"
SAYS = "The bilge pump starts at four centimetres [1]."
ASKED = "When does the bilge pump start?"


def page(url: str, content: str) -> ArticleDocument:
    return ArticleDocument.create(
        url=url,
        title="Boats",
        content=content,
        platform="example.org",
        author=None,
        fetched_at=VISITED,
        raw=content.encode(),
    )


PUMP = page(URL, "The bilge pump starts at four centimetres.")
OTHER = page("https://example.org/apples", "Apple trees are pruned in winter.")


@pytest.fixture
def platform(mongo_uri: str, mongo_name: str, tmp_path: Path) -> Iterator[Platform]:
    settings = load_settings(
        DATABASE_HOST=mongo_uri, DATABASE_NAME=mongo_name, DATA_DIR=tmp_path, LOCAL_MODEL_ID="none"
    )
    with Platform(settings) as platform:
        platform.__dict__["embedding_model"] = HashingEmbeddingModel(max_tokens=512)
        platform.__dict__["sparse_encoder"] = WordSparseEncoder()
        platform.__dict__["active_reranker"] = ActiveReranker(None, "none")
        model = ScriptedChatModel(lambda _: SAYS)
        platform.__dict__["chat_model"] = lambda _=None: model
        for one in (PUMP, OTHER):
            platform.document_store.save(one)
        index(platform)
        yield platform


def index(platform: Platform) -> None:
    config = FeatureConfig()
    model, sparse = platform.embedding_model, platform.sparse_encoder

    def make_featurizer() -> Featurizer:
        chunking = ChunkingDispatcher(model, config.chunking)
        return Featurizer(chunking, EmbeddingDispatcher(model, sparse), config.batch_size)

    build_features(
        platform.document_store,
        platform.likeness_store,
        platform.chunk_index,
        model,
        sparse,
        InProcessExecutor(),
        make_featurizer,
        config,
        SilentProgress(),
    )


def asked(pipeline: AnswerPipeline) -> Answer:
    return pipeline.answer(AnswerRequest(query=Query(text=ASKED)))[0]


def asked_and_stored(platform: Platform) -> Answer:
    """Returns the answer when every process can find it: it is stored a little later."""
    answer = asked(platform.answer_pipeline())
    deadline = time.monotonic() + 30
    while not platform.answer_cache.count([PUMP.id]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer


def test_an_answer_is_given_again_by_every_process_and_model_of_the_release(
    platform: Platform,
) -> None:
    first = asked_and_stored(platform)
    assert (first.cached, first.grounded) == (False, True)
    again = asked(platform.answer_pipeline())  # as another worker would have its own
    assert (again.cached, again.text, again.citations) == (True, first.text, first.citations)
    assert not asked(platform.answer_pipeline("openai:gpt-4o-mini")).cached


def test_an_answer_dies_when_its_page_changes(platform: Platform) -> None:
    pipeline = platform.answer_pipeline()
    asked(pipeline)
    assert asked(pipeline).cached
    platform.document_store.save(page(URL, "The bilge pump starts at five centimetres."))
    index(platform)
    changed = asked(pipeline)
    assert not changed.cached


def test_an_answer_lives_on_when_another_page_comes(platform: Platform) -> None:
    pipeline = platform.answer_pipeline()
    asked(pipeline)
    platform.document_store.save(page("https://example.org/new", "Ferries cross at noon."))
    index(platform)
    assert asked(pipeline).cached


@pytest.mark.parametrize("by_http", [False, True])
def test_what_is_forgotten_is_not_in_the_cache(
    platform: Platform, mongo_uri: str, mongo_name: str, by_http: bool
) -> None:
    asked_and_stored(platform)
    with MongoClient[dict[str, object]](mongo_uri) as client:
        kept = client[mongo_name]["cached_answers"]
        assert "four centimetres" in str(kept.find_one())
        deployment = Deployment(documents=platform.document_store, forgetting=platform.forgetting())
        app = create_app(Oracle, lambda: deployment)
        if by_http:
            here = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
            report = here.delete(f"/documents/{PUMP.id}").json()
        else:
            request = Request(document=PUMP.id)
            report = platform.forgetting().forget(request).model_dump()
        assert kept.count_documents({}) == 0
    held = [one for one in report["holdings"] if one["kind"] == "cached answers"]
    assert [(one["store"], one["before"], one["after"]) for one in held] == [("answer cache", 1, 0)]


def test_zero_hours_keep_nothing(platform: Platform) -> None:
    off = platform.settings.model_copy(update={"ANSWER_CACHE_HOURS": 0.0})
    platform.settings = off
    pipeline = platform.answer_pipeline()
    assert [asked(pipeline).cached for _ in range(2)] == [False, False]


def test_settings_that_steer_the_model_are_part_of_the_key(platform: Platform) -> None:
    asked_and_stored(platform)
    assert asked(platform.answer_pipeline()).cached
    hot = platform.settings.model_copy(update={"TEMPERATURE_INFERENCE": 0.7})
    platform.settings = hot
    assert not asked(platform.answer_pipeline()).cached
