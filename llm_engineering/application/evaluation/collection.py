"""Test collections: documents, questions, and which documents answer which question.

The layout is BEIR's (https://github.com/beir-cellar/beir): `corpus.jsonl` or `corpus.jsonl.gz`
(`_id`, `title`, `text`, and here also `author` or `authors`, and `published` or `year`),
`queries.jsonl` (`_id`, `text`), and `qrels.tsv` or `qrels/test.tsv` (query id, document id, grade,
separated by tabs; a first line without a number as its grade is the header).
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import GzipFile
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote
from uuid import UUID

from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import document_id

_MOST_CHARACTERS = 20_000  # of a question
_COLUMNS = 3
PLATFORM = "collection"


@dataclass(frozen=True)
class JudgedQuestion:
    """A question and the grades of the documents that were judged for it."""

    id: str
    text: str
    grades: Mapping[str, int]


@dataclass(frozen=True)
class Collection:
    """A test collection. `ids` maps the documents' ids to those of the collection.

    `questions` have a relevant document each; `unjudged` others have none and cannot be scored.
    """

    name: str
    documents: Sequence[ArticleDocument]
    ids: Mapping[UUID, str]
    questions: Sequence[JudgedQuestion]
    unjudged: int


def read_collection(folder: Path) -> Collection:
    """Returns the collection in a folder.

    Raises:
        InvalidInput: a file is missing or empty, a line is malformed (named with its number), or a
            judgement names an unknown question or document.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder}: no such folder (corpus.jsonl, queries.jsonl, qrels.tsv)")
    corpus = _first_of(folder, "corpus.jsonl", "corpus.jsonl.gz")
    documents = {name: _document(line, name, at) for name, line, at in _records(corpus)}
    queries = _first_of(folder, "queries.jsonl", "queries.jsonl.gz")
    texts = {name: _question(line, at) for name, line, at in _records(queries)}
    for path, found in ((corpus, documents), (queries, texts)):
        if not found:
            raise InvalidInput(f"{path}: empty")
    judgements = _first_of(folder, "qrels.tsv", "qrels/test.tsv")
    grades = _grades(judgements, texts, documents)
    questions = [
        JudgedQuestion(name, text, grades[name]) for name, text in texts.items() if name in grades
    ]
    questions = [one for one in questions if max(one.grades.values()) > 0]
    if not questions:
        raise InvalidInput(f"{judgements}: no question has a relevant document")
    return Collection(
        name=folder.resolve().name,
        documents=list(documents.values()),
        ids={document.id: name for name, document in documents.items()},
        questions=questions,
        unjudged=len(texts) - len(questions),
    )


def collection_url(name: str) -> str:
    """Returns the address under which a document of a collection is stored."""
    return f"https://collection.invalid/{quote(name, safe='')}"


def collection_document_id(name: str) -> UUID:
    """Returns the id of a document of a collection."""
    return document_id(collection_url(name))


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the lines that are not blank, each with its place for messages.

    Raises:
        InvalidInput: the file cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file, _text_of(file, packed=path.suffix == ".gz") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield line, f"{path}: line {number}"
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error


def _text_of(file: BinaryIO, *, packed: bool) -> TextIOWrapper:
    return TextIOWrapper(GzipFile(fileobj=file) if packed else file, "utf-8")


def read_object(line: str, at: str) -> dict[str, Any]:
    """Returns the JSON object of a line.

    Raises:
        InvalidInput: it is none.
    """
    try:
        record = json.loads(line)
        if "\\u" in line:  # an escape may be half of a character, which nothing can store
            json.dumps(record, ensure_ascii=False).encode()
    except ValueError as error:
        raise InvalidInput(f"{at}: not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InvalidInput(f"{at}: not a JSON object")
    return record


def _first_of(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InvalidInput(f"{folder}: no {' or '.join(names)}")


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    seen: set[str] = set()
    for line, at in read_lines(path):
        record = read_object(line, at)
        name = record.get("_id")
        if not isinstance(name, str | int) or not str(name):
            raise InvalidInput(f"{at}: no _id")
        if str(name) in seen:
            raise InvalidInput(f"{at}: _id {str(name)!r} came before")
        seen.add(str(name))
        yield str(name), record, at


def _document(record: Mapping[str, Any], name: str, at: str) -> ArticleDocument:
    title, text = _text(record, "title", at).strip(), _text(record, "text", at)
    authors = record.get("authors") or record.get("author") or []
    names = [authors] if isinstance(authors, str) else [str(author) for author in authors]
    return ArticleDocument.create(
        url=collection_url(name),
        title=title,
        content=f"# {title}\n\n{text}" if title else text,  # as a page has it
        platform=PLATFORM,
        author="; ".join(names) or None,
        published=_published(record, at),
        fetched_at=datetime.min.replace(tzinfo=UTC),  # never: it was given
    )


def _text(record: Mapping[str, Any], field: str, at: str) -> str:
    value = record.get(field, "")
    if not isinstance(value, str | None):
        raise InvalidInput(f"{at}: {field} is {type(value).__name__}, not text")
    return value or ""


def _published(record: Mapping[str, Any], at: str) -> datetime | None:
    stamp = record.get("published") or record.get("year")
    if stamp is None:
        return None
    try:
        moment = datetime(int(str(stamp)), 1, 1) if len(str(stamp)) == 4 else _iso(stamp)  # noqa: PLR2004 - a year; the zone follows
    except ValueError as error:
        raise InvalidInput(f"{at}: published: {stamp!r}: {error}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(stamp: object) -> datetime:
    return datetime.fromisoformat(str(stamp))


def _question(record: Mapping[str, Any], at: str) -> str:
    text = _text(record, "text", at).strip()
    if not 1 <= len(text) <= _MOST_CHARACTERS:
        raise InvalidInput(f"{at}: text has {len(text)} characters (1 to {_MOST_CHARACTERS:,})")
    return text


def _grades(
    path: Path, questions: Mapping[str, str], documents: Mapping[str, ArticleDocument]
) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for number, (line, at) in enumerate(read_lines(path)):
        columns = line.rstrip("\r\n").split("\t")
        if len(columns) != _COLUMNS:
            raise InvalidInput(f"{at}: {len(columns)} columns instead of {_COLUMNS} between tabs")
        question, document, grade = columns
        if not _is_number(grade):
            if number == 0:
                continue  # the header
            raise InvalidInput(f"{at}: grade {grade!r} is not a whole number")
        for kind, name, known in (
            ("query", question, questions),
            ("document", document, documents),
        ):
            if name not in known:
                raise InvalidInput(f"{at}: unknown {kind} {name!r}")
        grades.setdefault(question, {})[document] = int(grade)
    return grades


def _is_number(text: str) -> bool:
    return text.strip().removeprefix("-").isdecimal()
