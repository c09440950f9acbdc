"""What the composition root makes of its parts: scratch platforms, shared connections, clean-up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from llm_engineering.application.crawling.config import CrawlLimits
from llm_engineering.application.rag.config import RagConfig, SelfQueryConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.browser.driver import BrowserDriver
from llm_engineering.infrastructure.encoders.factory import ActiveReranker
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.llms import factory
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from llm_engineering.settings import Settings, load_settings
from tests.builders import make_generation
from tests.unit.platforms import KEY


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Folders of the test; nothing of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    folders = {"DATA_DIR": "data", "MODELS_DIR": "models", "MODEL_CACHE_DIR": "cache"}
    return {name: tmp_path / folder for name, folder in folders.items()}


def nowhere(*_: object) -> list[str]:
    """Lets a browser reach nothing."""
    return []


def with_stand_ins(platform: Platform) -> Platform:
    stand_ins = {
        "embedding_model": HashingEmbeddingModel(),
        "sparse_encoder": WordSparseEncoder(),
        "active_reranker": ActiveReranker(None, "none"),
        "chunk_index": InMemoryChunkIndex(),
        "document_store": InMemoryDocumentStore(),
        "likeness_store": InMemoryLikenessStore(),
        "answer_cache": InMemoryAnswerCache(),
    }
    platform.__dict__.update(stand_ins)
    return platform


@pytest.fixture
def platform(settings: dict[str, Any]) -> Iterator[Platform]:
    with with_stand_ins(Platform(load_settings(**settings))) as made:
        yield made


@pytest.fixture
def made_models(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The references of the chat models that were made."""
    made: list[str] = []

    def make(reference: str, *_: object, **__: object) -> BaseChatModel:
        made.append(reference)
        return ScriptedChatModel(lambda _: "yes")

    monkeypatch.setattr(factory, "make_chat_model", make)
    return made


# --- scratch


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"QDRANT_DATABASE_HOST": "qdrant.example"},
        {"USE_QDRANT_CLOUD": True, "QDRANT_CLOUD_URL": "https://x.example", "QDRANT_APIKEY": KEY},
    ],
    ids=["embedded", "server", "cloud"],
)
def test_a_scratch_platform_has_stores_of_its_own_and_the_same_models(
    settings: dict[str, Any], tmp_path: Path, server: dict[str, Any]
) -> None:
    with (
        with_stand_ins(Platform(load_settings(**settings, **server))) as platform,
        platform.scratch() as scratch,
    ):
        assert isinstance(scratch.chunk_index, EdgeChunkIndex), "never the user's own"
        scratch.chunk_index.create(make_generation())
        assert platform.chunk_index.generations() == []
        assert scratch.document_store is not platform.document_store
        assert scratch.likeness_store is not platform.likeness_store
        assert scratch.embedding_model is platform.embedding_model
        assert scratch.sparse_encoder is platform.sparse_encoder
        assert scratch.settings.DATA_DIR.is_relative_to(tmp_path / "data" / "scratch")
        folder = scratch.settings.DATA_DIR
    assert not folder.exists()
    assert list((tmp_path / "data" / "scratch").iterdir()) == []


def test_a_scratch_platform_is_gone_after_a_failure_too(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), platform.scratch() as scratch:
        scratch.chunk_index.create(make_generation())
        raise KeyError("mine")
    assert list((tmp_path / "data" / "scratch").iterdir()) == []


def test_scratch_platforms_do_not_meet(platform: Platform) -> None:
    with platform.scratch() as one, platform.scratch() as other:
        one.chunk_index.create(make_generation())
        assert other.chunk_index.generations() == []
        assert one.settings.DATA_DIR != other.settings.DATA_DIR


# --- folders


def test_a_data_folder_that_is_a_file_is_named(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"DATA_DIR: .*data/mongo: ") as refused:
        Platform(load_settings(**settings)).folder("mongo")
    assert "\n" not in str(refused.value)


def test_a_folder_is_made_once_and_keeps_what_is_in_it(platform: Platform) -> None:
    (platform.folder("x") / "kept").touch()
    assert (platform.folder("x") / "kept").exists()


# --- what lies beside the documents


