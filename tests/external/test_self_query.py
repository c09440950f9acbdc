"""Self-query against questions over a catalogue of 3,204 papers by 2,879 authors.

No model is loaded: the vectors are hashed words, and no question asks a chat model.
"""

import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.application.rag.authors import AuthorCatalogue
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.application.rag.mentions import named_authors
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.application.rag.self_query import SelfQuery, search_by_words
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.names import PersonName, parsed_name
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.infrastructure.encoders.bm25 import Bm25Encoder
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from tests.builders import make_embedded_chunk, make_generation

DATA = Path(os.environ.get("LLMP_EVALDATA", Path(__file__).parents[3] / "shared" / "evaldata"))
QUESTIONS = DATA / "qa" / "selfquery_cacm.jsonl"
CORPUS = DATA / "retrieval" / "cacm" / "corpus.jsonl.gz"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(not QUESTIONS.exists(), reason=f"no evaluation data at {DATA}"),
]


@dataclass(frozen=True)
class Case:
    """A question, the authors it asks for, and what is relevant."""

    question: str
    authors: Sequence[PersonName]
    year: int | None
    relevant: frozenset[str]


@dataclass(frozen=True)
class Papers:
    """The papers in an index, and the questions on them."""

    retriever: ContextRetriever
    catalogue: AuthorCatalogue
    cases: Sequence[Case]

    def filters(self, case: Case) -> SearchFilters:
        assert self.retriever.self_query
        return self.retriever.self_query.invoke(Query(text=case.question)).filters


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Papers]:
    model, words = HashingEmbeddingModel(dimension=8), Bm25Encoder()
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        corpus = [json.loads(line) for line in lines]
    generation = make_generation(embedder=model.fingerprint, dimension=8)
    index = EdgeChunkIndex(tmp_path_factory.mktemp("cacm"))
    index.create(generation)
    index.upsert(generation, [as_chunk(paper, model, words) for paper in corpus])
    index.commit(generation)
    index.switch(generation)
    catalogue = AuthorCatalogue("; ".join(paper["authors"]) for paper in corpus)
    retriever = ContextRetriever(
        index=index,
        embedder=model,
        sparse_encoder=words,
        config=RagConfig(k=10),
        self_query=SelfQuery(lambda: catalogue, lambda: NOW, search_by_words(index, words)),
    )
    yield Papers(
        retriever, catalogue, [as_case(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    )
    index.close()


def as_chunk(
    paper: Mapping[str, Any], model: HashingEmbeddingModel, words: Bm25Encoder
) -> EmbeddedChunk:
    text = f"{paper['title']}\n{paper['text']}".strip()
    sparse = words.encode_passage(text)
    return make_embedded_chunk(
        text,
        url=f"https://papers.example.org/{paper['_id']}",
        author_full_name="; ".join(paper["authors"]) or None,
        published=datetime(paper["year"], 7, 1, tzinfo=UTC),
        heading_path=(),
        embedding=model.embed_query(text),
        sparse=dict(zip(sparse.indices, sparse.values, strict=True)),
    )


def as_case(line: str) -> Case:
    row = json.loads(line)
    expected = row["expected_filter"]
    names = [expected["author"]] if "author" in expected else expected.get("author_any", [])
    return Case(
        row["query"],
        [parsed_name(name) for name in names],
        expected.get("year"),
        frozenset(row["relevant"]),
    )


def is_right(found: SearchFilters, case: Case, catalogue: AuthorCatalogue) -> bool:
    """Whether the filter has the authors asked for that the catalogue has, and nobody else.

    Where the question gives fewer initials than the catalogue, the catalogue's count.
    """
    there = [
        wanted
        for wanted in case.authors
        if any(_same(wanted, person.name) for person in catalogue.with_surname(wanted.surname))
    ]
    names = [parsed_name(name) for name in found.authors]
    exact = len(case.authors) == 1
    return len(names) == len(there) and all(
        any(name == wanted if exact else _same(wanted, name) for name in names) for wanted in there
    )


def _same(asked: PersonName, known: PersonName) -> bool:
    return asked.surname == known.surname and asked.given == known.given[: len(asked.given)]


def test_authors_are_filtered_by_exactly_where_they_are_asked_for(papers: Papers) -> None:
    asked = [case for case in papers.cases if case.authors]
    wrong = [
        (case.question[:80], found.authors)
        for case in asked
        if not is_right(found := papers.filters(case), case, papers.catalogue)
    ]
    assert len(asked) > 90
    assert 1 - len(wrong) / len(asked) >= 0.95, wrong


def test_no_author_is_invented(papers: Papers) -> None:
    invented = [
        (case.question[:80], found)
        for case in papers.cases
        if not case.authors and (found := papers.filters(case).authors)
    ]
    assert invented == []


def test_no_platform_or_kind_is_invented(papers: Papers) -> None:
    for case in papers.cases:
        found = papers.filters(case)
        assert (found.platforms, found.categories) == ((), ()), case.question


def test_years_are_filtered_by_where_they_are_asked_for(papers: Papers) -> None:
    for case in papers.cases:
        found = papers.filters(case)
        years = {found.published_from, found.published_to} - {None}
        assert {date.year for date in years if date} == ({case.year} if case.year else set()), case


def test_what_the_authors_wrote_is_found(papers: Papers) -> None:
    recalls = []
    for case in papers.cases:
        if len(case.authors) == 1:
            found = papers.retriever.retrieve(Query(text=case.question))
            ids = {item.chunk.url.rsplit("/")[-1] for item in found.passages}
            recalls.append(len(ids & case.relevant) / min(10, len(case.relevant)))
            assert found.relaxed == ()
    assert sum(recalls) / len(recalls) >= 0.95


def test_a_chat_model_would_seldom_be_asked(papers: Papers) -> None:
    doubtful = [
        case
        for case in papers.cases
        if (named := named_authors(case.question, papers.catalogue)).doubtful and not named.mentions
    ]
    assert len(doubtful) <= 0.1 * len(papers.cases)
