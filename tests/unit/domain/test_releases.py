"""Index generations, registered models and releases."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llm_engineering.domain.releases import Generation, RegisteredModel, Release

FINGERPRINTS = st.text(alphabet="0123456789abcdef", min_size=12, max_size=12)


def test_a_generation_is_named_by_what_made_it() -> None:
    assert Generation(embedder="e1", chunker="c1", dimension=3).name == "chunks-e1-c1"


@given(st.tuples(FINGERPRINTS, FINGERPRINTS), st.tuples(FINGERPRINTS, FINGERPRINTS))
def test_only_the_same_embedder_and_chunker_share_a_name(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    names = [Generation(embedder=e, chunker=c, dimension=3).name for e, c in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@pytest.mark.parametrize("dimension", [0, -384])
def test_vectors_have_a_length(dimension: int) -> None:
    with pytest.raises(ValidationError, match="dimension"):
        Generation(embedder="e", chunker="c", dimension=dimension)


def registered(**fields: object) -> RegisteredModel:
    own = {"name": "llm", "version": 1, "files": {}, "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    return RegisteredModel.model_validate(own | fields)


def test_a_registered_model_comes_back_from_json_as_it_was() -> None:
    model = registered(
        aliases=("champion",), files={"a.json": "ab"}, metrics={"loss": 0.5}, tags={"base": "x"}
    )
    assert RegisteredModel.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"version": 0}, "version"),
        ({"created_at": datetime(2026, 1, 1)}, "timezone"),
        ({"stage": "Production"}, "stage"),
        ({"metrics": {"loss": "low"}}, "metrics"),
    ],
)
def test_what_is_no_version_is_refused(fields: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        registered(**fields)


RELEASE = Release(
    index="chunks-e-c",
    embedder="e",
    reranker="r",
    retrieval="k4",
    prompts="p",
    chat_models=("local:small", "openai:large"),
)


def test_a_release_comes_back_from_json_with_the_same_id() -> None:
    again = Release.model_validate_json(RELEASE.model_dump_json())
    assert (again, again.id) == (RELEASE, RELEASE.id)
    assert re.fullmatch(r"[0-9a-f]{12}", RELEASE.id)


@pytest.mark.parametrize(
    "other",
    [
        {"index": "chunks-e-d"},
        {"index": None},
        {"embedder": "f"},
        {"reranker": None},
        {"retrieval": "k5"},
        {"prompts": "q"},
        {"chat_models": ("openai:large", "local:small")},
        {"chat_models": ("local:small",)},
    ],
)
def test_whatever_changes_makes_another_release(other: dict[str, object]) -> None:
    assert RELEASE.model_copy(update=other).id != RELEASE.id


def test_a_release_cannot_be_changed_and_has_a_chat_model() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RELEASE.index = "chunks-x-y"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="chat_models"):
        Release.model_validate(RELEASE.model_dump() | {"chat_models": ()})
