"""DOCX to Markdown: mammoth gives HTML by the document's styles, our own writer the Markdown."""

import io
import zipfile
from collections.abc import Mapping

from lxml import etree, html

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.local_folder_text import FileText
from llm_engineering.infrastructure.crawlers.markdown import to_markdown
from llm_engineering.infrastructure.crawlers.xml_reading import instant

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"  # a .doc, or a .docx with a password
_TEXT_PART = "word/document.xml"
_PROPERTIES = "docProps/core.xml"
_READ = (".xml", ".rels")  # pictures and embedded files are not unpacked


def read_docx(data: bytes, url: str, max_bytes: int = 100_000_000) -> FileText:
    """Returns the text of a DOCX with its headings, lists and tables; pictures are left out.

    Args:
        data: the file.
        url: names it in errors.
        max_bytes: what its XML may weigh when it is unpacked.

    Raises:
        ExtractionError: it is broken, needs a password, is too large unpacked, or has no text.
    """
    if data.startswith(_OLE_MAGIC):
        raise ExtractionError(url, "an old .doc, or a DOCX with a password: save it as plain DOCX")
    try:
        parts = _unpacked(data, url, max_bytes)
        text = _text(parts)
    except ExtractionError:
        raise
    except Exception as error:  # zipfile, zlib, expat and mammoth each fail in their own way
        raise ExtractionError(url, "a DOCX that is broken and cannot be read") from error
    if not text.strip():
        raise ExtractionError(url, "a DOCX without text")
    said = _properties(parts.get(_PROPERTIES, b""))
    return FileText(
        text=text,
        title=said.get("title"),
        author=said.get("creator"),
        published=instant(said.get("created")),
        modified=instant(said.get("modified")),
        language=(said.get("language") or "")[:2].lower() or None,
    )


def _unpacked(data: bytes, url: str, max_bytes: int) -> Mapping[str, bytes]:
    """Returns the XML parts; zipfile reads no more of a part than the size that it declares."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = [info for info in archive.infolist() if info.filename.endswith(_READ)]
        if sum(info.file_size for info in infos) > max_bytes:
            raise ExtractionError(url, f"a DOCX of more than {max_bytes:,} bytes when unpacked")
        if _TEXT_PART not in archive.namelist():
            raise ExtractionError(url, "no DOCX: it holds no text of Word")
        return {info.filename: archive.read(info) for info in infos}


def _text(parts: Mapping[str, bytes]) -> str:
    import mammoth  # noqa: PLC0415 - only who has DOCX loads it

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    packed.seek(0)
    no_images = mammoth.images.img_element(lambda _image: {})
    page = mammoth.convert_to_html(packed, convert_image=no_images).value
    return to_markdown(html.document_fromstring(f"<html><body><main>{page}</main></body></html>"))


def _properties(xml: bytes) -> Mapping[str, str]:
    """Returns what the document says of itself (ECMA-376 part 2, §8.3)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(xml, parser) if xml.strip() else None
    if root is None:
        return {}
    found = {}
    for part in root.iterchildren(tag=etree.Element):
        text = " ".join((part.text or "").split())
        if text:
            found[str(etree.QName(part).localname)] = text
    return found