def test_all_that_lies_beside_the_documents_shares_a_connection_that_is_closed_once(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[tuple[str, str]] = []
    closed: list[bool] = []

    class Connection:
        """Any collection is there."""

        def __getattr__(self, name: str) -> Any:
            return self

        def __getitem__(self, name: str) -> Any:
            return self

        def __call__(self, *_: object, **__: object) -> Any:
            return self

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def close(self) -> None:
            closed.append(True)

    def connect(uri: str, database: str, **_: object) -> Connection:
        connected.append((uri, database))
        return Connection()

    monkeypatch.setattr(MongoDatabase, "connect", connect)
    uri = "mongodb://db.example:27017"
    with Platform(load_settings(**settings, DATABASE_HOST=uri, DATABASE_NAME="tides")) as platform:
        assert connected == []
        stores = [
            platform.likeness_store,
            platform.question_set_store,
            platform.api_key_store,
            platform.feedback_store,
            platform.answer_cache,
            platform.crawl_state,
        ]
        assert len({id(store) for store in stores}) == len(stores)
        assert platform.feedback_store is platform.feedback_store
    assert connected == [(uri, "tides")]
    assert closed == [True]


def test_what_was_recorded_offline_lies_in_two_folders(platform: Platform, tmp_path: Path) -> None:
    uploads = platform.session_uploads()
    assert list(uploads) == ["clearml", "clearml-questions"]
    for name, sessions in uploads.items():
        assert sessions.waiting() == []
        (tmp_path / "data" / name / "a.zip").touch()
        assert sessions.waiting() == ["a.zip"]


# --- crawling


@pytest.mark.parametrize(
    ("given", "account", "has_login"),
    [
        ({}, None, False),
        (
            {"LINKEDIN_USERNAME": "ada@example.org", "LINKEDIN_PASSWORD": KEY},
            "ada@example.org",
            False,
        ),
        ({"LINKEDIN_BROWSER_PROFILE": "own/profile"}, None, True),
    ],
    ids=["nothing", "an account", "a profile"],
)
def test_who_logs_in_to_linkedin_is_what_the_settings_say(
    settings: dict[str, Any], given: dict[str, Any], account: str | None, has_login: bool
) -> None:
    browsing = Platform(load_settings(**settings, **given))._browsing(CrawlLimits())
    assert (browsing.account.username if browsing.account else None) == account
    assert browsing.has_login is has_login
    assert browsing.profile.parts[-2:] == (
        ("own", "profile") if has_login else ("browser", "linkedin")
    )
    assert "canary" not in repr(browsing)


def test_a_browser_has_the_limits_of_the_crawl_and_starts_nothing(platform: Platform) -> None:
    limits = CrawlLimits(max_page_bytes=123_456, page_timeout_s=7)
    browser = platform._browsing(limits).make_browser(nowhere, None)
    assert isinstance(browser, BrowserDriver)
    assert browser._limits.max_html_bytes == 123_456
    assert browser._limits.load_timeout_s == 7
    assert browser._session is None
    browser.close()


def test_a_program_that_is_no_browser_is_named_at_the_first_page(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "chrome").touch()
    platform = Platform(load_settings(**settings, CHROME_BINARY=tmp_path / "chrome"))
    browser = platform._browsing(CrawlLimits()).make_browser(nowhere, None)
    with pytest.raises(ConfigurationError, match=r"CHROME_BINARY: .*is not a program"):
        browser.page().__enter__()


# --- answering


def test_models_are_asked_for_what_the_config_wants_of_them(
    platform: Platform, made_models: list[str]
) -> None:
    platform.retriever(RagConfig(expansion=0, self_query=SelfQueryConfig(llm=False)))
    assert made_models == []
    flow = platform.retriever(RagConfig(expansion=2))
    assert flow.expansion is not None
    platform.retriever(RagConfig(self_query=SelfQueryConfig(llm=True)))
    assert made_models == ["local:qwen2.5-coder-1.5b-instruct"], "one model for both"


def test_an_index_that_cannot_be_searched_says_what_to_type(platform: Platform) -> None:
    with pytest.raises(InvalidInput, match="poe run-etl, then poe run-feature"):
        platform.require_searchable_index()
    other = make_generation(embedder="another")
    platform.chunk_index.create(other)
    platform.chunk_index.switch(other)
    with pytest.raises(ConfigurationError, match=f"{other.name}.*TEXT_EMBEDDING_MODEL_ID="):
        platform.require_searchable_index()
    own = make_generation(embedder=platform.embedding_model.fingerprint)
    platform.chunk_index.create(own)
    platform.chunk_index.switch(own)
    platform.require_searchable_index()


def test_an_explainer_asks_the_same_stores(platform: Platform) -> None:
    kept = vars(platform.explainer()).values()
    assert platform.document_store in kept
    assert platform.likeness_store in kept


@pytest.mark.parametrize(("hours", "kept"), [(0, False), (24, True)])
def test_answers_are_given_again_for_as_long_as_the_setting_says(
    settings: dict[str, Any], made_models: list[str], hours: int, kept: bool
) -> None:
    configured = load_settings(**settings, ANSWER_CACHE_HOURS=hours)
    with with_stand_ins(Platform(configured)) as platform:
        assert (platform.answer_pipeline()._given is not None) is kept


def key_of(settings: dict[str, Any], reference: str | None = None, **more: Any) -> str:
    """Returns what an answer to one question goes by under these settings."""
    with with_stand_ins(Platform(load_settings(**settings, **more))) as platform:
        key = platform._given_answers(reference).key(AnswerRequest(query=Query(text="Why?")))
    assert key is not None
    return key


def test_an_answer_is_another_under_other_models_or_settings(settings: dict[str, Any]) -> None:
    plain = key_of(settings)
    assert key_of(settings) == plain
    for more in (
        {"TEMPERATURE_INFERENCE": 0.5},
        {"TOP_P_INFERENCE": 0.5},
        {"MAX_NEW_TOKENS_INFERENCE": 9},
        {"LOCAL_MODEL_ID": "other"},
        {"LLM_FALLBACKS": "openai:a", "OPENAI_API_KEY": KEY},
    ):
        assert key_of(settings, **more) != plain, more
    assert key_of(settings, "openai:a") != plain
    assert key_of(settings, LLM_DEADLINE_S=9) == plain, "it changes no answer"


def test_answers_that_other_rules_judged_are_given_up(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = key_of(settings)
    monkeypatch.setattr("llm_engineering.application.rag.judging.RULES_VERSION", 0)
    assert key_of(settings) != plain


def test_history_reads_the_document_store(platform: Platform) -> None:
    assert platform.document_store in vars(platform.history()).values()


def test_served_answers_are_written_before_their_store_closes(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llm_engineering.application.rag.answer_recorder import AnswerRecorder
    from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore

    closed: list[object] = []
    monkeypatch.setattr(AnswerRecorder, "close", lambda one: closed.append(one))  # noqa: PLW0108 - it becomes a method
    platform.__dict__["feedback_store"] = InMemoryFeedbackStore()
    recorder = platform.answer_recorder
    assert platform.answer_recorder is recorder
    platform.close()
    assert closed == [recorder]
