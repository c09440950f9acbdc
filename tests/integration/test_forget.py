"""`poe forget` over the real MongoDB and the real Qdrant engine: nothing can be found then."""

import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from llm_engineering.application.ports.crawling import Link, Target
from llm_engineering.application.ports.frontier import DeadLetter, PageMemory, Proposal
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import Featurizer
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.queries import EmbeddedQuery
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.mongo.crawl_memory import MongoCrawlMemory, MongoDeadLetters
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.frontier import MongoFrontier
from llm_engineering.settings import load_settings
from pipelines.feature import FeatureReport, build_features
from tests.documents import VISITED
from tools.forget import app

CANARY = "xylophone"
URL = "https://example.org/secret"
NEIGHBOUR = "https://example.org/other"
TEXT = f"The {CANARY} stands in the attic. " + " ".join(
    f"Nobody plays note {n}." for n in range(15)
)


def page(url: str, content: str, author: str | None, *, days: int = 0) -> ArticleDocument:
    return ArticleDocument.create(
        url=url,
        title=f"About: {content[:25]}",
        content=content,
        platform="example.org",
        author=author,
        fetched_at=VISITED,
        raw=content.encode() * 20,
    )


SECRET = page(URL, TEXT, "Ada Lovelace")
OTHER = page(NEIGHBOUR, "The piano stands in the hall.", "Grace Hopper")


@pytest.fixture
def environment(
    mongo_uri: str, mongo_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("DATABASE_HOST", mongo_uri),
        ("DATABASE_NAME", mongo_name),
        ("DATA_DIR", str(tmp_path / "data")),
    ):
        monkeypatch.setenv(name, value)


@pytest.fixture
def platform(environment: None) -> Iterator[Platform]:
    with Platform(load_settings()) as platform:
        yield platform


def index(platform: Platform, chunk_tokens: int = 60) -> FeatureReport:
    config = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=chunk_tokens, heading_tokens=8))
    model, sparse = HashingEmbeddingModel(), WordSparseEncoder()

    def make_featurizer() -> Featurizer:
        chunking = ChunkingDispatcher(model, config.chunking)
        return Featurizer(chunking, EmbeddingDispatcher(model, sparse), config.batch_size)

    return build_features(
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


def fill(platform: Platform) -> None:
    store = platform.document_store
    store.save(page(URL, f"An earlier {CANARY}.", "Ada Lovelace"))
    for one in (SECRET, OTHER, page("https://copy.org/", TEXT, None)):
        store.save(one)
    index(platform)
    index(platform, chunk_tokens=40)  # a second generation; the first stays for going back


def remember_crawl(uri: str, name: str) -> None:
    """Leaves what a crawl of the page, its neighbour and a feed leaves behind."""
    database = MongoDatabase.connect(uri, name)
    memory, letters = MongoCrawlMemory(database), MongoDeadLetters(database)
    listed = (Target(url=f"{URL}?utm_source=feed", title=f"About the {CANARY}"),)
    for page_ in (
        PageMemory(url=f"{URL}#top", context="", documents=(SECRET.id,)),
        PageMemory(url=NEIGHBOUR, context="", documents=(OTHER.id,)),
        PageMemory(url="https://example.org/feed", context="", targets=listed),
    ):
        memory.remember(page_)
    for url in (URL, NEIGHBOUR):
        letter = DeadLetter(
            url=url,
            reason=f"{CANARY} expected" if url == URL else "HTTP 500",
            stage="fetch",
            transient=False,
            failed_at=VISITED,
            link=Link(url="https://example.org/"),
            target=Target(url=url),
        )
        letters.replace(letter.target, [letter])
    frontier = MongoFrontier(database)
    round_ = frontier.begin("crawl", timedelta(hours=1))
    targets = (Target(url=URL, title=CANARY), Target(url=NEIGHBOUR))
    frontier.propose(round_, [Proposal(link=0, target=target) for target in targets])
    database.close()


def found_in(database: Any, needle: str) -> set[str]:
    """Returns the collections in which the text is, packed or not."""
    return {
        name
        for name in database.list_collection_names()
        for record in database[name].find()
        if needle in _text(record)
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_text(one)}" for key, one in value.items())
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value).decode(errors="replace")
        except zlib.error:
            return value.decode(errors="replace")
    return str(value)


