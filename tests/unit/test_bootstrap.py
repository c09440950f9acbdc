"""The composition root: what each setting gives, that nothing is built early, and the order of
closing. The servers are replaced by stand-ins that note what is done with them."""

from pathlib import Path
from typing import Any

import pytest

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.crawling.engine import CrawlEngine
from llm_engineering.application.crawling.visiting import CrawlState
from llm_engineering.application.rag.config import RagConfig, RerankConfig, SelfQueryConfig
from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.bootstrap import Platform, now
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.encoders.factory import ActiveReranker
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordOverlapScorer,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.frontier import (
    InMemoryCrawlMemory,
    InMemoryDeadLetters,
    InMemoryFrontier,
)
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from llm_engineering.infrastructure.mongo import embedded
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex
from llm_engineering.infrastructure.tracing.otel import OTelTraces
from tests.unit.application.tracking.serving import served
from tests.unit.platforms import KEY, Open


class Closable:
    """Notes its closing."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name = name
        self._events = events

    def close(self) -> None:
        self._events.append(f"close {self.name}")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done with MongoDB, in order."""
    done: list[str] = []

    class Server(Closable):
        def __init__(self, folder: Path) -> None:
            super().__init__("server", done)
            done.append(f"server in {folder.name}")

        def start(self) -> str:
            done.append("start server")
            return "mongodb://embedded"

        def why_down(self) -> str | None:
            return None

    def connect(uri: str, database: str, **_: object) -> Closable:
        done.append(f"connect {uri} {database}")
        return Closable("store", done)

    monkeypatch.setattr(embedded, "EmbeddedMongo", Server)
    monkeypatch.setattr(MongoDocumentStore, "connect", connect)
    return done


# --- laziness and closing


def test_a_platform_builds_nothing_until_it_is_asked(platform_with: Open, tmp_path: Path) -> None:
    with platform_with():
        pass
    assert not (tmp_path / "data").exists()


def test_the_embedded_server_is_started_and_closed_after_its_store(
    platform_with: Open, events: list[str]
) -> None:
    with platform_with(DATABASE_NAME="tides") as platform:
        assert events == []
        assert platform.document_store is platform.document_store
    assert events == [
        "server in mongo",
        "start server",
        "connect mongodb://embedded tides",
        "close store",
        "close server",
    ]


def test_a_server_of_ones_own_is_connected_and_never_started(
    platform_with: Open, events: list[str], tmp_path: Path
) -> None:
    with platform_with(DATABASE_HOST="mongodb://db.example:27017") as platform:
        _ = platform.document_store
    assert events == ["connect mongodb://db.example:27017 llm_pipeline", "close store"]
    assert not (tmp_path / "data" / "mongo").exists()


def test_an_embedded_server_is_closed_though_the_store_cannot_connect(
    platform_with: Open, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str, database: str, **_: object) -> None:
        raise ConfigurationError("refused")

    monkeypatch.setattr(MongoDocumentStore, "connect", refuse)
    platform = platform_with()
    with pytest.raises(ConfigurationError, match="refused"), platform:
        _ = platform.document_store
    assert events[-1] == "close server"


def test_an_error_in_the_block_closes_everything_and_is_not_hidden(
    platform_with: Open, events: list[str]
) -> None:
    platform = platform_with()
    with pytest.raises(KeyError, match="mine"), platform:
        _ = platform.document_store
        raise KeyError("mine")
    assert events[-2:] == ["close store", "close server"]
    platform.close()
    assert events.count("close store") == 1, "closing twice closes once"


