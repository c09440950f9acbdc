import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from llm_engineering.application.corpus.warehouse import (
    ImportReport,
    export_documents,
    import_documents,
)
from llm_engineering.domain.documents import (
    ArticleDocument,
    Document,
    PostDocument,
    RepositoryDocument,
    Tombstone,
    UserDocument,
    author_mark,
)
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import document_id
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from tests.contracts.document_making import article, post, repository_file

WRITTEN = datetime(2026, 6, 1, tzinfo=UTC)
KEY = "6ad1ee1c-41f8-4b6e-8d9c-2f0b8f9c6a01"


class MemoryWarehouse:
    """Keeps the records as the JSON that a file would have."""

    place = "memory"

    def __init__(self, **classes: object) -> None:
        self.texts = {name: json.dumps(records) for name, records in classes.items()}

    def classes(self) -> Sequence[str]:
        return sorted(self.texts)

    def read(self, name: str) -> Iterator[object]:
        records = json.loads(self.texts[name])
        for record in records:
            if record == "fault":
                raise InvalidInput(f"{name}.json: not JSON after some records")
            yield record

    def written_at(self, name: str) -> datetime:
        return WRITTEN

    def write(self, name: str, records: Iterable[Mapping[str, object]]) -> int:
        written = list(records)
        self.texts[name] = json.dumps(written)
        return len(written)


def store_of(*documents: Document) -> InMemoryDocumentStore:
    store = InMemoryDocumentStore()
    for document in documents:
        store.save(document)
    return store


def imported(
    store: InMemoryDocumentStore, warehouse: MemoryWarehouse, *, restore: bool = False
) -> ImportReport:
    return import_documents(store, warehouse, SilentProgress(), restore_forgotten=restore)


def exported(
    store: InMemoryDocumentStore, copies: Mapping[UUID, UUID] | None = None
) -> MemoryWarehouse:
    warehouse = MemoryWarehouse()
    export_documents(store, copies or {}, warehouse, SilentProgress())
    return warehouse


ARTICLE = article(
    author="Ada Lovelace",
    published=datetime(1843, 9, 1, 8, 30, 0, 654_321, tzinfo=timezone(timedelta(hours=-3.5))),
    modified=datetime(2026, 1, 1, tzinfo=UTC),
    language="en",
    content="Ebb & flow \u6f6e\u6c50\n\n```\nx\n```\n",
)


def test_what_was_exported_is_restored_elsewhere_in_the_same_revision() -> None:
    documents = [ARTICLE, post(), repository_file(), article("untitled", "")]
    source, target = store_of(*documents), InMemoryDocumentStore()
    source.add_user(UserDocument.named("Bo Li"))
    report = imported(target, exported(source))
    assert report.ok
    assert (report.new, report.users) == (4, 3)
    assert list(target.documents()) == list(source.documents())
    assert target.users() == source.users()
    assert [type(one) for one in target.documents()] == [type(one) for one in source.documents()]


def test_a_second_import_and_a_second_export_change_nothing() -> None:
    store = store_of(ARTICLE, post(), repository_file())
    warehouse = exported(store)
    report = imported(store, warehouse)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 3)
    assert exported(store).texts == warehouse.texts


def test_records_have_the_fields_that_others_read() -> None:
    copy = article("copy")
    warehouse = exported(store_of(ARTICLE, post(), repository_file(), copy), {copy.id: ARTICLE.id})
    assert warehouse.classes() == [
        "ArticleDocument",
        "PostDocument",
        "RepositoryDocument",
        "UserDocument",
    ]
    by_id = {record["id"]: record for record in json.loads(warehouse.texts["ArticleDocument"])}
    record = by_id[str(ARTICLE.id)]
    assert record["content"] == {
        "Title": ARTICLE.title,
        "Subtitle": "",
        "Content": ARTICLE.content,
    }
    assert record["platform"] == "example.org"
    assert record["author_id"] == str(ARTICLE.author_id)
    assert record["author_full_name"] == "Ada Lovelace"
    assert record["link"] == "https://example.org/tides"
    assert record["same_as"] is None
    assert by_id[str(copy.id)]["same_as"] == str(ARTICLE.id)
    [shared] = json.loads(warehouse.texts["PostDocument"])
    assert shared["image"] == "https://example.org/i.png"
    [file] = json.loads(warehouse.texts["RepositoryDocument"])
    assert (file["name"], file["content"]) == ("tides", {"main.py": "print('tide')\n"})
    assert [sorted(user) for user in json.loads(warehouse.texts["UserDocument"])] == [
        ["first_name", "id", "last_name"]
    ] * 2


