import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import pytest
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.documents import UserDocument
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.infrastructure.mongo import records
from tests.contracts.document_making import article, cleaned_of, post, repository_file

OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD
)


def through_bson(record: records.Record) -> records.Record:
    return bson.decode(bson.encode(record, codec_options=OPTIONS), OPTIONS)


@pytest.mark.parametrize("document", [article(), post(), repository_file()])
def test_a_document_survives_bson(document: Any) -> None:
    assert records.document_of(through_bson(records.document_record(document))) == document


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    published=st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=45)))),
)
def test_any_text_and_any_time_survive_bson(text: str, published: datetime) -> None:
    document = article(content=text, published=published)
    loaded = records.document_of(through_bson(records.document_record(document)))
    assert loaded == document
    assert loaded.published is not None
    assert loaded.published.isoformat() == published.isoformat()


def test_the_key_holds_document_and_revision_in_this_order() -> None:
    document = article()
    record = records.document_record(document)
    assert list(record["_id"].items()) == [
        ("document", document.id),
        ("revision", document.revision),
    ]
    assert "raw" not in record


@given(st.binary(max_size=500))
def test_raw_bytes_survive_and_are_compressed(raw: bytes) -> None:
    record = through_bson(records.raw_record(article(), raw))
    assert records.raw_of(record) == raw
    assert zlib.decompress(record["zlib"]) == raw


def test_repetitive_raw_bytes_take_less_room() -> None:
    raw = b"<p>tide</p>" * 10_000
    assert len(records.raw_record(article(), raw)["zlib"]) < len(raw) / 50


def test_no_raw_record_is_no_raw_bytes() -> None:
    assert records.raw_of(None) is None


def test_a_cleaned_document_survives_bson() -> None:
    cleaned = cleaned_of(article(published=datetime(2026, 1, 1, tzinfo=UTC)), "text")
    assert records.cleaned_of(through_bson(records.cleaned_record(cleaned))) == cleaned


def test_an_author_survives_bson() -> None:
    user = UserDocument.named("Ada King Lovelace")
    assert records.user_of(through_bson(records.user_record(user))) == user


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"category": "poems"}, "category 'poems' (known: articles, posts, repositories)"),
        ({"fetched_at": "yesterday"}, "fetched_at"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_damaged_record_is_told_in_one_line(change: dict[str, object], told: str) -> None:
    record = {**records.document_record(article()), **change}
    with pytest.raises(IntegrityError) as caught:
        records.document_of(record)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damaged", [b"not zlib", None])
def test_damaged_raw_bytes_are_told(damaged: bytes | None) -> None:
    record = {**records.raw_record(article(), b"raw"), "zlib": damaged}
    with pytest.raises(IntegrityError, match="raw bytes of"):
        records.raw_of(record)
