"""Questions as commands, over an index in memory and a scripted model."""

import json
import re
from collections.abc import Callable

import pytest
import typer

from llm_engineering.application.corpus.forgetting import Request
from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.documents import make_post
from tests.platforms import PAGES, InMemoryPlatform, put_pages, quoting
from tests.unit.tools.conftest import Run, errors
from tools.rag import app

QUESTION = "When does the bilge pump start?"
FACT = PAGES["pump"][0]


@pytest.fixture
def call(run: Callable[[typer.Typer], Run]) -> Run:
    return run(app)


@pytest.fixture
def indexed(platform: InMemoryPlatform) -> InMemoryPlatform:
    put_pages(platform)
    platform.model = quoting(FACT)
    return platform


def flat(text: str) -> str:
    return " ".join(text.split())


# --- ask


@pytest.mark.usefixtures("indexed")
def test_an_answer_is_shown_with_its_sources_and_what_it_cost(call: Run) -> None:
    text = flat(call("ask", QUESTION).stdout)
    assert f"{FACT} [1]" in text
    assert "[1] The pump — Ada Lovelace https://example.org/pump" in text
    assert f"“{FACT}”" in text
    assert re.search(r"local:\S+ · \d+\.\d s · \d+ tokens read, \d+ written", text)


@pytest.mark.usefixtures("indexed")
def test_an_answer_as_data(call: Run) -> None:
    answer = json.loads(call("ask", QUESTION, "--json").stdout)
    assert (answer["grounded"], answer["mode"]) == (True, "generated")
    (citation,) = answer["citations"]
    assert (citation["url"], citation["quote"]) == ("https://example.org/pump", FACT)


def test_what_the_sources_do_not_know_is_said(call: Run, indexed: InMemoryPlatform) -> None:
    indexed.model = quoting()
    done = call("ask", "How high is the tallest mountain of Norway?")
    assert "The sources do not say." in flat(done.stdout)
    assert "[1]" not in done.stdout
    answer = json.loads(call("ask", "Who won the cup in 1954?", "--json").stdout)
    assert (answer["grounded"], answer["citations"]) == (False, [])


def test_the_same_question_is_answered_from_what_was_said_before(
    call: Run, indexed: InMemoryPlatform
) -> None:
    call("ask", QUESTION)
    asked = len(indexed.model.asked)
    assert "given before" in call("ask", QUESTION).stdout
    assert len(indexed.model.asked) == asked


def test_a_model_that_is_down_leaves_the_passages_own_words(
    call: Run, indexed: InMemoryPlatform
) -> None:
    indexed.model = ScriptedChatModel([ModelError("the provider does not answer")] * 9)
    answer = json.loads(call("ask", QUESTION, "--json").stdout)
    assert answer["mode"] == "extractive"
    assert FACT in answer["text"]


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        (("--author", "Ada Lovelace"), {"pump", "anchor", "compass", "lantern"}),
        (("--author", "Grace Hopper"), {"note"}),
        (("--category", "posts"), {"note"}),
        (("--category", "posts", "--category", "articles"), {*PAGES, "note"}),
        (("--author", "Nobody Known"), set()),
    ],
)
def test_a_restriction_holds_for_the_passages(
    call: Run, platform: InMemoryPlatform, options: tuple[str, ...], urls: set[str]
) -> None:
    note = make_post("A pump that is stored dry keeps its seals.", url="https://example.org/note")
    platform.documents.save(
        type(note).create(
            url=note.url,
            title=note.title,
            content=note.content,
            platform=note.platform,
            author="Grace Hopper",
            fetched_at=note.fetched_at,
        )
    )
    put_pages(platform)
    found = json.loads(
        call(
            "retrieve", "pump anchor deviation lantern", *options, "--top-k", "20", "--json"
        ).stdout
    )
    paths = {one["chunk"]["url"].rpartition("/")[2] for one in found["passages"]}
    assert paths == urls


