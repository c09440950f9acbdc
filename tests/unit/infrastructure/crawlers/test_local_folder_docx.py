"""DOCX to Markdown."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.local_folder_docx import read_docx
from llm_engineering.infrastructure.crawlers.local_folder_text import FileText
from tests.unit.infrastructure.crawlers.file_making import docx, paragraph

URL = "file:///papers/tides.docx"
TABLE = (
    "<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    "<w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>"
)


def reason(data: bytes, max_bytes: int = 1_000_000) -> str:
    with pytest.raises(ExtractionError) as failed:
        read_docx(data, URL, max_bytes)
    assert failed.value.url == URL
    return failed.value.reason


def test_headings_text_and_properties_of_a_docx() -> None:
    found = read_docx(
        docx(
            paragraph("Tides", "Heading1")
            + paragraph("They &lt;rise&gt; twice.")
            + paragraph("Moons", "Heading2")
            + paragraph("They pull."),
            "<dc:title> Tides of  the sea </dc:title><dc:creator>Ada Lovelace</dc:creator>"
            "<dcterms:created>2026-05-01T08:30:00Z</dcterms:created>"
            "<dcterms:modified>2026-05-02T00:00:00Z</dcterms:modified>"
            "<dc:language>en-GB</dc:language>",
        ),
        URL,
    )
    assert found == FileText(
        text="# Tides\n\nThey <rise> twice.\n\n## Moons\n\nThey pull.",
        title="Tides of the sea",
        author="Ada Lovelace",
        published=datetime(2026, 5, 1, 8, 30, tzinfo=UTC),
        modified=datetime(2026, 5, 2, tzinfo=UTC),
        language="en",
    )


def test_a_table_keeps_its_cells() -> None:
    cells = [paragraph(text) for text in ("Port", "Height", "Dover", "6.2")]
    text = read_docx(docx(TABLE.format(*cells)), URL).text
    for cell in ("Port", "Height", "Dover", "6.2"):
        assert cell in text
    assert "|" in text


def test_a_docx_that_says_nothing_of_itself_has_only_text() -> None:
    assert read_docx(docx(paragraph("Text.")), URL) == FileText(text="Text.")


@pytest.mark.parametrize("properties", ["<broken", "&bomb;", "<dc:title/>"])
def test_broken_properties_are_none(properties: str) -> None:
    assert read_docx(docx(paragraph("Text."), properties), URL).title is None


@pytest.mark.parametrize(
    "data", [b"", b"words", docx(paragraph("a"))[:300], b"PK\3\4" + b"\0" * 99]
)
def test_a_broken_docx_says_so(data: bytes) -> None:
    assert reason(data) == "a DOCX that is broken and cannot be read"


def test_broken_xml_inside_says_so() -> None:
    assert "broken" in reason(docx("<w:p><w:r>"))


def test_an_old_or_locked_file_says_what_to_do() -> None:
    assert "save it as plain DOCX" in reason(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 999)


def test_another_zip_is_no_docx() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    assert reason(packed.getvalue()) == "no DOCX: it holds no text of Word"


def test_a_docx_without_text_says_so() -> None:
    assert reason(docx(paragraph(""))) == "a DOCX without text"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = docx(paragraph("a"), more={"word/more.xml": b" " * 5_000_000})
    assert len(bomb) < 20_000
    assert reason(bomb) == "a DOCX of more than 1,000,000 bytes when unpacked"


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_says() -> None:
    bomb = bytearray(docx(paragraph("a" * 5_000_000)))
    size = next(
        info.file_size
        for info in zipfile.ZipFile(io.BytesIO(bomb)).infolist()
        if info.filename == "word/document.xml"
    )
    lying = bytes(bomb).replace(size.to_bytes(4, "little"), (999).to_bytes(4, "little"))
    assert lying != bytes(bomb)
    assert "broken" in reason(lying)


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><d>&b;</d>'
    body = docx("", more={"word/document.xml": bomb})
    with pytest.raises(ExtractionError) as failed:
        read_docx(body, URL)
    assert "lol" not in str(failed.value)


def test_a_picture_that_lies_outside_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG canary")
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="p1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        f'relationships/image" Target="{secret.as_uri()}" TargetMode="External"/></Relationships>'
    ).encode()
    picture = (
        '<w:p><w:r><w:t>Text.</w:t></w:r><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.'
        'openxmlformats.org/drawingml/2006/wordprocessingDrawing"><a:graphic xmlns:a="http://'
        'schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData><pic:pic xmlns:pic="http:'
        '//schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill><a:blip xmlns:r="http:'
        '//schemas.openxmlformats.org/officeDocument/2006/relationships" r:link="p1"/>'
        "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    found = read_docx(docx(picture, more={"word/_rels/document.xml.rels": relations}), URL)
    assert found.text == "Text."
