from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.collection import (
    Collection,
    collection_document_id,
    read_collection,
)
from llm_engineering.domain.errors import InvalidInput
from tests.unit.application.evaluation.collection_making import DOCUMENTS, write_collection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "harbour")


def test_documents_keep_their_ids_and_stand_below_their_titles(folder: Path) -> None:
    collection = read_collection(folder)
    assert collection.name == "harbour"
    assert sorted(collection.ids.values()) == sorted(DOCUMENTS)
    contents = {collection.ids[one.id]: one.content for one in collection.documents}
    assert (
        contents["d2"]
        == "# Anchors\n\nAn anchor holds a ship in its place by gripping the sea bed."
    )
    assert contents["d3"] == "Spring tides follow the full moon and the new moon."
    assert contents["d4"] == "# Compass deviation\n\n"


def test_an_id_that_is_no_path_has_a_document_of_its_own(folder: Path) -> None:
    assert read_collection(folder).ids[collection_document_id("d/1")] == "d/1"
    assert collection_document_id("d/1") != collection_document_id("d%2F1")


def test_only_questions_with_a_relevant_document_are_scored(folder: Path) -> None:
    collection = read_collection(folder)
    assert [one.id for one in collection.questions] == ["q1", "q2", "q3", "q4"]
    assert collection.questions[0].grades == {"d/1": 2, "d5": 0}
    assert collection.unjudged == 1


def same(one: Collection, other: Collection) -> bool:
    return (one.documents, one.ids, one.questions) == (other.documents, other.ids, other.questions)


def test_header_packing_and_beirs_subfolder_make_no_difference(
    folder: Path, tmp_path: Path
) -> None:
    plain = read_collection(folder)
    assert same(plain, read_collection(write_collection(tmp_path / "a", header=False)))
    packed = write_collection(tmp_path / "b", packed=True)
    assert same(plain, read_collection(packed))
    (packed / "qrels").mkdir()
    (packed / "qrels.tsv").rename(packed / "qrels" / "test.tsv")
    assert same(plain, read_collection(packed))


def test_authors_and_dates_reach_the_documents(folder: Path) -> None:
    lines = [
        '{"_id": "a", "text": "x", "authors": ["Knuth, D. E.", "Ada Lovelace"], "year": 1974}',
        '{"_id": "b", "text": "x", "author": "Grace Hopper", "published": "1952-05-02"}',
    ]
    (folder / "corpus.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "qrels.tsv").write_text("q1\ta\t1\n", "utf-8")
    first, second = read_collection(folder).documents
    assert first.author_full_name == "Knuth, D. E.; Ada Lovelace"
    assert first.published == datetime(1974, 1, 1, tzinfo=UTC)
    assert second.author_full_name == "Grace Hopper"
    assert second.published == datetime(1952, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", "", r"corpus\.jsonl: empty"),
        ("corpus.jsonl", '{"_id": "1"}\n{"_id": \n', r"corpus\.jsonl: line 2: not JSON"),
        ("corpus.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("corpus.jsonl", '\n{"text": "no id"}\n', "line 2: no _id"),
        ("corpus.jsonl", '{"_id": "1"}\n{"_id": "1"}\n', "line 2: _id '1' came before"),
        ("corpus.jsonl", '{"_id": "1", "text": 7}\n', "line 1: text is int, not text"),
        ("corpus.jsonl", '{"_id": "1", "year": "soon"}\n', "line 1: published: 'soon'"),
        ("corpus.jsonl", '{"_id": "1", "year": [12]}\n', r"line 1: published: \[12\]"),
        ("corpus.jsonl", '{"_id": "1", "year": true}\n', "line 1: published: True"),
        ("corpus.jsonl", '{"_id": "1", "year": "0000"}\n', "line 1: published: '0000'"),
        ("corpus.jsonl", '{"_id": true}\n{"_id": 1.5}\n', "line 2: no _id"),
        ("corpus.jsonl", '{"_id": "a\\ud800"}\n', "line 1: not JSON"),
        ("corpus.jsonl", '{"_id": "1", "text": "\\udc00"}\n', "line 1: not JSON"),
        ("queries.jsonl", "\n", r"queries\.jsonl: empty"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', "line 1: text has 0 characters"),
        (
            "queries.jsonl",
            '{"_id": "q1", "text": "%s"}\n' % ("x" * 20_001),
            "line 1: text has 20001 characters",
        ),
        ("qrels.tsv", "q1 d2 1\n", "line 1: 1 columns instead of 3 between tabs"),
        ("qrels.tsv", "q1\td2\t1\nq1\td5\tgood\n", "line 2: grade 'good' is not a whole number"),
        ("qrels.tsv", "q1\td2\t1\nq1\td5\t--5\n", "line 2: grade '--5' is not a whole number"),
        ("qrels.tsv", "q1\td2\t1\nq1\td5\t1.5\n", "line 2: grade '1.5' is not a whole number"),
        ("qrels.tsv", "q1\td2\t1\nq1\td5\t\n", "line 2: grade '' is not a whole number"),
        ("qrels.tsv", "q1\td9\t1\n", "line 1: unknown document 'd9'"),
        ("qrels.tsv", "a\tb\tc\nq9\td2\t1\n", "line 2: unknown query 'q9'"),
        ("qrels.tsv", "q1\td2\t0\n", "no question has a relevant document"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    folder: Path, name: str, content: str, message: str
) -> None:
    (folder / name).write_text(content, "utf-8")
    with pytest.raises(InvalidInput, match=message) as caught:
        read_collection(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InvalidInput, match=name.replace(".", r"\.")):
        read_collection(folder)


def test_a_missing_folder_says_what_belongs_into_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no such folder \(corpus\.jsonl"):
        read_collection(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"not gzip", b"\x1f\x8b\x08\x00cut off"])
def test_a_damaged_file_is_named(folder: Path, content: bytes) -> None:
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"corpus\.jsonl\.gz"):
        read_collection(folder)


def test_a_file_in_another_encoding_is_named(folder: Path) -> None:
    (folder / "queries.jsonl").write_bytes('{"_id": "q1", "text": "Größe"}'.encode("latin-1"))
    with pytest.raises(InvalidInput, match=r"queries\.jsonl: cannot be read"):
        read_collection(folder)


def test_whole_characters_may_be_escaped(folder: Path) -> None:
    line = '{"_id": "d2", "text": "An \\u2693 \\ud83d\\udea2 holds."}'
    (folder / "corpus.jsonl").write_text(f"{line}\n", "utf-8")
    (folder / "qrels.tsv").write_text("q2\td2\t1\n", "utf-8")
    assert read_collection(folder).documents[0].content == "An ⚓ 🚢 holds."


def test_the_last_judgement_of_a_pair_counts(folder: Path) -> None:
    (folder / "qrels.tsv").write_text("q1\td2\t0\nq1\td2\t 2 \nq1\td5\t-1\n", "utf-8")
    assert read_collection(folder).questions[0].grades == {"d2": 2, "d5": -1}


def test_lines_may_end_as_on_windows(folder: Path) -> None:
    plain = read_collection(folder)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_bytes(text.replace("\n", "\r\n").encode())
    assert same(plain, read_collection(folder))


def test_the_collection_of_the_present_folder_has_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert read_collection(Path()).name == "harbour"
