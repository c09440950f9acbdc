"""What must never be seen, and what must stay readable."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain import redaction
from llm_engineering.domain.redaction import HIDDEN, Redaction

# written in parts: no text of the repository may look like a key
SECRETS = [
    "sk" + "-proj-abcdEFGH1234567890",
    "hf_abcdefghijklmnop",
    "AIzaSyA1234567890abcdefghijk",
    "ghp_abcdefghij0123456789",
    "github_pat_11ABCDEFG0abcdefg",
    "glpat-abcdefghij1234567890",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "xoxb-1234-5678-abcdefgh",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ada.lovelace+notes@example.co.uk",
    "0123456789abcdef0123456789abcdef",
    "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg==",
    "llmp_abcdef0123456789",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "is {} right?", "({})", '{{"x": "{}"}}', "a\n{}\nb"])
def test_what_looks_like_a_secret_is_taken_out(secret: str, around: str) -> None:
    seen = Redaction().text(around.format(secret))
    assert seen == around.format(HIDDEN)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary",
        "authorization=Basic canary",
        "curl -H 'Bearer canary'",
        "my password is canary",
        "OPENAI_API_KEY=canary",
        '{"client_secret": "canary"}',
        "https://x.org/?access_token=canary&page=2",
        "aws_secret_access_key = canary",
        "mongodb://root:canary@db.example/admin",
        "https://canary@github.com/x.git",
        "-----BEGIN RSA PRIVATE" + " KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE" + " KEY-----\ncanary",
    ],
)
def test_what_stands_where_secrets_stand_is_taken_out(text: str) -> None:
    assert "canary" not in Redaction().text(text)
    assert HIDDEN in Redaction().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is a generator?",
        "How do I write a password manager with tokens and secret sharing?",
        "Who is @ada, and what is an API key?",
        "https://x.org/how-to-build-a-retrieval-pipeline-in-2024-and-what-it-costs",
        "3f2b8c9e-1d4a-5b6c-8d7e-9f0a1b2c3d4e",
        "chunks-0123456789ab-0123456789ab",
        "a skeleton, a task-force and a risk_assessment",
        "the tokenizer's vocabulary: 32,000 tokens",
        "local:qwen2.5-coder-1.5b-instruct",
        "",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redaction().text(text) == text


def test_the_secrets_of_the_settings_are_taken_out_whatever_they_look_like() -> None:
    redaction = Redaction(["plain words", "plain words and more", "abc", ""])
    assert redaction.text("say plain words and more, then plain words: abc") == (
        f"say {HIDDEN}, then {HIDDEN}: abc"
    )
    assert "plain" not in repr(redaction)


def test_hashes_may_stay() -> None:
    revision = "0123456789abcdef" * 4
    assert Redaction(long=False).text(revision) == revision
    assert Redaction(long=False).text(f"sk-{revision}") == HIDDEN


def test_data_is_searched_through() -> None:
    found = "ghp_abcdefghij0123456789"
    data = {"rows": [{"a": found, "n": 1, found: None}, ("x", 0.5)], "raw": b"\x00"}
    assert Redaction().value(data) == {
        "rows": [{"a": HIDDEN, "n": 1, HIDDEN: None}, ["x", 0.5]],
        "raw": b"\x00",
    }


@given(st.text(max_size=200), st.sampled_from(SECRETS), st.text(max_size=200))
def test_no_secret_survives_among_other_words(before: str, secret: str, after: str) -> None:
    assert secret not in Redaction().text(f"{before} {secret} {after}")


@given(st.text(max_size=300))
def test_a_second_time_changes_nothing(text: str) -> None:
    once = Redaction(["canary-4711"]).text(text)
    assert Redaction(["canary-4711"]).text(once) == once


PARTS = (
    "a",
    "a.",
    "a@",
    "a-",
    "-",
    "://",
    "token",
    "secret is ",
    "-----BEGIN PRIVATE" + " KEY-----",
)


@pytest.mark.parametrize("part", PARTS)
def test_the_longest_question_takes_little_time(part: str) -> None:
    text = part * (20_000 // len(part))
    began = time.process_time()
    Redaction().text(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("length", [5, 6, 7])
def test_a_setting_too_short_to_be_a_secret_takes_no_words_out(length: int) -> None:
    value = "quince and pears"[:length]
    seen = Redaction([value]).text(f"say {value}")
    assert seen == (f"say {HIDDEN}" if length >= 6 else f"say {value}")


@pytest.mark.parametrize(
    ("run", "goes"),
    [
        ("3f2b8c9e-1d4a-5b6c-8d7e-9f0a1b2c3d4e", False),
        ("3F2B8C9E-1d4a-5B6C-8d7e-9F0A1b2c3d4e", False),  # a UUID in letters of both cases
        ("3F2B8C9E-1d4a-5B6C-8d7e-9F0A1b2c3d4ee", True),
        ("how-to-build-a-pipeline-with-ada-in-2024", False),  # words
        ("How-to-build-a-pipeline-with-Ada-in-2024", True),  # as like to random text as can be
        ("a" * 31, False),
        ("a" * 32, True),
        ("-".join(["abcd"] * 7), False),
        ("Ab1-" * 7 + "xyz", False),  # 31 characters
        ("Ab1-" * 7 + "xyzz", True),
    ],
)
def test_long_random_text_goes_and_what_only_looks_long_stays(run: str, goes: bool) -> None:
    assert Redaction().text(f"see {run} there") == f"see {HIDDEN if goes else run} there"


def test_one_that_keeps_hashes_still_knows_the_secrets() -> None:
    keeping = Redaction(["quince-4711"]).keeping_hashes
    revision = "0123456789abcdef" * 4
    assert keeping.text(f"{revision} quince-4711 hf_abcdefghijkl") == (
        f"{revision} {HIDDEN} {HIDDEN}"
    )


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("seen", [1, 3, 7])
def test_an_excerpt_ends_before_a_secret_and_not_within_it(secret: str, seen: int) -> None:
    text = f"{'x' * 20} {secret}"
    cut = Redaction().excerpt(text, 21 + seen)
    assert cut == f"{'x' * 20} {HIDDEN}"[: 21 + seen]


def test_an_excerpt_is_as_long_as_the_text_lets_it_be() -> None:
    assert Redaction().excerpt("the tide turns", 8) == "the tide"
    assert Redaction().excerpt("the tide", 80) == "the tide"
    assert Redaction().excerpt("", 3) == ""


def test_numbers_nothing_and_truth_are_no_text() -> None:
    data = {"n": 12, "x": 0.5, "none": None, "yes": True}
    assert Redaction(["12"]).value(data) == data
    assert Redaction().value(()) == []


@pytest.mark.parametrize("text", ["", "a", "$", "${x}", "\\1", "[redacted]", "(?i)", "a|b|c"])
def test_a_secret_is_taken_as_it_is_written(text: str) -> None:
    secret = f"quince{text}"
    assert Redaction([secret]).text(f"<{secret}>") == f"<{HIDDEN}>"


FRAGMENTS = [
    *SECRETS,
    *("password", "PASSWORD", "passwd", "pa\u017f\u017fword", "api_key", "API-Key", "\u212aey"),
    *(
        "Bearer ",
        "basic ",
        "token",
        "authorization",
        "secret",
        "=",
        ": ",
        " is ",
        "canary",
        "@",
        " ",
    ),
    *(
        "sk",
        "-",
        "_",
        "gh",
        "ghp_",
        "key",
        "\u0130",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "\n",
        "a.bc",
    ),
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("".join))
def test_looking_for_hints_first_changes_nothing(text: str) -> None:
    hidden = redaction._LOGIN.sub(f"{HIDDEN}@", text)
    hidden = redaction._AFTER_ITS_NAME.sub(rf"\1{HIDDEN}", hidden)
    assert Redaction(long=False).text(text) == redaction._FORMATS.sub(HIDDEN, hidden)


@given(
    st.lists(st.one_of(st.text(max_size=60), st.sampled_from([*SECRETS, "://a@b", "token=abcd"]))),
    st.booleans(),
)
def test_texts_together_are_redacted_as_each_alone(texts: list[str], long: bool) -> None:
    redaction = Redaction(["canary-4711", "two\nlines"], long=long)
    assert redaction.texts(texts) == [redaction.text(text) for text in texts]
    assert redaction.excerpts(texts, 5) == [redaction.excerpt(text, 5) for text in texts]


@given(st.text(alphabet="aké1-_ \n=:\"'", max_size=80))
def test_harmless_texts_together_stay_what_each_alone_stays(text: str) -> None:
    redaction = Redaction(["canary-4711"])
    assert redaction.texts([text, "x", text]) == [redaction.text(one) for one in (text, "x", text)]


def test_a_secret_beside_harmless_texts_is_taken_out() -> None:
    rows = {"cells": ["a question", SECRETS[0], 0.5, ["nested", SECRETS[1]]]}
    assert Redaction().value(rows) == {"cells": ["a question", HIDDEN, 0.5, ["nested", HIDDEN]]}
