import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.preprocessing.cleaning import (
    CLEANER,
    clean_code,
    clean_document,
    clean_prose,
    clean_repository_file,
    fence_after,
)
from llm_engineering.domain.cleaned_documents import (
    CleanedArticleDocument,
    CleanedPostDocument,
    CleanedRepositoryDocument,
)
from tests.documents import make_article, make_file, make_post

PYTHON = '''def halve(values: list[int]) -> list[float]:
    """Halves."""
    result = []
    for value in values:
        if value % 2 == 0:
            result.append(value / 2)   # exact



    return result
'''


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("trailing  \t\nspace ", "trailing\nspace"),
        ("a\n\n\n\n\n\nb", "a\n\n\nb"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("\n\n  first line keeps its indentation", "  first line keeps its indentation"),
        ("zero\u200bwidth and soft\xadhyphen\ufeff", "zerowidth and softhyphen"),
        ("null\x00bell\x07 escape\x1b[0m", "nullbell escape[0m"),
        ("page\fbreak", "page\nbreak"),
        ("e\u0301cole", "\xe9cole"),
        ("turned \u202eround\u202c", "turned round"),
        ("tagged\U000e0041\U000e0042", "tagged"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_invisible_and_superfluous_characters_go(dirty: str, clean: str) -> None:
    assert clean_prose(dirty) == clean


@pytest.mark.parametrize(
    "text",
    [
        "See https://example.org/a_b?x=1&y=%20#part, it says so!",
        "- item\n    - nested item\n\n      continued",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Prices: $5 (about 4 \u20ac) \u2013 50 % off; e-mail: ada@example.org",
        "\U0001f469\u200d\U0001f4bb writes \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        f"Code:\n\n```python\n{PYTHON}```\n\nand text",
        "    indented = 'code'\n    stays = True",
    ],
)
def test_what_has_meaning_stays_as_it_is(text: str) -> None:
    assert clean_prose(text) == text


def test_an_address_keeps_its_own_characters() -> None:
    address = "https://example.org/e\u0301cole"
    assert clean_prose(f"e\u0301cole {address}") == f"\xe9cole {address}"


def test_fenced_code_keeps_gaps_and_trailing_space_until_the_fence_closes() -> None:
    code = "~~~\na  \n\n\n\n\nb\n```\nc  \n~~~"
    assert clean_prose(f"{code}\nafter  \n\n\n\n\nend") == f"{code}\nafter\n\n\nend"


def test_code_is_untouched_but_for_line_ends_and_controls() -> None:
    assert clean_code(PYTHON) == PYTHON
    assert clean_code(PYTHON.replace("\n", "\r\n")) == PYTHON
    assert clean_code("\ufeffa = '\u200b'\x00\n") == "a = '\u200b'\n"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_prose(text)
    assert clean_prose(once) == once


@given(st.text())
def test_no_visible_character_is_lost(text: str) -> None:
    def letters(value: str) -> list[str]:
        return [
            c for c in unicodedata.normalize("NFC", value) if unicodedata.category(c)[0] in "LN"
        ]

    assert letters(clean_prose(text)) == letters(text)


@given(st.text())
def test_no_character_of_code_is_lost(text: str) -> None:
    kept = [c for c in text if c.isprintable() and c != "\ufeff"]
    assert [c for c in clean_code(text) if c.isprintable() and c != "\ufeff"] == kept


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("```python", "", "```"),
        ("````", "", "````"),
        ("```", "````", "````"),
        ("`````", "````", ""),
        ("~~~", "```", "```"),
        ("``` not a fence `", "", ""),
        ("    ```", "", ""),
        ("text", "~~~", "~~~"),
        ("``` info", "```", "```"),
    ],
)
def test_fences_open_and_close_as_commonmark_says(line: str, before: str, after: str) -> None:
    assert fence_after(line, before) == after


def test_a_cleaned_article_keeps_identity_and_authorship() -> None:
    article = make_article("text \r\n", title=" A\u200b  title ")
    cleaned = clean_document(article)
    assert isinstance(cleaned, CleanedArticleDocument)
    assert (cleaned.document_id, cleaned.revision) == (article.id, article.revision)
    assert (cleaned.content, cleaned.title, cleaned.cleaner) == ("text", "A title", CLEANER)
    assert (cleaned.author_full_name, cleaned.published) == ("Ada Lovelace", article.published)


def test_each_category_becomes_its_own_cleaned_kind() -> None:
    assert isinstance(clean_document(make_post("hello")), CleanedPostDocument)
    cleaned = clean_repository_file(make_file("x = 1  \n"))
    assert isinstance(cleaned, CleanedRepositoryDocument)
    assert (cleaned.path, cleaned.content) == ("package/module.py", "x = 1  \n")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("See [the map](https://x.example/a?b=1#c).", "See the map."),
        ("- [a](http://x.example/) and [b](https://y.example/%28)", "- a and b"),
        (
            "[a](mailto:x) [b] (https://x.example) f[1](2)",
            "[a](mailto:x) [b] (https://x.example) f[1](2)",
        ),
        ("![map](https://x.example/a.png)", "![map](https://x.example/a.png)"),
        ("```\n[a](https://x.example/)\n```", "```\n[a](https://x.example/)\n```"),
        ("https://x.example/a", "https://x.example/a"),
    ],
)
def test_links_become_their_text_outside_code(text: str, cleaned: str) -> None:
    assert clean_prose(text) == cleaned
