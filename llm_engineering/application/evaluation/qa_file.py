"""Questions with their answers, and the passages to answer them from.

The layout is one JSON object a line: `_id`, `question`, `context_id`, `context` (the gold passage),
`answers` (wordings of which one has to occur), and `is_impossible` where the gold passage is of the
matter and does not answer the question, as in SQuAD 2.0 (Rajpurkar et al. 2018).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_engineering.application.evaluation.collection import (
    PLATFORM,
    collection_url,
    read_lines,
    read_object,
)
from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.domain.chunks import ArticleChunk
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import chunk_id, document_id, revision_of
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk

PASSAGES = 5  # the gold one among them
_TEXTS = ("_id", "question", "context_id", "context")


@dataclass(frozen=True)
class QaQuestion:
    """A question, the id of its gold passage, and the wordings of its answer, if it has one."""

    id: str
    text: str
    gold: str
    answers: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        """Returns whether the gold passage answers it."""
        return bool(self.answers)


@dataclass(frozen=True)
class QaSet:
    """Questions, and the passages by their ids."""

    source: str
    questions: Sequence[QaQuestion]
    passages: Mapping[str, str]


def read_qa(path: Path) -> QaSet:
    """Returns the questions of a file.

    Raises:
        InvalidInput: the file is missing or empty, a line is malformed (named with its number), or
            there are too few passages for one of them to be among others.
    """
    questions: list[QaQuestion] = []
    passages: dict[str, str] = {}
    for line, at in read_lines(path):
        record = read_object(line, at)
        questions.append(_question(record, at))
        known = passages.setdefault(record["context_id"], record["context"])
        if known != record["context"]:
            raise InvalidInput(f"{at}: context_id {record['context_id']!r} has another context")
    if not questions:
        raise InvalidInput(f"{path}: empty")
    if len(passages) <= PASSAGES:
        raise InvalidInput(f"{path}: {len(passages)} contexts, at least {PASSAGES + 1} are needed")
    return QaSet(path.stem, questions, passages)


def sampled(qa: QaSet, limit: int | None, seed: int) -> QaSet:
    """Returns at most `limit` of the questions, drawn by `seed`; all passages stay."""
    if limit is None or limit >= len(qa.questions):
        return qa
    drawn = random.Random(seed).sample(range(len(qa.questions)), limit)  # noqa: S311 - no secret
    return QaSet(qa.source, [qa.questions[n] for n in sorted(drawn)], qa.passages)


class PassageShelf:
    """Finds the passages for each question: the gold one and those most like the question."""

    def __init__(self, qa: QaSet, embedder: EmbeddingModel) -> None:
        """Embeds every passage. Raises ModelError when the embedder fails."""
        self._embedder = embedder
        vectors = embedder.embed_passages(list(qa.passages.values()))
        self._chunks = [
            (_chunk(name, text), vector)
            for (name, text), vector in zip(qa.passages.items(), vectors, strict=True)
        ]

    def warm_up(self) -> None:
        """Returns at once: all is embedded."""

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        """Returns the passages most like a question, whichever is the gold one."""
        return Retrieval(passages=self._ranked(query.text)[: k or PASSAGES])

    def passages(self, question: QaQuestion, *, with_gold: bool = True) -> tuple[ScoredChunk, ...]:
        """Returns PASSAGES passages, the most like the question first."""
        ranked = self._ranked(question.text)
        others = [one for one in ranked if one.chunk.url != collection_url(question.gold)]
        if not with_gold:
            return tuple(others[:PASSAGES])
        kept = {one.chunk.url for one in others[: PASSAGES - 1]} | {collection_url(question.gold)}
        return tuple(one for one in ranked if one.chunk.url in kept)

    def _ranked(self, question: str) -> tuple[ScoredChunk, ...]:
        asked = self._embedder.embed_query(question)
        scored = [
            ScoredChunk(
                chunk=chunk,
                scores={"dense": sum(a * b for a, b in zip(asked, vector, strict=True))},
            )
            for chunk, vector in self._chunks
        ]
        return tuple(sorted(scored, key=lambda one: one.score, reverse=True))


def _question(record: Mapping[str, Any], at: str) -> QaQuestion:
    for field in _TEXTS:
        if not isinstance(record.get(field), str) or not record[field].strip():
            raise InvalidInput(f"{at}: {field} is not a text")
    answers, impossible = record.get("answers", []), record.get("is_impossible", False)
    if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
        raise InvalidInput(f"{at}: answers is not a list of texts")
    if not isinstance(impossible, bool):
        raise InvalidInput(f"{at}: is_impossible is neither true nor false")
    wordings = () if impossible else tuple(one for one in answers if one.strip())
    if not wordings and not impossible:
        raise InvalidInput(f"{at}: no answers, and is_impossible is not true")
    return QaQuestion(record["_id"], record["question"].strip(), record["context_id"], wordings)


def _chunk(name: str, text: str) -> ArticleChunk:
    url = collection_url(name)
    revision = revision_of(text)
    return ArticleChunk(
        id=chunk_id(document_id(url), revision, "qa", 0),
        document_id=document_id(url),
        revision=revision,
        position=0,
        total=1,
        start=0,
        end=len(text),
        text=text,
        url=url,
        platform=PLATFORM,
        title="",
    )
