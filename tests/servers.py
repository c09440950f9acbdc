"""Fixtures of the real servers: one of each for all tests, from the first that asks for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from llm_engineering.application.ports.answer_cache import AnswerCache
from llm_engineering.application.ports.api_keys import ApiKeyStore
from llm_engineering.application.ports.feedback import FeedbackStore
from llm_engineering.application.ports.likeness import LikenessStore
from llm_engineering.application.ports.question_sets import QuestionSetStore
from llm_engineering.application.ports.storage import DocumentStore

if TYPE_CHECKING:
    from llm_engineering.infrastructure.mongo.database import MongoDatabase


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of an embedded mongod that lives as long as the tests."""
    from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo

    server = EmbeddedMongo(tmp_path_factory.mktemp("mongo"))
    yield server.start()
    server.close()


@pytest.fixture
def mongo_name(mongo_uri: str) -> Iterator[str]:
    """The name of a database of the test's own on the real mongod."""
    from pymongo import MongoClient

    database = f"test_{uuid4().hex[:12]}"
    yield database
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(database)


@pytest.fixture
def document_store(mongo_uri: str, mongo_name: str) -> Iterator[DocumentStore]:
    """A store on the real mongod."""
    from llm_engineering.infrastructure.mongo.store import MongoDocumentStore

    store = MongoDocumentStore.connect(mongo_uri, mongo_name)
    yield store
    store.close()


@pytest.fixture
def mongo_database(mongo_uri: str, mongo_name: str) -> Iterator["MongoDatabase"]:
    """The database of `document_store`, by a connection of its own."""
    from llm_engineering.infrastructure.mongo.database import MongoDatabase

    database = MongoDatabase.connect(mongo_uri, mongo_name)
    yield database
    database.close()


@pytest.fixture
def likeness_store(mongo_database: "MongoDatabase") -> LikenessStore:
    """Likenesses beside the documents of `document_store`."""
    from llm_engineering.infrastructure.mongo.likeness_store import MongoLikenessStore

    return MongoLikenessStore(mongo_database)


@pytest.fixture
def question_set_store(mongo_database: "MongoDatabase") -> QuestionSetStore:
    """Question sets on the real mongod."""
    from llm_engineering.infrastructure.mongo.question_set_store import MongoQuestionSetStore

    return MongoQuestionSetStore(mongo_database)


@pytest.fixture
def api_key_store(mongo_database: "MongoDatabase") -> ApiKeyStore:
    """API keys on the real mongod."""
    from llm_engineering.infrastructure.mongo.api_key_store import MongoApiKeyStore

    return MongoApiKeyStore(mongo_database)


@pytest.fixture
def feedback_store(mongo_database: "MongoDatabase") -> FeedbackStore:
    """Served answers on the real mongod."""
    from llm_engineering.infrastructure.mongo.feedback_store import MongoFeedbackStore

    return MongoFeedbackStore(mongo_database)


@pytest.fixture
def answer_cache(mongo_database: "MongoDatabase") -> AnswerCache:
    """Answers given before, on the real mongod; it holds three."""
    from llm_engineering.infrastructure.mongo.answer_cache import MongoAnswerCache

    return MongoAnswerCache(mongo_database, capacity=3)