def test_gone_documents_are_not_exported() -> None:
    store = store_of(ARTICLE, article("gone"))
    store.mark_gone(article("gone").id, WRITTEN, "HTTP 404")
    assert len(json.loads(exported(store).texts["ArticleDocument"])) == 1


def test_an_article_of_another_system_is_read_as_it_is() -> None:
    warehouse = MemoryWarehouse(
        UserDocument=[{"_id": KEY, "first_name": "Ada", "last_name": "Lovelace"}],
        ArticleDocument=[
            {
                "_id": "b2f3e0aa-6a5e-4a52-9ec1-0e7a0f6a2c11",
                "content": {
                    "Title": "On tides",
                    "Subtitle": "What turns them",
                    "Content": "The moon does.",
                    "language": "en",
                },
                "platform": "medium",
                "author_id": KEY,
                "link": "https://medium.com/p/tides?utm_source=x",
            }
        ],
    )
    store = InMemoryDocumentStore()
    assert imported(store, warehouse).ok
    [document] = store.documents()
    assert document == ArticleDocument.create(
        url="https://medium.com/p/tides",
        title="On tides",
        content="What turns them\n\nThe moon does.",
        platform="medium",
        author="Ada Lovelace",
        language="en",
        fetched_at=WRITTEN,
    )
    assert [user.full_name for user in store.users()] == ["Ada Lovelace"]


@pytest.mark.parametrize("key", [KEY, {"$uuid": KEY}])
def test_a_post_without_a_link_is_known_by_its_id(key: object) -> None:
    record = {
        "id": key,
        "content": {"post_0": "The tide turns.", "post_1": "It does.", "n": 1, "Title": None},
        "platform": "linkedin",
        "author_full_name": "Ada Lovelace",
        "image": None,
        "link": None,
    }
    store = InMemoryDocumentStore()
    assert imported(store, MemoryWarehouse(PostDocument=[record])).ok
    [document] = store.documents()
    assert isinstance(document, PostDocument)
    assert document.url == f"file:///data-warehouse/PostDocument/{KEY}"
    assert document.content == "The tide turns.\n\nIt does."
    assert document.title == "The tide turns."
    assert imported(store, MemoryWarehouse(PostDocument=[record])).unchanged == 1


def test_a_repository_of_another_system_becomes_a_document_for_each_file() -> None:
    record = {
        "id": KEY,
        "content": {"README.md": "# Tides", "src/a b.py": "x = 1\n"},
        "platform": "github",
        "name": "tides",
        "link": "https://github.com/ada/tides.git",
        "author_full_name": "Ada Lovelace",
    }
    store = InMemoryDocumentStore()
    assert imported(store, MemoryWarehouse(RepositoryDocument=[record])).new == 2
    documents = {one.title: one for one in store.documents()}
    assert documents.keys() == {"ada/tides/README.md", "ada/tides/src/a b.py"}
    file = documents["ada/tides/src/a b.py"]
    assert isinstance(file, RepositoryDocument)
    assert file.url == "https://github.com/ada/tides/blob/HEAD/src/a%20b.py"
    assert (file.repository, file.path, file.content) == ("ada/tides", "src/a b.py", "x = 1\n")


