"""Self-query: what a question itself says about whose, which and how old texts it is after.

Rules read it, in well under a millisecond. The chat model is asked only where a surname of the
catalogue stands in the question and the wording leaves open whether an author is meant; what it
says counts only if the question and the catalogue bear it out. Nothing is ever written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import BaseModel, Field

from llm_engineering.application.ports.models import SparseEncoder
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.authors import AuthorCatalogue, Person
from llm_engineering.application.rag.dates import named_period
from llm_engineering.application.rag.mentions import named_authors
from llm_engineering.application.rag.sources import named_categories, named_platforms
from llm_engineering.application.rag.wording import speaks_of_works
from llm_engineering.domain.names import author_keys, folded_words
from llm_engineering.domain.queries import EmbeddedQuery, Query, ScoredChunk, SearchFilters

_READ = 2_000  # characters: who pastes more than that asks about it
_NO_FILTERS = SearchFilters()
_PASSAGES = 20  # that are looked at to tell authors of one surname apart
# Of two authors of one surname, the one whose best passage scores so many times more is meant.
_CLEARLY = 1.5

SearchByWords = Callable[[Query], Sequence[ScoredChunk]]


@dataclass(frozen=True)
class SelfQueryResult:
    """The filters that a question names, and whether the chat model was asked for them.

    `degraded` says why the chat model could not be asked; the rules' filters hold all the same.
    """

    filters: SearchFilters = field(default_factory=SearchFilters)
    asked_model: bool = False
    degraded: str | None = None


class AskedFor(BaseModel):
    """The authors whose texts a question asks for."""

    authors: list[str] = Field(
        default_factory=list,
        description="Names, exactly as in the question, of people whose own texts are asked for. "
        "Empty when the question is about them or does not name anyone.",
    )


_PROMPT = ChatPromptTemplate(
    [
        (
            "human",
            "Whose own texts does this question ask for? A person that it is about, or a thing "
            "named after a person, does not count.\n\nQuestion: {question}",
        )
    ]
)


class SelfQuery(Runnable[Query, SelfQueryResult]):
    """Reads authors, platforms, kinds of text and a period out of a question.

    Args:
        catalogue: gives the authors there are.
        clock: gives the present, which `last year` counts from.
        search: finds passages by words alone, to tell authors of one surname apart; None: all of
            them stay alternatives.
        model: is asked where the wording leaves a doubt; None: doubtful names do not count.
    """

    def __init__(
        self,
        catalogue: Callable[[], AuthorCatalogue],
        clock: Callable[[], datetime],
        search: SearchByWords | None = None,
        model: BaseChatModel | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._search = search
        self._model = (
            _PROMPT | model.with_structured_output(AskedFor) if model is not None else None
        )

    def invoke(
        self,
        input: Query,
        config: RunnableConfig | None = None,
        **_: Any,
    ) -> SelfQueryResult:
        """Returns the filters.

        Raises:
            StoreUnavailable: the catalogue was never read, and cannot be.
        """
        text = input.text[:_READ]
        named = named_authors(text, self._catalogue())
        result = SelfQueryResult()
        groups = list(named.mentions)
        if named.doubtful and not groups and self._model:
            result, groups = self._asked(text, named.doubtful, config)
        authors = [
            person.spelled(text) for group in groups for person in self._settled(input, group)
        ]
        return replace(result, filters=self._filters(text, tuple(dict.fromkeys(authors))))

    def _filters(self, text: str, authors: tuple[str, ...]) -> SearchFilters:
        dated_works = bool(authors) or speaks_of_works(text)
        period = named_period(text, self._clock(), dated_works=dated_works)
        return SearchFilters(
            authors=authors,
            platforms=tuple(named_platforms(text)),
            categories=tuple(named_categories(text)),
            published_from=period.start if period else None,
            published_to=period.end if period else None,
        )

    def _settled(self, query: Query, persons: tuple[Person, ...]) -> Sequence[Person]:
        """Returns the one of several persons whose texts the question fits clearly best, or all."""
        if len(persons) == 1 or self._search is None:
            return persons
        names = tuple(person.spellings[0] for person in persons)
        filters = query.filters.model_copy(update={"authors": names})
        best = dict.fromkeys(persons, 0.0)
        for found in self._search(query.model_copy(update={"filters": filters})):
            keys = author_keys(found.chunk.author_full_name)
            for person in persons:
                if person.name.key in keys:
                    best[person] = max(best[person], found.score)
        first, second = sorted(persons, key=lambda person: -best[person])[:2]
        return [first] if best[first] > _CLEARLY * best[second] else persons

    def _asked(
        self, text: str, doubtful: Sequence[tuple[Person, ...]], config: RunnableConfig | None
    ) -> tuple[SelfQueryResult, list[tuple[Person, ...]]]:
        """Returns those of the doubtful names that the model takes for authors."""
        assert self._model is not None  # noqa: S101 - for the type checker
        try:
            answer = self._model.invoke({"question": text}, config)
        except Exception as error:  # noqa: BLE001 - whatever a vendor raises, the rules' filters hold
            return SelfQueryResult(asked_model=True, degraded=f"chat model: {error}"), []
        said = {
            word for name in AskedFor.model_validate(answer).authors for word in folded_words(name)
        }
        groups = [group for group in doubtful if set(group[0].name.surname) <= said]
        return SelfQueryResult(asked_model=True), groups


def search_by_words(index: ChunkIndex, encoder: SparseEncoder) -> SearchByWords:
    """Returns the search that tells authors of one surname apart."""

    def search(query: Query) -> Sequence[ScoredChunk]:
        weights = encoder.encode_query(query.text)
        asked = EmbeddedQuery(text=query.text, filters=query.filters, embedding=(), sparse=weights)
        return index.search(asked, by="sparse", limit=_PASSAGES)

    return search
