"""Fixtures of the real servers: one of each for all tests, from the first that asks for it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from llm_engineering.application.ports.storage import DocumentStore


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of an embedded mongod that lives as long as the tests."""
    from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo

    server = EmbeddedMongo(tmp_path_factory.mktemp("mongo"))
    yield server.start()
    server.close()


@pytest.fixture
def document_store(mongo_uri: str) -> Iterator[DocumentStore]:
    """A store on the real mongod, in a database of its own."""
    from pymongo import MongoClient

    from llm_engineering.infrastructure.mongo.store import MongoDocumentStore

    database = f"test_{uuid4().hex[:12]}"
    store = MongoDocumentStore.connect(mongo_uri, database)
    yield store
    store.close()
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(database)
