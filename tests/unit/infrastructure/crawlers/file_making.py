"""Small PDF and DOCX files, written by hand."""

import base64
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

# A blank page that is encrypted (RC4, 40 bit); the password is "secret".
LOCKED_PDF = zlib.decompress(
    base64.b64decode(
        "eNqNUstu1DAU3fsr7maW1K/rlxTNgrYjIUAdpYUN6sLxYxg0SqqMR2r5SRb8AfwIToASMSyIHMk695zj63O92l5t"
        "XvALSVbfvn/5SjgwGLpPpGkI3Y5DPIU0QoMidF3Ozsc1Wa9J6uPEEQvu3dNDArr1u3Qk9HI49QU4oa/38QgfACux"
        "hfuFVJ5JL33xh2FHfnrA5N0uBPjPswht03E4jaEqaqXS6dsU9/7l8FiPZRds/o2Y1v1kPaba2N/eauH9fmq7BUHo"
        "m9TvykdAVnWAwqHTRrha2OwPpYZCb4vvox8joTfQOJETy4gKfcTgNKJ2MksZmAmdwqysiSHxJLStTJdC8poz43nK"
        "WrJYc6XvqouxwVnFUTIrWeJGB4/ecye9zU6pzvJoFFNaoFbc8I6j7xwmEXMFWF5O53FMmTDQhD1/oJWSCjI8Y7ze"
        "fa70fzDlzjDO7TmmzRkmltoy+v0hjXOst/vPqbZC22EoIOf86as+D8B/7a/qvBqRgzE2Wux0kCZYHevlMFoXebQG"
        "4/p/KHXO130Ynx4KqN+DPhY/ljkQNPWlr65vNuQH/+rDCQ=="
    )
)
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
_STYLES = (
    '<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="heading 2"/></w:style>'
    "</w:styles>"
)


def pdf(
    *pages: Sequence[str],
    outline: Sequence[tuple[str, int]] = (),
    **info: str,
) -> bytes:
    """A PDF whose pages are lines of text; the outline is flat: titles with their pages from 0."""
    first_page = 4
    first_entry = first_page + 2 * len(pages)
    info_number = first_entry + len(outline)
    kids = " ".join(f"{first_page + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /Outlines {info_number + 1} 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
        content = f"BT /F1 11 Tf 14 TL 50 800 Td {shown} ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R"
            f" >> >> /Contents {first_page + 2 * number + 1} 0 R >>"
        )
        objects.append(
            f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream"
        )
    for index, (title, page) in enumerate(outline):
        next_one = f"/Next {first_entry + index + 1} 0 R" if index + 1 < len(outline) else ""
        objects.append(
            f"<< /Title ({_escaped(title)}) /Parent {info_number + 1} 0 R {next_one}"
            f" /Dest [{first_page + 2 * page} 0 R /Fit] >>"
        )
    said = " ".join(f"/{name} ({_escaped(value)})" for name, value in info.items())
    objects.append(f"<< {said} >>")
    last = first_entry + len(outline) - 1
    ends = f"/First {first_entry} 0 R /Last {last} 0 R" if outline else ""
    objects.append(f"<< /Type /Outlines {ends} /Count {len(outline)} >>")
    return _file(objects, info_number)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _file(objects: Sequence[str], info_number: int) -> bytes:
    written = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    start = len(written)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    written += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size "
        f"{len(objects) + 1} /Root 1 0 R /Info {info_number} 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ).encode()
    return bytes(written)


def docx(
    body: str, properties: str = "", more: Mapping[str, bytes] = MappingProxyType({})
) -> bytes:
    """A DOCX with a body of WordprocessingML; `more` are further parts by their name."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:dcterms="http://purl.org/dc/terms/">{properties}</cp:coreProperties>'
    )
    parts: Mapping[str, str | bytes] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELATIONS,
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": _STYLES,
        "docProps/core.xml": core,
        **more,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of WordprocessingML."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"
