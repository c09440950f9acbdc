"""Texts of folders, and what their front matter says."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.local_folder_text import (
    FileText,
    read_markdown,
    read_notebook,
    read_plain,
)

URL = "file:///notes/tides.md"
MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)


def markdown(text: str) -> FileText:
    return read_markdown(text.encode(), URL)


def test_front_matter_says_who_wrote_a_text_and_when() -> None:
    found = markdown(
        "---\ntitle: Tides: a history\n---\n# Not front matter\n"
    )  # YAML that is broken counts as text
    assert found.text.startswith("---\n")
    found = markdown(
        "---\ntitle: 'Tides'\nauthor: Ada  Lovelace\ndate: 2026-05-01\n"
        "lastmod: 2026-05-02T10:00:00Z\nlang: en-GB\n---\n\n# High water\n\nIt rises.\n"
    )
    assert found == FileText(
        text="# High water\n\nIt rises.\n",
        title="Tides",
        author="Ada Lovelace",
        published=MAY_DAY,
        modified=datetime(2026, 5, 2, 10, tzinfo=UTC),
        language="en",
    )


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("authors: [Ada Lovelace, Grace Hopper]", "Ada Lovelace"),
        ("authors:\n- name: Ada Lovelace\n  url: x", "Ada Lovelace"),
        ("author: {name: Ada Lovelace}", "Ada Lovelace"),
        ("author: 7", None),
        ("author: []", None),
        ("Author: Ada Lovelace", "Ada Lovelace"),
    ],
)
def test_spellings_of_the_author(line: str, author: str | None) -> None:
    assert markdown(f"---\n{line}\n---\ntext\n").author == author


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Tides #\n\ntext", "Tides"),
        ("intro\n\n# Tides", "Tides"),
        ("\nTides\n=====\ntext", "Tides"),
        ("## Second level only\n", None),
        ("#hashtag\n", None),
        ("text", None),
    ],
)
def test_the_title_is_the_first_heading(text: str, title: str | None) -> None:
    assert markdown(text).title == title


@pytest.mark.parametrize(
    "text",
    ["---\n- a list\n---\ntext\n", "---\nno end\n", "text\n---\na: b\n---\n", "---\n---\ntext\n"],
)
def test_rules_and_lists_are_no_front_matter(text: str) -> None:
    assert markdown(text).text == text


def test_aliases_of_yaml_do_not_grow() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    found = markdown(f"---\nl0: &l0 lol\n{levels}title: *l29\n---\ntext\n")
    assert (found.text, found.title) == ("text\n", None)


@pytest.mark.parametrize("data", [b"", b" \n", b"a\0b", b"---\ntitle: Only\n---\n"])
def test_what_holds_no_text_is_an_error(data: bytes) -> None:
    with pytest.raises(ExtractionError, match="holds no text"):
        read_markdown(data, URL)


@pytest.mark.parametrize(
    "data",
    ["Größe: 5 €\r\n".encode(), "Größe: 5 €\r\n".encode("utf-16"), "\ufeffGröße: 5 €\n".encode()],
)
def test_plain_text_is_decoded_and_kept(data: bytes) -> None:
    assert read_plain(data, URL) == FileText(text="Größe: 5 €\n")


def test_a_paragraph_on_one_long_line_is_text() -> None:
    assert len(read_plain(b"word " * 10_000, URL).text) == 50_000


def test_a_notebook_is_read_as_its_cells() -> None:
    cells = [{"cell_type": "markdown", "source": "# Tides"}, {"cell_type": "code", "source": "1"}]
    found = read_notebook(json.dumps({"cells": cells}).encode(), URL)
    assert found == FileText(text="# Tides\n\n```python\n1\n```\n", title="Tides")
    with pytest.raises(ExtractionError, match="no Jupyter notebook"):
        read_notebook(b"{}", URL)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_no_front_matter_makes_it_fail(yaml: str) -> None:
    assert markdown(f"---\n{yaml}\n---\ntext\n").text.endswith("text\n")
