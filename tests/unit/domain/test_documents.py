from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from llm_engineering.domain.documents import (
    DOCUMENT_TYPES,
    ArticleDocument,
    PostDocument,
    RepositoryDocument,
    UserDocument,
)
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import document_id, user_id
from llm_engineering.domain.types import DataCategory

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def article(**changes: object) -> ArticleDocument:
    fields: dict[str, object] = {
        "url": "https://example.org/a",
        "title": "On tides",
        "content": "The tide turns.",
        "platform": "example.org",
        "fetched_at": NOON,
        **changes,
    }
    return ArticleDocument.create(**fields)  # type: ignore[arg-type]


def test_identities_come_from_url_author_and_content() -> None:
    made = article(author="Ada Lovelace", url="https://example.org/a?utm_source=x")
    assert made.id == document_id("https://example.org/a")
    assert made.url == "https://example.org/a"
    assert made.author_id == user_id("Ada Lovelace")
    assert made.category is DataCategory.ARTICLES


@pytest.mark.parametrize(
    "change",
    [
        {"title": "On ebbs"},
        {"content": "The tide turns twice."},
        {"author": "Ada Lovelace"},
        {"published": NOON},
    ],
)
def test_a_change_of_content_is_a_new_revision(change: dict[str, object]) -> None:
    assert article(**change).revision != article().revision
    assert article(**change).id == article().id


@pytest.mark.parametrize(
    "change", [{"fetched_at": NOON + timedelta(days=1)}, {"raw": b"<p>"}, {"language": "en"}]
)
def test_when_and_how_it_was_fetched_is_no_new_revision(change: dict[str, object]) -> None:
    assert article(**change).revision == article().revision


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        article(fetched_at=datetime(2026, 5, 1))


def test_times_keep_their_zone() -> None:
    zone = timezone(timedelta(hours=2))
    published = article(published=datetime(2026, 5, 1, 14, tzinfo=zone)).published
    assert published == NOON


def test_raw_bytes_stay_out_of_the_repr() -> None:
    assert "secret-markup" not in repr(article(raw=b"secret-markup"))


def test_documents_cannot_be_changed_and_take_no_unknown_field() -> None:
    with pytest.raises(ValidationError):
        article().title = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="colour"):
        article(colour="red")


def test_a_relative_url_is_refused() -> None:
    with pytest.raises(InvalidInput, match="/a"):
        article(url="/a")


def test_each_category_has_its_class() -> None:
    assert set(DOCUMENT_TYPES) == set(DataCategory)
    for category, kind in DOCUMENT_TYPES.items():
        assert kind.model_fields["category"].default is category


def test_posts_and_files_carry_their_own_fields() -> None:
    common = {
        "url": "https://example.org/p",
        "title": "t",
        "content": "c",
        "platform": "x",
        "fetched_at": NOON,
    }
    post = PostDocument.create(**common, image="https://example.org/i.png")  # type: ignore[arg-type]
    file = RepositoryDocument.create(**common, repository="https://example.org/r", path="src/a.py")  # type: ignore[arg-type]
    assert post.image == "https://example.org/i.png"
    assert (file.repository, file.path) == ("https://example.org/r", "src/a.py")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("Ada King  Lovelace", "Ada King", "Lovelace"),
        ("Plato", "Plato", ""),
    ],
)
def test_authors_are_named_by_first_and_last_name(name: str, first: str, last: str) -> None:
    user = UserDocument.named(name)
    assert (user.first_name, user.last_name) == (first, last)
    assert user.full_name == " ".join(name.split())
    assert user.id == user_id(name)
