"""A copy is left out of the index: so each rule is seen to keep what a reader could miss."""

import pytest

from llm_engineering.application.preprocessing.cleaning import (
    clean_document,
    clean_repository_file,
)
from llm_engineering.application.preprocessing.config import DuplicatesConfig
from llm_engineering.application.preprocessing.duplicates import Text, is_copy, keys_of
from llm_engineering.domain.documents import ArticleDocument, PostDocument
from tests.documents import VISITED, make_file

CONFIG = DuplicatesConfig()
ESSAY = """# Where the tide turns

The harbour empties twice a day, and the boats lie on their sides in the mud until noon.
Nobody minds: the fishermen mend their nets, the children look for crabs.

In the estuary the water comes back as a wave that can be heard from afar.
It carries 14 tons of sand upstream in an hour, says the harbour master.

Further north the marsh keeps what it is given; the lagoon behind it turns slowly from green to
grey, and the last swans leave before the ice closes it for good."""


def text(
    content: str = ESSAY,
    *,
    site: str = "one.org",
    title: str = "Where the tide turns",
    author: str | None = "Ada Lovelace",
    kind: type[ArticleDocument] | type[PostDocument] = ArticleDocument,
) -> Text:
    document = kind.create(
        url=f"https://{site}/tide",
        title=title,
        content=content,
        platform=site,
        author=author,
        fetched_at=VISITED,
    )
    return Text(clean_document(document))


def repository_file(content: str, path: str = "package/module.py") -> Text:
    return Text(clean_repository_file(make_file(content, path=path)))


ORIGINAL = text()


@pytest.mark.parametrize(
    "content",
    [
        ESSAY,
        ESSAY.replace("**", "").replace("# ", "## "),
        f"Home > Stories\n\n{ESSAY}",
        f"By Ada, 3 May 2024, 4 min read\n\n{ESSAY}\n\nMore from Two",
        f"{ESSAY}\n\nThis story first appeared on one.org. Subscribe to our newsletter!",
        ESSAY.replace("\n\nIn the", "\n\nAdvertisement\n\nIn the"),
        ESSAY.replace("until noon.\nNobody", "until noon. Nobody"),
    ],
)
def test_the_same_article_with_the_furniture_of_another_site_is_a_copy(content: str) -> None:
    other = text(content, site="two.org", title="Where the tide turns | Two Weekly")
    assert is_copy(other, ORIGINAL, CONFIG)
    assert is_copy(ORIGINAL, other, CONFIG)
    assert set(keys_of(other, CONFIG)) & set(keys_of(ORIGINAL, CONFIG))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("14 tons", "15 tons"),  # a number
        ("can be heard", "cannot be heard"),  # a negation
        ("Nobody minds", "Somebody minds"),
        ("north", "south"),
        ("The harbour", "The port"),  # in the first sentence
        ("for good", "again"),  # in the last one
        ("says the harbour master", "says Grace Hopper"),
        ("\n\nFurther", "\n\nThe bridge is closed until May.\n\nFurther"),  # a sentence more
        ("Nobody minds: the fishermen mend their nets, the children look for crabs.", ""),
    ],
)
def test_an_article_that_was_edited_is_no_copy(before: str, after: str) -> None:
    assert ESSAY.count(before) == 1
    other = text(ESSAY.replace(before, after), site="two.org")
    assert not is_copy(other, ORIGINAL, CONFIG)
    assert not is_copy(ORIGINAL, other, CONFIG)


@pytest.mark.parametrize("first", ["Version 3.11 is out.", "It does not work."])
def test_a_short_sentence_before_the_text_that_was_edited_keeps_both(first: str) -> None:
    other = first.replace("3.11", "3.12").replace("not ", "")
    one, two = text(f"{first}\n\n{ESSAY}"), text(f"{other}\n\n{ESSAY}")
    assert not is_copy(one, two, CONFIG)
    assert is_copy(one, text(f"{first}\n\n{ESSAY}", site="two.org"), CONFIG)


def test_pages_of_one_template_are_no_copies() -> None:
    one = text(f"A flat in Paris, three rooms.\n\n{ESSAY}", title="Flat in Paris")
    two = text(f"A house by the sea, ten rooms.\n\n{ESSAY}", title="House by the sea")
    assert not is_copy(one, two, CONFIG)


