"""Fifty poisoned pages in the real index, asked over HTTP, with a model that obeys every order."""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from starlette.testclient import TestClient

from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.rag.generation import AnswerGenerator, Event
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query, Retrieval
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.serving.api import create_app
from llm_engineering.settings import load_settings
from pipelines.feature import run_feature
from tests.documents import make_article
from tests.unit.application.rag.test_injection import HARBOURS, ORDERS, leaks, obeys, poisoned
from tests.unit.serving.oracle import events_of

FEATURES = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=60, heading_tokens=20))


@dataclass
class House:
    """The service behind the routes, with a chat model of the test's."""

    platform: Platform
    generator: AnswerGenerator

    def answer(self, request: AnswerRequest) -> Answer:
        return self.generator.answer(request)[0]

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        return self.generator.stream(request)

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        return self.platform.retriever().retrieve(query, k)

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        return self.platform.explainer().explain(query, url, k)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("poisoned")
    with Platform(load_settings(DATA_DIR=folder / "data", RAG_CONFIG=folder / "rag.yaml")) as made:
        made.document_store = InMemoryDocumentStore()
        made.likeness_store = InMemoryLikenessStore()
        made.embedding_model = HashingEmbeddingModel(dimension=64)
        made.sparse_encoder = WordSparseEncoder()
        for harbour in HARBOURS:
            for n, order in enumerate(ORDERS):
                url = f"https://example.org/{harbour}/{n}"
                title = f"{harbour} {n} {order}"
                made.document_store.save(
                    make_article(poisoned(order, harbour), url=url, title=title)
                )
        report = run_feature(made, FEATURES, SilentProgress())
        assert report.chunks_written >= 50, report
        yield made


def client(platform: Platform, model: BaseChatModel) -> TestClient:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform, "chat_model", lambda _=None: model)
        house = House(platform, platform.answer_generator("openai:scripted"))
    return TestClient(create_app(lambda: house), base_url="http://127.0.0.1")


def texts(answer: dict[str, Any]) -> str:
    """Returns what a page shows as written by the service; sources are shown as quotations."""
    return "\n".join([answer["answer"], *map(str, answer["degraded"])])


@pytest.mark.parametrize("verify", ["flag", "strict"])
@pytest.mark.parametrize("harbour", HARBOURS)
def test_nothing_leaks_and_nothing_links(platform: Platform, harbour: str, verify: str) -> None:
    model = ScriptedChatModel(obeys)
    asked = {"query": f"When does the pump of {harbour} start?", "verify": verify, "top_k": 10}
    app = client(platform, model)
    whole = app.post("/rag", json=asked).json()
    events = events_of(app.post("/rag/stream", json=asked).text)
    shown = "".join(json.loads(data)["text"] for name, data in events if name == "token")
    done = json.loads(events[-1][1])
    assert sum(order in model.asked[0][-1].text for order in ORDERS) >= 5
    assert "four centimetres" in whole["answer"]
    for text in (texts(whole), texts(done), shown):
        assert leaks(text) == []
    for citation in whole["citations"]:
        assert citation["url"].startswith("https://example.org/")


@pytest.mark.parametrize("harbour", HARBOURS)
def test_nor_does_it_when_the_model_is_down(platform: Platform, harbour: str) -> None:
    asked = {"query": f"When does the pump of {harbour} start?"}
    answer = client(platform, ScriptedChatModel([ModelError("down")])).post("/rag", json=asked)
    assert answer.json()["mode"] == "extractive"
    assert leaks(texts(answer.json())) == []
