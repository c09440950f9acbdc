"""What is kept of keys, answers and opinions: closed, bounded, and the same after a journey."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.cached_answers import CachedAnswer, CachedPassage
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.feedback import Feedback, ServedAnswer, Vote
from llm_engineering.domain.queries import SearchFilters
from tests.contracts.test_answer_cache import entry
from tests.contracts.test_feedback_store import served

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = ApiKey(
    id="0123456789ab",
    name="wiki-bot",
    digest="d" * 64,
    scopes=(Scope.READ, Scope.INGEST),
    ties=SearchFilters(authors=("Ada Lovelace",)),
    created_at=NOW,
)
OPINION = Feedback(vote=Vote.DOWN, better_answer="At noon.", at=NOW)
EXPLANATION = Explanation(
    url="https://example.org/",
    fate=Fate.BELOW_K,
    reason="its best passage is number 9",
    stages=(StageReport(stage="dense", rank=1, of=3, score=0.5), StageReport(stage="sparse")),
    filters=SearchFilters(platforms=("github",)),
    relaxed=("authors",),
    degraded=("rerank",),
)
VALUES: tuple[BaseModel, ...] = (
    KEY,
    KEY.model_copy(update={"revoked_at": NOW}),
    OPINION,
    served().model_copy(update={"feedback": OPINION}),
    entry(),
    EXPLANATION,
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_from_json_as_it_was(value: BaseModel) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_cannot_be_changed_and_takes_nothing_unknown(value: BaseModel) -> None:
    name = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, name, getattr(value, name))
    with pytest.raises(ValidationError, match="colour"):
        type(value).model_validate({**value.model_dump(), "colour": "red"})


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        (KEY, {"id": "0123456789aB"}, "id"),
        (KEY, {"id": "0123456789a"}, "id"),
        (KEY, {"id": "0123456789abc"}, "id"),
        (KEY, {"id": "0123456789ab\n"}, "id"),
        (KEY, {"name": ""}, "name"),
        (KEY, {"name": "x" * 101}, "name"),
        (KEY, {"scopes": ()}, "scopes"),
        (KEY, {"scopes": ("root",)}, "scopes"),
        (KEY, {"created_at": datetime(2026, 5, 1)}, "created_at"),
        (OPINION, {"vote": "sideways"}, "vote"),
        (OPINION, {"better_answer": ""}, "better_answer"),
        (OPINION, {"better_answer": "x" * 8001}, "better_answer"),
        (OPINION, {"at": datetime(2026, 5, 1)}, "at"),
        (entry(), {"key": ""}, "key"),
        (entry(), {"passages": ()}, "passages"),
        (entry(), {"documents": ()}, "documents"),
        (EXPLANATION, {"fate": "lost"}, "fate"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(
    kind: BaseModel, fields: dict[str, object], named: str
) -> None:
    with pytest.raises(ValidationError, match=named):
        type(kind).model_validate({**kind.model_dump(), **fields})


@pytest.mark.parametrize(
    ("scopes", "asked", "allowed"),
    [
        ((Scope.READ,), (Scope.READ,), True),
        ((Scope.READ,), (Scope.INGEST, Scope.ADMIN), False),
        ((Scope.INGEST,), (Scope.INGEST, Scope.ADMIN), True),
        ((Scope.READ, Scope.INGEST), (Scope.READ,), True),
        ((Scope.ADMIN,), (Scope.READ,), True),
        ((Scope.ADMIN,), (Scope.INGEST,), True),
        ((Scope.READ,), (), False),
        ((Scope.ADMIN,), (), True),
    ],
)
def test_one_of_the_scopes_is_enough(
    scopes: tuple[Scope, ...], asked: tuple[Scope, ...], allowed: bool
) -> None:
    assert KEY.model_copy(update={"scopes": scopes}).allows(*asked) is allowed


def test_a_tie_comes_back_as_it_was() -> None:
    again = ApiKey.model_validate(KEY.model_dump(mode="json"))
    assert again.ties.authors == ("Ada Lovelace",)
    assert again.ties.restricted == ("authors",)


def test_scores_of_a_cached_passage_lose_nothing() -> None:
    passage = CachedPassage(chunk_id=UUID(int=1), text_hash="h", scores={"dense": 0.1 + 0.2})
    assert CachedPassage.model_validate_json(passage.model_dump_json()).scores["dense"] == 0.1 + 0.2
    assert isinstance(entry(), CachedAnswer)
    assert isinstance(served(), ServedAnswer)