def hits(platform: Platform, word: str) -> list[str]:
    sparse = WordSparseEncoder().encode_query(word)
    vector = HashingEmbeddingModel().embed_query(word)
    query = EmbeddedQuery(text=word, embedding=vector, sparse=sparse)
    found = [
        *platform.chunk_index.search(query, by="sparse", limit=50),
        *platform.chunk_index.search(query, by="dense", limit=50),
    ]
    return [scored.chunk.url for scored in found if word in scored.chunk.text.casefold()]


def forget(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.parametrize(
    "arguments", [("--url", URL), ("--author", "LOVELACE, Ada"), ("--document", str(SECRET.id))]
)
def test_after_forgetting_nothing_of_the_text_is_anywhere(
    platform: Platform, mongo_uri: str, mongo_name: str, arguments: tuple[str, str]
) -> None:
    fill(platform)
    with MongoClient[dict[str, object]](mongo_uri, uuidRepresentation="standard") as client:
        database = client[mongo_name]
        remember_crawl(mongo_uri, mongo_name)
        everywhere = {"revisions", "raw", "cleaned", "pages", "frontier", "dead_letters"}
        assert found_in(database, CANARY) == everywhere
        assert set(hits(platform, CANARY)) == {URL}
        assert set(platform.likeness_store.links().values()) == {SECRET.id}
        platform.close()  # the command wants the index for itself

        report = forget(*arguments)
        assert report["complete"]
        assert report["copies_left"] == ["https://copy.org/"]
        before = {(one["store"], one["kind"]): one["before"] for one in report["holdings"]}
        assert [one["after"] for one in report["holdings"] if one["after"]] == []
        assert before["crawls", "pages"] == 2
        assert before["crawls", "frontier"] == before["crawls", "dead letters"] == 1
        assert before["documents", "revisions"] == before["documents", "raw"] == 2
        assert before["documents", "users"] == before["documents", "documents"] == 1
        chunks = [count for (store, _), count in before.items() if store == "index"]
        assert len(chunks) == 2
        assert min(chunks) >= 1

        assert forget("--url", "https://copy.org/")["complete"]
        assert found_in(database, CANARY) == set()
        assert found_in(database, "ovelace") == set()
        assert found_in(database, URL) == set()
        assert found_in(database, NEIGHBOUR) >= {"revisions", "cleaned", "pages", "frontier"}

    with Platform(load_settings()) as again:
        assert hits(again, CANARY) == []
        assert hits(again, "piano")
        assert again.document_store.save(SECRET) is SaveOutcome.FORGOTTEN
        assert (index(again, 40).documents_seen, hits(again, CANARY)) == (1, [])


def test_a_copy_takes_the_place_of_a_forgotten_original(platform: Platform) -> None:
    fill(platform)
    platform.close()
    forget("--url", URL)
    with Platform(load_settings()) as again:
        assert index(again, 40).documents_changed == 1
        assert set(hits(again, CANARY)) == {"https://copy.org/"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give one of --url URL, --author NAME, --document ID"),
        (["--url", URL, "--author", "Ada"], "give one of"),
        (["--author", " "], "give one of"),
        (["--document", "42"], "--document '42' is no id"),
        (["--url", "example"], "not a URL: 'example'"),
    ],
)
def test_a_wrong_call_is_one_line(environment: None, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_proof_is_a_table_and_a_dry_run_deletes_nothing(platform: Platform) -> None:
    fill(platform)
    platform.close()
    look = CliRunner().invoke(app, ["--author", "Ada Lovelace", "--dry-run"])
    assert look.exit_code == 0
    assert "would forget 1 documents" in look.output
    done = CliRunner().invoke(app, ["--author", "Ada Lovelace"])
    assert "revisions" in done.output
    assert "forgot 1 documents with" in done.output
    assert "2 tombstones keep them out" in done.output
    assert "next: poe run-etl" in done.output
    assert "the same text stands at https://copy.org/" in done.output
