"""Self-query: what a question itself says about whose, which and how old texts it is after."""

from dataclasses import dataclass

from llm_engineering.domain.queries import SearchFilters


@dataclass(frozen=True)
class SelfQueryResult:
    """The filters that a question names, and whether the chat model was asked for them.

    `degraded` says why the chat model could not be asked; the rules' filters hold all the same.
    """

    filters: SearchFilters
    asked_model: bool = False
    degraded: str | None = None
