"""Files that were damaged on their way: a document of what is left, or one line of why not."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_engineering.domain.errors import DocumentError
from llm_engineering.infrastructure.crawlers.local_folder_docx import read_docx
from llm_engineering.infrastructure.crawlers.local_folder_pdf import read_pdf
from llm_engineering.infrastructure.crawlers.local_folder_text import (
    FileText,
    read_markdown,
    read_notebook,
    read_plain,
)
from tests.unit.infrastructure.crawlers.file_making import docx, paragraph, pdf

URL = "file:///srv/tides"
Reader = Callable[[bytes, str], FileText]


def read_paper(data: bytes, url: str) -> FileText:
    return read_pdf(data, url, time.monotonic)


WHOLE: dict[str, tuple[Reader, bytes]] = {
    "pdf": (
        read_paper,
        pdf(
            ["The tide turns at noon."],
            ["And again at night."],
            ["Boats wait for it."],
            outline=[("The tide", 0), ("And again", 2)],
            Title="Tides",
            Author="Ada Lovelace",
            CreationDate="D:20260102030405Z",
        ),
    ),
    "docx": (
        read_docx,
        docx(
            paragraph("On tides", "Heading1") + paragraph("The tide turns at noon."),
            "<dc:title>Tides</dc:title><dc:creator>Ada Lovelace</dc:creator>",
        ),
    ),
    "notebook": (
        read_notebook,
        b'{"cells": [{"cell_type": "markdown", "source": ["# Tides\\n", "They turn."]},'
        b' {"cell_type": "code", "source": "print(1)", "outputs": []}],'
        b' "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}',
    ),
    "markdown": (
        read_markdown,
        b"---\ntitle: Tides\ndate: 2026-01-02\nauthor: Ada Lovelace\ntags: [a, b]\n---\n\n"
        b"# Tides\n\nThe tide turns at noon.\n",
    ),
    "text": (read_plain, "Tides\n=====\n\nDie Höhe der Flut.\n".encode()),
}

damages = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=8)


def read_or_told(reader: Reader, data: bytes) -> None:
    """Reads; whatever is wrong must be told of this file, in one line."""
    try:
        found = reader(data, URL)
    except DocumentError as error:
        assert error.url == URL
        assert "\n" not in str(error)
        assert error.reason
        return
    assert isinstance(found.text, str)
    for moment in (found.published, found.modified):
        assert moment is None or moment.tzinfo is not None
    for line in (found.title, found.author):
        assert line is None or (line.strip() and "\n" not in line)


@pytest.mark.parametrize("kind", WHOLE)
def test_the_whole_file_is_read(kind: str) -> None:
    reader, data = WHOLE[kind]
    assert reader(data, URL).text.strip()


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(damage=damages)
def test_bytes_that_were_changed_break_nothing(kind: str, damage: list[tuple[int, int]]) -> None:
    reader, data = WHOLE[kind]
    damaged = bytearray(data)
    for position, flip in damage:
        damaged[position % len(damaged)] ^= flip
    read_or_told(reader, bytes(damaged))


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(share=st.floats(0, 1))
def test_a_file_that_was_cut_off_breaks_nothing(kind: str, share: float) -> None:
    reader, data = WHOLE[kind]
    read_or_told(reader, data[: int(share * len(data))])


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("other", [*WHOLE, "nothing", "zeros", "another format"])
def test_a_file_under_the_wrong_name_breaks_nothing(kind: str, other: str) -> None:
    odd = {
        "nothing": b"",
        "zeros": bytes(3_000),
        "another format": b"\x89PNG\r\n\x1a\n" + bytes(64),
    }
    data = odd[other] if other in odd else WHOLE[other][1]
    read_or_told(WHOLE[kind][0], data)