@pytest.mark.parametrize(
    ("one", "two", "copy"),
    [
        ("Guide 1.2", "Guide 1.3", False),
        ("Guide 1.2", "Guide 1.2 | Example", True),
        ("Guide", "A different title", True),  # of the very same text
    ],
)
def test_titles_of_the_same_text_may_differ_but_not_in_numbers(
    one: str, two: str, copy: bool
) -> None:
    assert is_copy(text(title=one), text(title=two, site="two.org"), CONFIG) is copy


@pytest.mark.parametrize(
    ("one", "two", "copy"),
    [
        ("Where the tide turns | One", "Where the tide turns \u2013 Two Weekly", True),
        ("Where the tide turns", "One: Where the tide turns", True),
        ("Where - the tide - turns", "Where - the tide | Two", True),
        ("Where the tide turns", "Where the ice goes", False),
        ("Flat in Paris | Homes", "House in Rome | Homes", False),
        ("", "Where the tide turns", False),
        ("", "", True),
    ],
)
def test_titles_of_almost_the_same_text_agree_but_for_the_site(
    one: str, two: str, copy: bool
) -> None:
    other = text(f"{ESSAY}\n\nMore", title=two, site="two.org")
    assert is_copy(text(title=one), other, CONFIG) is copy


def test_too_much_that_is_its_own_makes_no_copy() -> None:
    longer = ESSAY + "\n\n" + " ".join(f"Boat {n} lies in berth {n * 7}." for n in range(9))
    assert not is_copy(text(longer, site="two.org"), ORIGINAL, CONFIG)


@pytest.mark.parametrize(
    ("copy", "original", "expected"),
    [
        (None, "Ada Lovelace", True),
        (None, None, True),
        ("Ada Lovelace", None, False),  # or a search for Ada finds nothing
        ("Ada Lovelace", "Grace Hopper", False),
    ],
)
def test_a_search_by_author_still_finds_the_text(
    copy: str | None, original: str | None, expected: bool
) -> None:
    found = is_copy(text(author=copy, site="two.org"), text(author=original), CONFIG)
    assert found is expected


def test_a_search_by_category_still_finds_the_text() -> None:
    assert not is_copy(text(kind=PostDocument), ORIGINAL, CONFIG)


def test_short_texts_are_never_copies() -> None:
    assert keys_of(text("Happy new year to all of you!"), CONFIG) == ()
    assert keys_of(ORIGINAL, CONFIG) != ()
    assert keys_of(ORIGINAL, DuplicatesConfig(min_words=ORIGINAL.words + 1)) == ()


CODE = "\n".join(f"def tide_{n}(height: int) -> int:\n    return height + {n}" for n in range(20))


def test_a_file_is_a_copy_of_the_same_text_at_the_same_path_alone() -> None:
    one = repository_file(CODE)
    assert is_copy(one, repository_file(CODE), CONFIG)
    assert keys_of(one, CONFIG) == keys_of(repository_file(CODE), CONFIG)
    for other in (
        repository_file(CODE, path="other/module.py"),
        repository_file(CODE + "\n"),
        repository_file(CODE.replace("+ 7", "- 7")),
        repository_file(CODE.replace("    ", "\t")),
    ):
        assert not is_copy(one, other, CONFIG)
        assert not set(keys_of(one, CONFIG)) & set(keys_of(other, CONFIG))


@pytest.mark.parametrize(
    "path", ["LICENSE", "docs/LICENCE.txt", "license-MIT", "COPYING.LESSER", "NOTICE.md", "Authors"]
)
def test_files_that_speak_of_their_repository_stay(path: str) -> None:
    assert keys_of(repository_file(ESSAY, path=path), CONFIG) == ()


def test_files_with_little_in_them_stay() -> None:
    assert keys_of(repository_file("", path="package/__init__.py"), CONFIG) == ()
    assert keys_of(repository_file('"""Tides."""\n', path="package/__init__.py"), CONFIG) == ()
    assert keys_of(repository_file(ESSAY, path="licensing/rules.py"), CONFIG) != ()