GOOD = {"id": KEY, "content": {"Content": "Text."}, "link": "https://example.org/", "platform": "x"}
OURS = json.loads(exported(store_of(ARTICLE)).texts["ArticleDocument"])[0]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("text", "a str where an object should be"),
        (None, "a NoneType where an object should be"),
        ({**GOOD, "content": "text"}, "content is no mapping"),
        ({**GOOD, "content": {}}, "content is no mapping with something in it"),
        ({**GOOD, "content": {"Content": " ", "Title": "x"}}, "content has no text"),
        ({**GOOD, "content": {"Content": 3}}, "Content is no text"),
        ({**GOOD, "link": 3}, "link is no text"),
        ({**GOOD, "link": "example"}, "not a URL: 'example'"),
        ({**GOOD, "link": None, "id": "42"}, "neither a link nor an id that is a UUID"),
        ({**GOOD, "published": "yesterday"}, "published: 'yesterday' is no date"),
        ({**GOOD, "published": "2026-01-01"}, "published: '2026-01-01' has no time zone"),
        ({**OURS, "revision": "0" * 64}, "is not that of the content"),
        ({**OURS, "content": {**OURS["content"], "Content": "x"}}, "is not that of the content"),
    ],
)
def test_a_record_that_cannot_be_read_is_counted_and_the_rest_imported(
    record: object, reason: str
) -> None:
    store = InMemoryDocumentStore()
    report = imported(store, MemoryWarehouse(ArticleDocument=[record, GOOD]))
    assert not report.ok
    assert report.new == 1
    assert sum(report.refused.values()) == 1
    [example] = report.examples
    assert example.startswith("ArticleDocument.json, record 1: ")
    assert reason in example
    assert "\n" not in example


def test_reasons_are_counted_without_the_values_that_differ() -> None:
    records = [{**GOOD, "link": f"page {number}"} for number in range(30)]
    report = imported(InMemoryDocumentStore(), MemoryWarehouse(ArticleDocument=records))
    assert list(report.refused.values()) == [30]
    assert len(report.examples) == 20


def test_files_of_a_repository_that_are_no_text_are_refused() -> None:
    record = {**GOOD, "content": {"a.bin": {"nested": 1}}, "link": "https://github.com/a/b"}
    report = imported(InMemoryDocumentStore(), MemoryWarehouse(RepositoryDocument=[record]))
    assert report.examples == ("RepositoryDocument.json, record 1: content['a.bin'] is no text",)


def test_a_broken_file_is_counted_and_the_other_files_are_read() -> None:
    store = InMemoryDocumentStore()
    warehouse = MemoryWarehouse(
        UserDocument=[{"first_name": " "}, 3], ArticleDocument=[GOOD, "fault", GOOD]
    )
    warehouse.texts |= exported(store_of(post())).texts | {
        "ArticleDocument": warehouse.texts["ArticleDocument"],
        "UserDocument": warehouse.texts["UserDocument"],
    }
    report = imported(store, warehouse)
    assert report.new == 2
    assert sum(report.refused.values()) == 3
    assert any("ArticleDocument.json, record 2: " in example for example in report.examples)


def test_a_later_revision_in_the_store_stays() -> None:
    earlier, later = article(content="Ebb."), article(content="Flow.", days=5)
    warehouse = exported(store_of(earlier))
    store = store_of(later)
    assert imported(store, warehouse).older == 1
    assert store.current(later.id) == later
    assert imported(store_of(earlier), exported(store_of(later))).changed == 1


@pytest.mark.parametrize("restore", [False, True])
def test_what_was_forgotten_comes_back_on_demand_alone(restore: bool) -> None:
    warehouse = exported(store_of(ARTICLE, article("other")))
    store = InMemoryDocumentStore()
    mark = author_mark("Ada Lovelace")
    store.bury(
        [
            Tombstone(id=ARTICLE.id, of="document", at=WRITTEN, authors=(mark,)),
            Tombstone(id=mark, of="author", at=WRITTEN),
            Tombstone(id=document_id("https://example.org/x"), of="document", at=WRITTEN),
        ]
    )
    report = imported(store, warehouse, restore=restore)
    assert report.ok
    assert (report.forgotten, report.restored, report.new) == ((0, 1, 1) if restore else (1, 0, 1))
    assert (store.current(ARTICLE.id) is not None) is restore
    assert [user.full_name for user in store.users()] == ["Ada Lovelace"] * restore
    assert len(store.tombstones()) == (1 if restore else 3)


def test_nothing_to_import_is_a_wrong_call() -> None:
    with pytest.raises(InvalidInput, match=r"memory: nothing to import \(known: ArticleDocument"):
        imported(InMemoryDocumentStore(), MemoryWarehouse(Other=[]))
