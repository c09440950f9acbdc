"""Records of the data warehouse: ours come back as they were, others' are read as they are."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.corpus.warehouse_records import (
    CLASSES,
    documents_of,
    record_of,
    user_of,
    user_record_of,
)
from llm_engineering.domain.documents import (
    ArticleDocument,
    Document,
    PostDocument,
    RepositoryDocument,
    UserDocument,
)
from llm_engineering.domain.errors import InvalidInput

UNKNOWN = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
NAMES = st.sampled_from(["index.html", "a/b", "größe", "x?y=1"])


def read(record: object, kind: type[Document]) -> list[Document]:
    return list(documents_of(json.loads(json.dumps(record)), kind, {}, UNKNOWN))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    kinds: list[tuple[type[Document], dict[str, object]]] = [
        (ArticleDocument, {}),
        (PostDocument, {"image": draw(st.none() | st.just("https://e.org/i.png"))}),
        (RepositoryDocument, {"repository": "ada/engine", "path": draw(NAMES)}),
    ]
    kind, more = draw(st.sampled_from(kinds))
    return kind.create(
        url=f"https://example.org/{draw(NAMES)}",
        title=draw(WORDS) or "Untitled",
        content=draw(WORDS),
        platform=draw(st.sampled_from(["example.org", "github"])),
        author=draw(st.none() | st.just("Ada Lovelace")),
        published=draw(st.none() | TIMES),
        modified=draw(st.none() | TIMES),
        language=draw(st.none() | st.just("en")),
        fetched_at=draw(TIMES),
        **more,
    )


@given(documents())
def test_what_we_wrote_is_the_very_same_revision(document: Document) -> None:
    again = read(record_of(document), type(document))
    assert again == [document]
    assert again[0].revision == document.revision


@given(documents(), st.sampled_from(["title", "content", "published", "author"]))
def test_a_record_that_was_changed_by_hand_is_no_revision_of_ours(
    document: Document, field: str
) -> None:
    record: dict[str, Any] = record_of(document)
    if field == "content":
        place = next(iter(record["content"])) if "name" in record else "Content"
        record["content"][place] += "!"
    elif field == "title" and "name" in record:
        record["title"] = (record["title"] or "") + "!"
    elif field == "title":
        record["content"]["Title"] += "!"
    elif field == "published":
        record["published"] = "1999-09-09T00:00:00+00:00"
    else:
        record["author_full_name"] = "Somebody Else"
    with pytest.raises(InvalidInput, match="is not that of the content"):
        read(record, type(document))


@given(st.text("abc é-", min_size=1, max_size=20).filter(lambda name: name.strip()))
def test_an_author_comes_back_by_name(name: str) -> None:
    user = UserDocument.named(name)
    told, again = user_of(user_record_of(user))
    assert again == user
    assert told == str(user.id)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "id",
        "_id",
        "content",
        "link",
        "platform",
        "author_full_name",
        "name",
        "image",
        "title",
        "published",
        "modified",
        "fetched_at",
        "revision",
        "language",
        "author_id",
        "same_as",
    ]
)


@given(st.dictionaries(FIELDS, JSON, max_size=8) | JSON, st.sampled_from(sorted(CLASSES)))
def test_whatever_a_file_holds_it_is_read_or_refused(record: object, kind: str) -> None:
    try:
        found = read(record, CLASSES[kind])
    except InvalidInput as refused:
        assert "\n" not in str(refused)
        return
    assert all(isinstance(one, CLASSES[kind]) for one in found)


@given(st.dictionaries(st.sampled_from(["first_name", "last_name", "id", "_id"]), JSON) | JSON)
def test_whatever_stands_for_an_author_is_read_or_refused(record: object) -> None:
    try:
        _, user = user_of(record)
    except InvalidInput as refused:
        assert "\n" not in str(refused)
        return
    assert user.full_name


# --- records of others


def other(content: dict[str, object], **fields: object) -> dict[str, object]:
    return {"_id": "42", "content": content, "platform": "medium", **fields}


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        ({"Title": "T", "Subtitle": "S", "Content": "C"}, "T", "S\n\nC"),
        ({"Title": "T", "Subtitle": " ", "Content": "C"}, "T", "C"),
        ({"Title": "T", "Subtitle": "", "Content": ""}, None, None),
        ({"Content": "# Heading\n\nBody"}, "Heading", "# Heading\n\nBody"),
        ({"post_0": "First.", "post_1": "Second."}, "First.", "First.\n\nSecond."),
        ({"Title": "T", "Content": "C", "language": "en"}, "T", "C"),
        ({"Content": "x" * 200}, "x" * 80, "x" * 200),
    ],
)
def test_title_and_text_of_a_page(
    content: dict[str, object], title: str | None, text: str | None
) -> None:
    record = other(content, link="https://e.org/a")
    if text is None:
        with pytest.raises(InvalidInput, match="content has no text"):
            read(record, ArticleDocument)
        return
    (document,) = read(record, ArticleDocument)
    assert (document.title, document.content) == (title, text)
    assert document.fetched_at == UNKNOWN


@pytest.mark.parametrize(
    ("link", "name", "url", "repository"),
    [
        (
            "https://github.com/ada/engine",
            "engine",
            "https://github.com/ada/engine/blob/HEAD/src/a%20b.py",
            "ada/engine",
        ),
        (
            "https://github.com/ada/engine.git",
            None,
            "https://github.com/ada/engine/blob/HEAD/src/a%20b.py",
            "ada/engine",
        ),
        ("https://git.org/engine/", "own", "https://git.org/engine/blob/HEAD/src/a%20b.py", "own"),
        ("file:///srv/engine", "engine", "file:///srv/engine/src/a%20b.py", "engine"),
    ],
)
def test_the_files_of_a_repository_have_addresses_of_their_own(
    link: str, name: str | None, url: str, repository: str
) -> None:
    record = other({"src/a b.py": "x = 1"}, link=link, **({"name": name} if name else {}))
    (file,) = read(record, RepositoryDocument)
    assert isinstance(file, RepositoryDocument)
    assert (file.url, file.repository, file.path) == (url, repository, "src/a b.py")
    assert file.title == f"{repository}/src/a b.py"


def test_a_record_without_a_platform_is_of_its_host() -> None:
    record = {"_id": str(UUID(int=1)), "content": {"Content": "x"}, "link": "https://e.org/a"}
    assert read(record, ArticleDocument)[0].platform == "e.org"
    del record["link"]
    assert read(record, ArticleDocument)[0].platform == "file"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"link": "javascript:alert(1)"}, "not a URL"),
        ({"published": "soon"}, "published"),
        ({"published": "2026-05-01T00:00:00"}, "published"),
        ({"image": 7}, "image"),
        ({"content": {"a": 1}}, "no text"),
        ({"content": []}, "content is no mapping"),
        ({"revision": "0" * 64}, "is not that of the content"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(change: dict[str, object], named: str) -> None:
    record = other({"Content": "x"}, link="https://e.org/a")
    with pytest.raises(InvalidInput, match=named):
        read({**record, **change}, PostDocument)
