from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import (
    canonical_url,
    chunk_id,
    document_id,
    fingerprint,
    revision_of,
    text_hash,
    user_id,
)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:8080/a", "http://example.org:8080/a"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org/a?utm_source=x&id=7&fbclid=q", "https://example.org/a?id=7"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/ü"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("  https://example.org/a  ", "https://example.org/a"),
        ("file:///srv/project/README.md", "file:///srv/project/README.md"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
    ],
)
def test_one_spelling_for_each_page(spelling: str, canonical: str) -> None:
    assert canonical_url(spelling) == canonical


@pytest.mark.parametrize(
    "wrong", ["", "example.org/a", "ftp://example.org/a", "https://", "javascript:alert(1)", "a b"]
)
def test_what_is_not_a_page_is_named(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="allowed"):
        canonical_url(wrong)


@pytest.mark.parametrize("wrong", ["http://[::1", "http://example.org:99999/", "http://a..b/"])
def test_a_broken_url_is_our_error_not_a_value_error(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL"):
        canonical_url(wrong)


@given(
    st.from_regex(
        r"https?://[a-z]{1,8}\.example(:[0-9]{2,4})?/[a-z/]{0,9}(\?[a-z]=[0-9])?", fullmatch=True
    )
)
def test_canonical_urls_stay_as_they_are(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


def test_a_document_keeps_its_id_whatever_the_spelling_of_its_url() -> None:
    assert document_id("https://Example.org/a?utm_medium=mail#top") == document_id(
        "https://example.org/a"
    )
    assert document_id("https://example.org/a") != document_id("https://example.org/b")
    # golden: uuid5(NAMESPACE_URL, "https://example.org/a"), by Python's uuid module
    assert document_id("https://example.org/a") == UUID("77980eae-c343-5b01-9823-eb6ac1da021f")


def test_an_author_is_one_person_whatever_the_case_and_spacing() -> None:
    assert user_id("Ada  Lovelace ") == user_id("ada lovelace")
    assert user_id("Ada Lovelace") != user_id("Ada Love")


def test_a_revision_tells_every_field_apart() -> None:
    assert revision_of("a", None, "b") != revision_of("a", "b", None)
    assert revision_of("ab", "c") != revision_of("a", "bc")
    assert revision_of("a", "b") == revision_of("a", "b")
    assert len(revision_of("a")) == 64


def test_a_chunk_id_depends_on_all_that_decides_the_chunk() -> None:
    one, other = document_id("https://example.org/a"), document_id("https://example.org/b")
    ids = {
        chunk_id(one, "r1", "c1", 0),
        chunk_id(other, "r1", "c1", 0),
        chunk_id(one, "r2", "c1", 0),
        chunk_id(one, "r1", "c2", 0),
        chunk_id(one, "r1", "c1", 1),
    }
    assert len(ids) == 5


def test_hashes_are_stable() -> None:
    # golden: sha256("abc"), FIPS 180-2 appendix B.1
    assert text_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert fingerprint("a", 1, [2, "b"]) == fingerprint("a", 1, [2, "b"])
    assert fingerprint("a", 1) != fingerprint("a", 2)
    assert len(fingerprint("a")) == 12
