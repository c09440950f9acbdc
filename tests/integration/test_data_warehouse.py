"""The data warehouse commands over the real MongoDB, as a user types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Tombstone
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import NOON, article, post, repository_file
from tools.data_warehouse import app

ALL = [article(author="Ada Lovelace", published=NOON, raw=b"raw"), post(), repository_file()]


@pytest.fixture
def folder(mongo_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_HOST", mongo_uri)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "warehouse"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_an_export_is_restored_in_another_database(
    document_store: DocumentStore,
    mongo_uri: str,
    mongo_name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for one in ALL:
        document_store.save(one)
    monkeypatch.setenv("DATABASE_NAME", mongo_name)
    status, output = run("export", "--dir", str(folder))
    assert status == 0
    assert "wrote 2 UserDocument, 1 ArticleDocument, 1 PostDocument" in output
    assert f"next: poe import-data-warehouse --dir {folder}" in output
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("export", "--dir", str(folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first

    other = MongoDocumentStore.connect(mongo_uri, f"{mongo_name}_2")
    try:
        monkeypatch.setenv("DATABASE_NAME", f"{mongo_name}_2")
        status, output = run("import", "--dir", str(folder))
        assert (status, "imported 3 new, 0 changed, 0 unchanged" in output) == (0, True)
        assert list(other.documents()) == list(document_store.documents())
        assert other.users() == document_store.users()
        status, output = run("import", "--dir", str(folder), "--json")
        assert json.loads(output[output.index("{") :])["unchanged"] == 3
        other.delete([ALL[0].id], [])
        other.bury([Tombstone(id=ALL[0].id, of="document", at=NOON)])
        assert "1 forgotten before" in run("import", "--dir", str(folder))[1]
        assert other.current(ALL[0].id) is None
        assert "1 restored" in run("import", "--dir", str(folder), "--restore-forgotten")[1]
        assert other.current(ALL[0].id) == ALL[0].model_copy(update={"raw": None})
    finally:
        other._client.drop_database(f"{mongo_name}_2")
        other.close()


def test_bad_records_are_told_and_the_status_is_not_0(
    mongo_name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_NAME", mongo_name)
    folder.mkdir()
    large = {"id": "1", "content": {"Content": "x" * (17 * 2**20)}, "link": "https://example.org/"}
    good = {"content": {"Title": "T", "Content": "Text."}, "link": "https://example.org/good"}
    records = [{"id": "1", "content": "text"}, large, good]
    (folder / "ArticleDocument.json").write_text(json.dumps(records))
    status, output = run("import", "--dir", str(folder))
    assert status == 1
    assert "ArticleDocument.json, record 1: content is no mapping" in output
    assert "record 2: https://example.org/: larger than the 16 MiB" in output
    assert "imported 1 new" in output
    assert "2 refused" in output


def test_without_files_nothing_is_imported_and_the_call_is_wrong(
    mongo_name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_NAME", mongo_name)
    status, output = run("import")
    assert status == 2
    assert "nothing to import (known: ArticleDocument.json" in output
