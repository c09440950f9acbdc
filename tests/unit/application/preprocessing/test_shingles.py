import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.preprocessing.shingles import (
    KEYS,
    exact_key,
    minhash_keys,
    resemblance,
    sentences,
    shingles,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("# Ebb and *flow*", "Ebb and flow"),
        ("The tide\nturns twice.", "The tide turns\ntwice."),
        ("See [the tables](/a) now.", "See [the tables](https://b.org/x?y=(z)) now."),
        ("It\u2019s late.", "It's late."),
        ("- one\n- two", "* one\n* two"),
        ("Look at https://a.org/b.", "Look at https://c.org."),
        ("The tide turns.\n\nSubscribe to our newsletter!", "The tide turns."),
        ("The tide turns.\n\nAdvertisement\n\nIt does.", "The tide turns.\n\nIt does."),
        ("\ufb01ne", "fine"),
    ],
)
def test_how_a_text_is_set_does_not_count(one: str, other: str) -> None:
    assert sentences(one) == sentences(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It fell by 3 %.", "It fell by 4 %."),
        ("It changed by -3.", "It changed by 3."),
        ("It costs $5.", "It costs 5."),
        ("Version 3.11", "Version 3.1"),
        ("It works.", "It doesn't work."),
        ("Type `a == b`.", "Type `a != b`."),
        ("```\nx -= 1\n```", "```\nx += 1\n```"),
        ("~~~\nrm -r a\n~~~", "~~~\nrm a\n~~~"),
        ("First. Second.", "Second. First."),
        ("Call `Tide()`", "Call `tide()`"),
    ],
)
def test_what_a_text_says_does_count(one: str, other: str) -> None:
    assert sentences(one) != sentences(other)


def test_sentences_end_at_marks_paragraphs_headings_and_list_items() -> None:
    text = "# Tides\n\nThey turn. Do they? (They do.) Yes\n- one\n* two\n\nend"
    assert sentences(text) == [
        ("tides",),
        ("they", "turn"),
        ("do", "they"),
        ("they", "do"),
        ("yes",),
        ("one",),
        ("two",),
        ("end",),
    ]


def test_a_long_sentence_about_newsletters_is_part_of_the_text() -> None:
    text = "A newsletter " + "of the harbour office tells " * 5 + "when the tide turns."
    assert len(sentences(text)) == 1


def test_shingles_are_the_runs_of_five_words() -> None:
    words = ["a", "b", "c", "d", "e", "f"]
    assert len(shingles(words)) == 2
    assert shingles(words[:5]) | shingles(words[1:]) == shingles(words)
    assert shingles(words[:4]) == set()
    assert shingles(["ab", "c", "d", "e", "f"]) != shingles(["a", "bc", "d", "e", "f"])


def test_the_resemblance_is_the_jaccard_index() -> None:
    assert resemblance({1, 2, 3}, {2, 3, 4}) == 0.5
    assert resemblance({1}, {1}) == 1.0
    assert resemblance({1}, {2}) == resemblance(set(), set()) == resemblance(set(), {1}) == 0.0


def test_equal_sets_have_equal_keys_and_empty_ones_have_none() -> None:
    one = shingles(list("abcdefgh"))
    assert minhash_keys(one) == minhash_keys(sorted(one, reverse=True))
    assert len(set(minhash_keys(one))) == KEYS
    assert minhash_keys(()) == ()


def test_keys_are_the_same_in_every_process() -> None:
    # kept in MongoDB: a change makes every stored key worthless, and wants new rules
    assert minhash_keys([1, 2, 3])[:2] == (496812310187606462, 7887296598698817013)
    assert exact_key("a", "b") == -17643764250920285


@given(st.sets(st.integers(0, 2**64 - 1), min_size=100, max_size=150))
def test_sets_that_are_alike_share_a_key_and_others_do_not(hashes: set[int]) -> None:
    ordered = sorted(hashes)
    most, few = set(ordered[: len(ordered) * 9 // 10]), {~one % 2**64 for one in ordered} - hashes
    assert set(minhash_keys(hashes)) & set(minhash_keys(most))
    assert not set(minhash_keys(hashes)) & set(minhash_keys(few))


@given(st.text(max_size=300))
def test_any_text_has_sentences_and_keys_that_mongodb_takes(text: str) -> None:
    words = [word for sentence in sentences(text) for word in sentence]
    assert all(words)
    assert all(-(2**63) <= key < 2**63 for key in minhash_keys(shingles(words)))


def test_an_exact_key_tells_where_one_part_ends() -> None:
    assert exact_key("ab", "c") != exact_key("a", "bc")
