"""The tree of errors: who is caught by what, and what a retry policy is told."""

import pickle

import pytest

from llm_engineering.domain.errors import (
    ConfigurationError,
    DocumentError,
    ExtractionError,
    FetchError,
    IntegrityError,
    InvalidInput,
    MissingDependency,
    ModelError,
    PipelineError,
    StoreUnavailable,
)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConfigurationError("x"), False),
        (MissingDependency("x"), False),
        (InvalidInput("x"), False),
        (IntegrityError("x"), False),
        (ModelError("x"), False),
        (ModelError("x", transient=True), True),
        (FetchError("u", "x"), False),
        (FetchError("u", "x", transient=True), True),
        (ExtractionError("u", "x"), False),
        (StoreUnavailable("x"), True),
    ],
    ids=repr,
)
def test_every_error_is_ours_and_says_whether_a_retry_may_help(
    error: PipelineError, transient: bool
) -> None:
    assert isinstance(error, PipelineError)
    assert error.transient is transient


def test_a_document_error_names_the_page_before_the_reason() -> None:
    error = FetchError("https://example.org/x", "HTTP 404")
    assert str(error) == "https://example.org/x: HTTP 404"
    assert (error.url, error.reason) == ("https://example.org/x", "HTTP 404")


def test_one_page_that_fails_is_told_from_a_store_that_is_down() -> None:
    assert issubclass(FetchError, DocumentError)
    assert issubclass(ExtractionError, DocumentError)
    assert not issubclass(StoreUnavailable, DocumentError)
    assert not issubclass(ModelError, ConfigurationError)
    assert issubclass(MissingDependency, ConfigurationError)


def test_a_transient_error_does_not_make_its_class_transient() -> None:
    ModelError("busy", transient=True)
    assert not ModelError("wrong").transient
    assert not PipelineError.transient


@pytest.mark.parametrize("error", [StoreUnavailable("down"), InvalidInput("wrong")], ids=repr)
def test_errors_travel_between_processes(error: PipelineError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
