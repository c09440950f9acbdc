"""PDF to Markdown."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.local_folder_pdf import read_pdf
from llm_engineering.infrastructure.crawlers.local_folder_text import FileText
from tests.unit.infrastructure.crawlers.file_making import LOCKED_PDF, pdf

URL = "file:///papers/tides.pdf"


def read(data: bytes) -> FileText:
    return read_pdf(data, URL, time.monotonic)


def reason(data: bytes) -> str:
    with pytest.raises(ExtractionError) as failed:
        read(data)
    assert failed.value.url == URL
    return failed.value.reason


def test_text_and_properties_of_a_pdf() -> None:
    found = read(
        pdf(
            ["High water comes twice a day."],
            Title="Tides  of the sea",
            Author="Ada Lovelace",
            CreationDate="D:20260501103000+02'00'",
            ModDate="D:20260502",
        )
    )
    assert found == FileText(
        text="High water comes twice a day.",
        title="Tides of the sea",
        author="Ada Lovelace",
        published=datetime(2026, 5, 1, 8, 30, tzinfo=UTC),
        modified=datetime(2026, 5, 2, tzinfo=UTC),
    )


def test_a_pdf_that_says_nothing_of_itself_has_only_text() -> None:
    assert read(pdf(["Größe (5 €)"])) == FileText(text="Größe (5 €)")


@pytest.mark.parametrize(
    "stamp", ["D:20261399", "yesterday", "D:0000", "D:20260501250000", "D:20260501103000+99'99'"]
)
def test_a_date_that_is_none_is_left_out(stamp: str) -> None:
    assert read(pdf(["text"], CreationDate=stamp)).published is None


def test_entries_of_the_outline_become_headings() -> None:
    found = read(
        pdf(
            ["1 Tides", "They rise.", "2 Moons"],
            ["They pull.", "Tides"],
            outline=[("1  Tides", 0), ("2 Moons", 0), ("Not on the page", 1)],
        )
    )
    assert found.text == "# 1 Tides\n\nThey rise.\n\n# 2 Moons\n\nThey pull.\nTides"


def test_a_heading_is_marked_once_and_only_on_its_page() -> None:
    found = read(pdf(["Tides", "Tides"], ["Tides"], outline=[("Tides", 0)]))
    assert found.text.count("# Tides") == 1
    assert found.text.count("Tides") == 3


def test_a_short_line_that_ends_a_sentence_ends_the_paragraph() -> None:
    long = "This is a long line of a paragraph that goes on and on until the right margin"
    found = read(pdf([long, "and ends here.", f"{long}.", long]))
    assert found.text == f"{long}\nand ends here.\n\n{long}.\n{long}"


def test_running_titles_and_page_numbers_are_left_out() -> None:
    texts = [f"Text of part {letter}" for letter in "ABCD"]
    pages = [[f"Harbour Office {n}", text, f"Page {n} of 4"] for n, text in enumerate(texts, 1)]
    text = read(pdf(*pages)).text
    assert text.split("\n") == texts


def test_two_pages_do_not_tell_what_a_running_title_is() -> None:
    assert read(pdf(["Same", "one"], ["Same", "two"])).text.count("Same") == 2


@pytest.mark.parametrize("data", [b"", b"words", b"%PDF-1.7\n", pdf(["text"])[:200], b"\0" * 999])
def test_a_broken_pdf_says_so(data: bytes) -> None:
    assert reason(data) == "a PDF that is broken and cannot be read"


def test_a_pdf_with_a_password_says_so() -> None:
    assert reason(LOCKED_PDF) == "a PDF that needs a password"


def test_scanned_pages_say_what_to_do() -> None:
    assert reason(pdf([], [])) == (
        "a PDF of 2 pages that holds no text, scanned pages perhaps: run an OCR program over it"
    )


def test_a_pdf_without_its_table_is_still_read() -> None:
    data = pdf(["The table of objects is lost."])
    lost = data.replace(b"startxref\n", b"startxref\n9").replace(b"0000000000 65535 f", b"x")
    assert read(lost).text == "The table of objects is lost."


def test_a_pdf_that_takes_too_long_is_given_up() -> None:
    def clock() -> Iterator[float]:
        yield from (0.0, 1.0, 61.0)

    ticks = clock()
    with pytest.raises(ExtractionError, match="longer than 60 s"):
        read_pdf(pdf(["one"], ["two"], ["three"]), URL, lambda: next(ticks))


def test_several_threads_may_read_at_once() -> None:
    files = [pdf([f"Text number {n}."] * 20, Title=str(n)) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, files))
    assert [one.title for one in found] == [str(n) for n in range(16)]
    assert all(f"Text number {n}." in one.text for n, one in enumerate(found))
