import json
from datetime import UTC, datetime
from typing import Any

import pytest

from llm_engineering.application.rag.authors import AuthorCatalogue
from llm_engineering.application.rag.self_query import (
    SearchByWords,
    SelfQuery,
    SelfQueryResult,
    search_by_words,
)
from llm_engineering.domain.errors import ModelError, PipelineError, StoreUnavailable
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from tests.unit.application.rag.test_retriever import WORDS, embedded, index_of

NOW = datetime(2026, 3, 18, tzinfo=UTC)
CATALOGUE = AuthorCatalogue(["Okafor, D.", "Haas, R.", "Haas, T.", "Ada Lovelace"])


def read(
    question: str,
    *,
    search: SearchByWords | None = None,
    model: ScriptedChatModel | None = None,
    **filters: Any,
) -> SelfQueryResult:
    reader = SelfQuery(lambda: CATALOGUE, lambda: NOW, search, model)
    return reader.invoke(Query(text=question, filters=SearchFilters(**filters)))


def test_all_that_a_question_names_is_read_without_a_model() -> None:
    found = read("only articles by Okafor on example.org since last year? Since 2020, please")
    assert found == SelfQueryResult(
        SearchFilters(
            authors=("Okafor, D.",),
            platforms=("example.org",),
            categories=(DataCategory.ARTICLES,),
            published_from=datetime(2020, 1, 1, tzinfo=UTC),
        )
    )


def test_a_plain_question_has_no_filters() -> None:
    assert read("How does the tide turn?") == SelfQueryResult()


def test_an_author_makes_a_year_one_of_publication() -> None:
    assert read("What did Okafor say in 1974?").filters.published_from == datetime(
        1974, 1, 1, tzinfo=UTC
    )


PAPERS = (
    embedded("the tide table of the harbour", 1, author_full_name="R. Haas and D. Okafor"),
    embedded("the bilge pump", 2, author_full_name="Haas, T."),
    embedded("the harbour", 3, author_full_name="Haas, T."),
    embedded("the tide table of another harbour", 4, author_full_name="Okafor, D."),
)


def by_words() -> SearchByWords:
    return search_by_words(index_of(*PAPERS), WORDS)


def test_what_is_asked_tells_authors_of_one_surname_apart() -> None:
    found = read("Haas's paper on the bilge pump", search=by_words())
    assert found.filters.authors == ("Haas, T.",)
    found = read("Haas's paper on the tide table", search=by_words())
    assert found.filters.authors == ("Haas, R.",)


@pytest.mark.parametrize("question", ["papers by Haas", "Haas's paper on the harbour"])
def test_otherwise_all_of_them_stay_alternatives(question: str) -> None:
    assert set(read(question, search=by_words()).filters.authors) == {"Haas, R.", "Haas, T."}
    assert set(read(question).filters.authors) == {"Haas, R.", "Haas, T."}


def test_only_what_the_caller_lets_through_tells_them_apart() -> None:
    document = PAPERS[0].document_id
    found = read("Haas's paper on the bilge pump", search=by_words(), document_ids=(document,))
    assert found.filters.authors == ("Haas, R.",)


DOUBT = "What has Okafor been working on?"


def scripted(*answers: list[str] | PipelineError) -> ScriptedChatModel:
    return ScriptedChatModel(
        [a if isinstance(a, PipelineError) else json.dumps({"authors": a}) for a in answers]
    )


def test_the_model_decides_where_the_wording_leaves_a_doubt() -> None:
    assert read(DOUBT, model=scripted(["Okafor"])) == SelfQueryResult(
        SearchFilters(authors=("Okafor, D.",)), asked_model=True
    )
    assert read(DOUBT, model=scripted([])) == SelfQueryResult(asked_model=True)
    assert read(DOUBT) == SelfQueryResult()


@pytest.mark.parametrize("invented", [["Ada Lovelace"], ["Nobody"], ["Haas"]])
def test_the_model_cannot_invent_a_name(invented: list[str]) -> None:
    assert read(DOUBT, model=scripted(invented)).filters == SearchFilters()


@pytest.mark.parametrize("question", ["papers by Okafor", "How does the tide turn?", "by nobody"])
def test_the_model_is_not_asked_without_a_doubt(question: str) -> None:
    model = scripted()
    assert not read(question, model=model).asked_model
    assert model.asked == []


def test_a_model_that_fails_leaves_the_rules_filters() -> None:
    found = read(f"{DOUBT} Articles since 2020.", model=scripted(ModelError("out of memory")))
    assert found.degraded == "chat model: out of memory"
    assert found.filters.published_from == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_model_that_gives_no_json_is_a_failure_too() -> None:
    found = read(DOUBT, model=ScriptedChatModel(["Okafor, I think"]))
    assert found.degraded
    assert found.filters == SearchFilters()


def test_a_catalogue_out_of_reach_is_an_error_for_the_flow_to_judge() -> None:
    def unreachable() -> AuthorCatalogue:
        raise StoreUnavailable("MongoDB is out of reach")

    with pytest.raises(StoreUnavailable):
        SelfQuery(unreachable, lambda: NOW).invoke(Query(text="papers by Okafor"))


def test_only_the_beginning_of_a_very_long_text_is_read() -> None:
    assert read("tide " * 500 + "papers by Okafor").filters == SearchFilters()
