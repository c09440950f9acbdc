"""PDF to Markdown by PDFium, which also reads what strict readers give up on."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.local_folder_text import FileText

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_PDFIUM = threading.Lock()  # it is one library for the process, and not safe in several threads
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD in fpdfview.h
_HYPHEN = "\ufffe"  # how PDFium marks a hyphen at which a word was broken
_WORD = re.compile(r"\w{2,}")
_SPACES = re.compile(r"[ \t\xa0]+")
_DIGITS = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?:…][\"'\u201d\u2019)\]]*$")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_SHORT = 0.8  # of the longest line of a page: where a paragraph may end
_MARGIN_LINES = 2  # at the top and the foot of a page may be running titles
_PAGES_TO_TELL = 3  # what stands there on most of so many pages is one


def read_pdf(
    data: bytes, url: str, monotonic: Callable[[], float], deadline_s: float = 60.0
) -> FileText:
    """Returns the text of a PDF; entries of its outline become headings.

    Args:
        data: the file.
        url: names it in errors.
        monotonic: a clock in seconds.
        deadline_s: it is given up after so long.

    Raises:
        ExtractionError: it is broken, needs a password, holds scanned pages only, or takes long.
    """
    end = monotonic() + deadline_s
    with _PDFIUM:
        document = _opened(data, url)
        try:
            pages = []
            for number in range(len(document)):
                if monotonic() > end:
                    raise ExtractionError(url, f"reading takes longer than {deadline_s:g} s")
                pages.append(_lines_of(document, number))
            outline = _outline(document)
            said = document.get_metadata_dict()
        finally:
            document.close()
    text = _markdown(pages, outline)
    if not _WORD.search(text):
        reason = "holds no text, scanned pages perhaps: run an OCR program over it"
        raise ExtractionError(url, f"a PDF of {len(pages)} pages that {reason}")
    return FileText(
        text=text,
        title=" ".join(said.get("Title", "").split()) or None,
        author=" ".join(said.get("Author", "").split()) or None,
        published=_moment(said.get("CreationDate", "")),
        modified=_moment(said.get("ModDate", "")),
    )


def _opened(data: bytes, url: str) -> "PdfDocument":
    from pypdfium2 import PdfDocument, PdfiumError  # noqa: PLC0415 - only who has PDFs loads it

    try:
        return PdfDocument(data)
    except PdfiumError as error:
        locked = error.err_code == _WRONG_PASSWORD
        reason = "needs a password" if locked else "is broken and cannot be read"
        raise ExtractionError(url, f"a PDF that {reason}") from error


def _lines_of(document: "PdfDocument", number: int) -> Sequence[str]:
    """Returns the lines of a page; one that is broken has none."""
    from pypdfium2 import PdfiumError  # noqa: PLC0415 - as above

    try:
        page = document[number]
        text = page.get_textpage().get_text_bounded(errors="replace")
    except PdfiumError:
        return ()
    text = text.replace(f"{_HYPHEN}\r\n", "").replace(_HYPHEN, "-").replace("\0", "")
    return [_SPACES.sub(" ", line).strip() for line in text.splitlines()]


def _outline(document: "PdfDocument") -> Mapping[int, Sequence[tuple[str, int]]]:
    """Returns title and level (1 to 6) of the entries of the outline by their page."""
    from pypdfium2 import PdfiumError  # noqa: PLC0415 - as above

    entries: dict[int, list[tuple[str, int]]] = {}
    try:
        for bookmark in document.get_toc(max_depth=6):
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                entry = (_key(bookmark.get_title()), bookmark.level + 1)
                entries.setdefault(page, []).append(entry)
    except PdfiumError:  # a broken outline is none
        return entries
    return entries


def _markdown(
    pages: Sequence[Sequence[str]], outline: Mapping[int, Sequence[tuple[str, int]]]
) -> str:
    running = _running_titles(pages)
    parts = []
    for number, lines in enumerate(pages):
        kept = [line for index, line in enumerate(lines) if not _runs(index, lines, running)]
        parts.append("\n".join(_with_headings(kept, outline.get(number, ()))))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip()


def _with_headings(lines: Sequence[str], entries: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yields lines with headings marked and paragraphs set apart."""
    levels = dict(entries)
    longest = max(map(len, lines), default=0)
    for line in lines:
        level = levels.pop(_key(line), None)
        if level is not None:
            yield f"\n{'#' * level} {line}\n"
            continue
        yield line
        if _SENTENCE_END.search(line) and len(line) < _SHORT * longest:
            yield ""


def _key(title: str) -> str:
    return "".join(title.split()).casefold()


def _running_titles(pages: Sequence[Sequence[str]]) -> frozenset[str]:
    """Returns what stands at the top or foot of most pages, page numbers aside."""
    if len(pages) < _PAGES_TO_TELL:
        return frozenset()
    counts = Counter(
        mark
        for lines in pages
        for mark in {_DIGITS.sub("0", line) for line in _margins(lines) if line}
    )
    return frozenset(mark for mark, count in counts.items() if 2 * count > len(pages))


def _margins(lines: Sequence[str]) -> Sequence[str]:
    return [*lines[:_MARGIN_LINES], *lines[-_MARGIN_LINES:]]


def _runs(index: int, lines: Sequence[str], running: frozenset[str]) -> bool:
    margin = index < _MARGIN_LINES or index >= len(lines) - _MARGIN_LINES
    return margin and _DIGITS.sub("0", lines[index]) in running


def _moment(stamp: str) -> datetime | None:
    """Returns a date of a PDF (ISO 32000-1 §7.9.4); without a zone it is read as UTC."""
    found = _DATE.match(stamp)
    if not found:
        return None
    numbers = [int(part) if part else None for part in found.groups()[:6]]
    year, month, day, hour, minute, second = numbers
    ahead = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    try:
        zone = timezone(-ahead if found[8] == "-" else ahead)
        date = datetime(year or 0, month or 1, day or 1, tzinfo=zone)
        local = date.replace(hour=hour or 0, minute=minute or 0, second=second or 0)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