def test_what_was_built_last_is_closed_first(
    platform_with: Open, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    close = EdgeChunkIndex.close

    def noted(index: EdgeChunkIndex) -> None:
        events.append("close index")
        close(index)

    monkeypatch.setattr(EdgeChunkIndex, "close", noted)
    with platform_with() as platform:
        _ = platform.document_store, platform.chunk_index
    assert events[-3:] == ["close index", "close store", "close server"]


# --- the index


def test_the_index_is_embedded_unless_a_server_is_named(
    platform_with: Open, tmp_path: Path
) -> None:
    with platform_with() as platform:
        assert isinstance(platform.chunk_index, EdgeChunkIndex)
        assert platform.chunk_index.live() is None
    assert (tmp_path / "data" / "qdrant").is_dir()


@pytest.mark.parametrize(
    ("settings", "uri"),
    [
        ({"QDRANT_DATABASE_HOST": "qdrant"}, "http://qdrant:6333"),
        (
            {"QDRANT_DATABASE_HOST": "qdrant", "QDRANT_DATABASE_PORT": 7000, "QDRANT_APIKEY": KEY},
            "https://qdrant:7000",
        ),
        (
            {
                "USE_QDRANT_CLOUD": True,
                "QDRANT_CLOUD_URL": "https://x.cloud.example:6333",
                "QDRANT_APIKEY": KEY,
            },
            "https://x.cloud.example:6333",
        ),
        (
            {"QDRANT_DATABASE_HOST": "qdrant", "QDRANT_CLOUD_URL": "https://x.cloud.example:6333"},
            "http://qdrant:6333",
        ),
    ],
    ids=["server", "server with key", "cloud", "cloud not switched on"],
)
def test_a_named_server_or_the_cloud_gets_the_index(
    platform_with: Open, settings: dict[str, Any], uri: str, tmp_path: Path
) -> None:
    with platform_with(**settings) as platform:
        index = platform.chunk_index
        assert isinstance(index, ServerChunkIndex)
        assert index._client._client.rest_uri == uri  # type: ignore[attr-defined]
    assert not (tmp_path / "data").exists()


# --- use cases


def with_stand_ins(platform: Platform) -> Platform:
    platform.__dict__["embedding_model"] = HashingEmbeddingModel()
    platform.__dict__["sparse_encoder"] = WordSparseEncoder()
    platform.__dict__["active_reranker"] = ActiveReranker(WordOverlapScorer(), "shared words")
    return platform


def test_retrieval_over_an_empty_index_finds_nothing(platform_with: Open) -> None:
    with with_stand_ins(platform_with()) as platform:
        assert platform.retriever().invoke("where are the tides?") == []


def test_an_index_on_a_server_is_searched_for_more_questions_at_once(
    platform_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    with with_stand_ins(platform_with()) as embedded_index:
        assert embedded_index.retriever().at_once == 3
    with with_stand_ins(platform_with(QDRANT_DATABASE_HOST="localhost")) as served:
        assert served.retriever().at_once == 12


def test_the_retriever_is_what_its_config_says(platform_with: Open) -> None:
    with with_stand_ins(platform_with()) as platform:
        whole = platform.retriever()
        assert whole.config == RagConfig()
        assert whole.self_query is not None
        assert whole.reranker is not None
        assert whole.reranker.name == "shared words"
        bare = platform.retriever(
            RagConfig(rerank=RerankConfig(enabled=False), self_query=SelfQueryConfig(enabled=False))
        )
        assert (bare.self_query, bare.expansion, bare.reranker) == (None, None, None)
        platform.__dict__["active_reranker"] = ActiveReranker(None, "none")
        assert platform.retriever().reranker is None


def test_the_file_of_the_settings_configures_retrieval(platform_with: Open, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("k: 7\nrerank: {enabled: false}\n")
    with with_stand_ins(platform_with(RAG_CONFIG=file)) as platform:
        assert platform.retriever().config.k == 7
    file.write_text("kay: 7\n")
    with pytest.raises(ConfigurationError, match="unknown key 'kay'"):
        platform_with(RAG_CONFIG=file).retriever()


def test_the_generator_is_named_after_the_model_it_asks(
    platform_with: Open, tmp_path: Path
) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    with with_stand_ins(platform_with(LOCAL_MODEL_ID=str(weights))) as platform:
        for reference in (None, f"local:{weights}"):
            generator = platform.answer_generator(reference)
            assert f"local:{weights}" in vars(generator).values()


def test_the_release_follows_the_live_index_and_the_models(platform_with: Open) -> None:
    with platform_with(LOCAL_MODEL_ID="small") as platform:
        index = platform.__dict__["chunk_index"] = InMemoryChunkIndex()
        platform.__dict__["embedding_model"] = HashingEmbeddingModel()
        platform.__dict__["active_reranker"] = ActiveReranker(WordOverlapScorer(), "shared words")
        before = platform.release()
        assert (before.index, before.chat_models) == (None, ("local:small",))
        assert before.reranker == WordOverlapScorer().fingerprint
        generation = Generation(embedder="e", chunker="c", dimension=4)
        index.create(generation)
        index.switch(generation)
        after = platform.release()
        assert after.index == generation.name
        assert after.id != before.id
        assert platform.release().id == after.id
        assert platform.release("openai:large", "local:small").id != after.id
        platform.__dict__["rag_config"] = RagConfig(rerank=RerankConfig(enabled=False))
        assert platform.release().reranker is None


def test_questions_still_on_their_way_are_written_when_the_platform_closes(
    platform_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = InMemoryTracker()
    monkeypatch.setattr(Platform, "tracker_of", lambda *_: tracker)
    with with_stand_ins(platform_with(OPENAI_API_KEY=KEY)) as platform:
        platform.__dict__["chunk_index"] = InMemoryChunkIndex()
        platform.__dict__["tracking_config"] = TrackingConfig(share=1.0)
        for listener in platform.listeners():
            listener(served(text=f"Is {KEY.get_secret_value()} the key?"))
        release = platform.release().id
    (task,) = tracker.tasks
    assert (task.name, task.outcome) == (f"questions to release {release}", "done")
    questions = [rows for title, _, rows in task.recorded_tables if title == "questions"]
    assert questions[0][0]["question"] == "Is [redacted] the key?"


def test_traces_go_to_the_collector_that_is_named(
    platform_with: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Platform, "tracker_of", lambda *_: InMemoryTracker())
    with platform_with() as platform:
        assert platform.traces is None
        assert len(platform.listeners()) == 1
    closed = list[bool]()
    monkeypatch.setattr(OTelTraces, "close", lambda _: closed.append(True))
    with platform_with(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as platform:
        assert len(platform.listeners()) == 2
    assert closed == [True]


def test_the_file_of_the_settings_says_what_is_tracked(platform_with: Open, tmp_path: Path) -> None:
    assert platform_with().tracking_config == TrackingConfig()
    file = tmp_path / "other.yaml"
    file.write_text("share: 0.25\n")
    assert platform_with(TRACKING_CONFIG=file).tracking_config.share == 0.25
    file.write_text("share: 2\n")
    with pytest.raises(ConfigurationError, match=r"share: .*less than or equal to 1"):
        _ = platform_with(TRACKING_CONFIG=file).tracking_config


def test_the_shipped_file_shows_the_defaults(platform_with: Open) -> None:
    shipped = Path(__file__).parents[2] / "configs" / "tracking.yaml"
    assert platform_with(TRACKING_CONFIG=shipped).tracking_config == TrackingConfig()


def test_the_crawl_clones_below_the_data_folder(platform_with: Open, tmp_path: Path) -> None:
    platform = platform_with()
    platform.__dict__["document_store"] = InMemoryDocumentStore()
    platform.__dict__["crawl_state"] = CrawlState(
        InMemoryFrontier(), InMemoryCrawlMemory(), InMemoryDeadLetters()
    )
    with platform:
        engine = platform.crawl_engine(["127.0.0.1:8765"], CrawlLimits())
    assert isinstance(engine, CrawlEngine)
    assert (tmp_path / "data" / "git").is_dir()


def test_tracker_and_registry_keep_their_files_below_the_data_folder(
    platform_with: Open, tmp_path: Path
) -> None:
    platform = platform_with(CLEARML_API_ACCESS_KEY=KEY, CLEARML_API_SECRET_KEY=KEY)
    assert "canary" not in repr(vars(platform.tracker))
    assert platform.registry is platform.registry
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        "clearml",
        "mlflow",
        "registered-models",
    }


# --- folders and the clock


def test_folders_are_made_absolute_and_a_home_is_expanded(
    platform_with: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert platform_with(DATA_DIR="~/data").folder("x") == tmp_path / "home" / "data" / "x"
    assert platform_with(DATA_DIR="relative").folder("x") == tmp_path / "relative" / "x"
    assert (tmp_path / "relative" / "x").is_dir()


def test_the_clock_knows_its_zone() -> None:
    offset = now().utcoffset()
    assert offset is not None
    assert not offset
