"""What somebody else wrote, or a disk damaged, is told in one line and never half read."""

import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.documents import Tombstone, UserDocument
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.infrastructure.mongo import records
from tests.builders import numbered_id
from tests.contracts.document_making import article, cleaned_of, post, repository_file

Read = Callable[[Mapping[str, Any]], object]

TOMBSTONE = Tombstone(
    id=numbered_id(5), of="document", at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
)


def tombstone_record() -> records.Record:
    key, fields = records.tombstone_record(TOMBSTONE)
    return {**key, **fields}


CASES: list[tuple[Read, records.Record]] = [
    (records.document_of, records.document_record(article())),
    (records.document_of, records.document_record(post())),
    (records.document_of, records.document_record(repository_file())),
    (records.cleaned_of, records.cleaned_record(cleaned_of(article(), "text"))),
    (records.user_of, records.user_record(UserDocument.named("Ada Lovelace"))),
    (records.tombstone_of, tombstone_record()),
]
IDS = ["article", "post", "repository", "cleaned", "author", "tombstone"]


def told(read: Read, record: Mapping[str, Any]) -> str:
    with pytest.raises(IntegrityError) as caught:
        read(record)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("read", "record"), CASES, ids=IDS)
def test_each_record_is_read_as_it_was_written(read: Read, record: records.Record) -> None:
    before = dict(record)
    assert read(record) == read(record)
    assert record == before, "reading changes nothing"


@pytest.mark.parametrize(("read", "record"), CASES, ids=IDS)
def test_a_field_of_another_release_is_not_passed_over(read: Read, record: records.Record) -> None:
    assert "surprise" in told(read, {**record, "surprise": 1})


@pytest.mark.parametrize("field", ["id", "document_id", "revision", "raw", "model", "key"])
@pytest.mark.parametrize(("read", "record"), CASES, ids=IDS)
def test_a_field_that_only_the_key_may_say_is_not_believed(
    read: Read, record: records.Record, field: str
) -> None:
    """It would take the place of what the `_id` says."""
    assert "stored record" in told(read, {**record, field: "x"})


@pytest.mark.parametrize(
    "key",
    [
        ObjectId(),
        "text",
        7,
        {},
        {"document": numbered_id(1)},
        {"revision": "a" * 64},
        [numbered_id(1), "a" * 64],
        {"document": "no uuid", "revision": "a" * 64},
    ],
    ids=["object id", "text", "number", "empty", "no revision", "no document", "list", "no uuid"],
)
@pytest.mark.parametrize(("read", "record"), CASES[:4], ids=IDS[:4])
def test_a_key_that_is_not_ours_is_named(read: Read, record: records.Record, key: object) -> None:
    assert "stored record" in told(read, {**record, "_id": key})


@pytest.mark.parametrize("key", [ObjectId(), "text", None, {"document": 1}])
@pytest.mark.parametrize(("read", "record"), CASES[4:], ids=IDS[4:])
def test_an_author_or_tombstone_has_a_uuid_for_a_key(
    read: Read, record: records.Record, key: object
) -> None:
    assert "id" in told(read, {**record, "_id": key})


@pytest.mark.parametrize(("read", "record"), CASES, ids=IDS)
def test_any_field_that_is_missing_is_told_or_had_a_default(
    read: Read, record: records.Record
) -> None:
    for name in record:
        if name == "_id":
            continue
        rest = {key: value for key, value in record.items() if key != name}
        try:
            read(rest)
        except IntegrityError as error:
            assert name in str(error) or "category" in str(error)


@pytest.mark.parametrize("category", [None, "", "Posts", "poems", 3, ["posts"], {"a": 1}])
def test_a_category_that_nobody_knows_is_named_with_those_that_are_known(category: object) -> None:
    for read, record in CASES[:4]:
        message = told(read, {**record, "category": category})
        assert "known: articles, posts, repositories" in message
        assert repr(category) in message


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-05-01", "2026-05-01T12:00:00", [], None, datetime(2026, 1, 1)]
)
def test_a_time_without_a_zone_is_no_time(time: object) -> None:
    assert "fetched_at" in told(records.document_of, {**CASES[0][1], "fetched_at": time})


@given(st.binary(min_size=1, max_size=60), st.data())
def test_raw_bytes_are_never_cut_short(raw: bytes, data: st.DataObject) -> None:
    """zlib's own checksum tells; a record that was cut off is an error, and not less text."""
    whole = records.raw_record(article(), raw)
    stored: bytes = whole["zlib"]
    cut = data.draw(st.integers(0, len(stored) - 1))
    with pytest.raises(IntegrityError, match="raw bytes of"):
        records.raw_of({**whole, "zlib": stored[:cut]})


@given(st.binary(min_size=8, max_size=60), st.data())
def test_a_flipped_bit_of_raw_bytes_is_noticed(raw: bytes, data: st.DataObject) -> None:
    whole = records.raw_record(article(), raw)
    stored = bytearray(whole["zlib"])
    position = data.draw(st.integers(2, len(stored) - 1))
    stored[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = records.raw_of({**whole, "zlib": bytes(stored)})
    except IntegrityError:
        return
    assert found == raw, "a bit that says nothing"


@pytest.mark.parametrize("value", ["text", 5, [], {"a": 1}])
def test_raw_bytes_of_another_type_are_told(value: object) -> None:
    whole = records.raw_record(article(), b"raw")
    with pytest.raises(IntegrityError, match="raw bytes of"):
        records.raw_of({**whole, "zlib": value})
    with pytest.raises(IntegrityError, match="raw bytes of"):
        records.raw_of({"_id": whole["_id"]})


def test_nothing_is_something() -> None:
    empty = records.raw_record(article(), b"")
    assert zlib.decompress(empty["zlib"]) == b""
    assert records.raw_of(empty) == b""