# --- retrieve


@pytest.mark.usefixtures("indexed")
def test_passages_are_listed_best_first_with_every_score(call: Run) -> None:
    text = flat(call("retrieve", QUESTION).stdout)
    assert text.startswith("[1] The pump")
    assert "https://example.org/pump" in text
    assert all(f"{stage} " in text for stage in ("dense", "sparse", "fusion"))
    assert "next: poe explain" in text


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("top_k", [1, 3])
def test_the_number_of_passages_is_bounded_by_the_call(call: Run, top_k: int) -> None:
    found = json.loads(call("retrieve", QUESTION, "--top-k", top_k, "--json").stdout)
    assert len(found["passages"]) == top_k


# --- explain


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("document", "options", "fate"),
    [
        ("https://example.org/pump", (), "found"),
        ("https://example.org/lantern", ("--top-k", "1"), "below k"),
        ("https://example.org/never-crawled", (), "unknown"),
        ("https://example.org/pump", ("--category", "posts"), "filtered"),
    ],
)
def test_why_a_document_is_or_is_not_found(
    call: Run, document: str, options: tuple[str, ...], fate: str
) -> None:
    arguments = ("explain", QUESTION, "--document", document, *options)
    assert json.loads(call(*arguments, "--json").stdout)["fate"] == fate
    assert f"{fate}: " in flat(call(*arguments).stdout)


@pytest.mark.usefixtures("indexed")
def test_a_forgotten_page_is_told_from_an_unknown_one(
    call: Run, platform: InMemoryPlatform
) -> None:
    platform.forgetting().forget(Request("https://example.org/pump", None, None))
    done = call("explain", QUESTION, "--document", "https://example.org/pump")
    assert "nothing: it was forgotten on purpose" in flat(done.stdout)


def test_explaining_needs_a_document(call: Run) -> None:
    assert "--document" in call("explain", QUESTION, status=2).stderr


# --- what cannot be asked


@pytest.mark.parametrize("command", ["ask", "retrieve"])
@pytest.mark.parametrize(
    ("question", "named"),
    [("", "the question ''"), (" \n", "the question ' \\n'"), ("x" * 30_000, "the question 'xxxx")],
)
@pytest.mark.usefixtures("indexed")
def test_what_is_no_question_is_refused_in_one_line(
    call: Run, command: str, question: str, named: str
) -> None:
    (error,) = errors(call(command, question, status=2))
    assert error.startswith(named)
    assert len(error) < 300


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--top-k", "0"), "--top-k"),
        (("--top-k", "21"), "--top-k"),
        (("--top-k", "many"), "--top-k"),
        (("--category", "songs"), "--category"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "retrieve"])
def test_wrong_options_are_refused(
    call: Run, command: str, options: tuple[str, str], named: str
) -> None:
    assert named in call(command, QUESTION, *options, status=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [("ask", QUESTION), ("retrieve", QUESTION), ("explain", QUESTION, "--document", "x")],
)
def test_nothing_can_be_asked_before_something_is_indexed(
    call: Run, arguments: tuple[str, ...]
) -> None:
    assert errors(call(*arguments, status=2)) == [
        "nothing is indexed yet: poe run-etl, then poe run-feature"
    ]


def test_an_index_of_another_model_is_not_searched(call: Run, indexed: InMemoryPlatform) -> None:
    indexed.embedding_model = HashingEmbeddingModel(dimension=16)
    (error,) = errors(call("retrieve", QUESTION, status=2))
    assert "was embedded by another model" in error
    assert "poe run-feature" in error


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("question", ["🚢⚓", "насос", "the of and", "ポンプ", "pump\x00start"])
def test_odd_questions_are_searched_as_any_other(call: Run, question: str) -> None:
    found = json.loads(call("retrieve", question, "--json").stdout)
    assert isinstance(found["passages"], list)
    call("ask", question)
