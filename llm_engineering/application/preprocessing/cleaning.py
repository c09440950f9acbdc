"""Cleaning: what no reader would miss goes, everything else stays as it was written."""

import re
import unicodedata
from collections.abc import Iterator

from llm_engineering.domain.cleaned_documents import CLEANED_TYPES, CleanedDocument
from llm_engineering.domain.documents import Document
from llm_engineering.domain.ids import fingerprint

CLEANER = fingerprint("cleaner-2")  # changes when a rule below does

_LINE_ENDS = re.compile("\r\n?")
_PAGE_BREAKS = re.compile("[\v\f\x85\u2028\u2029]")
# controls but tab and newline, lone surrogates, direction overrides, tags: unseen by a reader,
# and used to hide instructions from one
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"
    "\U000e0000-\U000e007f]"
)
# soft hyphen, zero-width space, word joiner, byte order mark; the two zero-width joiners stay,
# since emoji and several scripts need them
_ZERO_WIDTH = re.compile("[\xad\u200b\u2060\ufeff]")
# what it points to is for the reader of the page; in an index it is noise, and in a prompt a risk
_LINK = re.compile(r"(?<![!\\])\[([^\[\]\n]+)\]\(https?://[^()\s]*\)")
_NO_ADDRESS = re.compile(r"(?<!\S)(?!\S*://)\S+")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")
_MOST_BLANK_LINES = 2


def clean_prose(text: str) -> str:
    """Returns Markdown in NFC, without invisible characters, trailing space and long gaps.

    Links become their text. Addresses in the text, indentation and line breaks stay; in fenced
    code only line ends and unseen characters change.
    """
    text = _UNSEEN.sub("", _PAGE_BREAKS.sub("\n", _LINE_ENDS.sub("\n", text)))
    return "\n".join(_without_gaps(text.split("\n"))).strip("\n")


def clean_code(text: str) -> str:
    """Returns a file with line feeds only and without unseen characters; nothing else changes."""
    return _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)).removeprefix("\ufeff")


def clean_document(document: Document) -> CleanedDocument:
    """Returns a page or post with cleaned text and a cleaned title."""
    return _cleaned(document, clean_prose(document.content))


def clean_repository_file(document: Document) -> CleanedDocument:
    """Returns a repository file with its text as it is, line ends and controls aside."""
    return _cleaned(document, clean_code(document.content))


def _cleaned(document: Document, content: str) -> CleanedDocument:
    kind = CLEANED_TYPES[document.category]
    known = document.model_dump(include=set(kind.model_fields))
    known |= {
        "document_id": document.id,
        "title": " ".join(clean_prose(document.title).split()),
        "content": content,
        "cleaner": CLEANER,
    }
    return kind.model_validate(known)


def _without_gaps(lines: list[str]) -> Iterator[str]:
    """Yields the lines cleaned; of a run of blank lines outside code, the first two."""
    fence = ""
    blank = 0
    for line in lines:
        fence, was_open = fence_after(line, fence), bool(fence)
        kept = line if fence and was_open else _clean_line(line)
        blank = 0 if fence or kept else blank + 1
        if blank <= _MOST_BLANK_LINES:
            yield kept


def fence_after(line: str, fence: str) -> str:
    """Returns the fence that is open after a line: its mark, or "" (CommonMark 0.31, 4.5)."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    mark = match["mark"]
    if not fence:
        inline = mark[0] == "`" and "`" in line[match.end() :]
        return "" if inline else mark
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and not line[match.end() :].strip()
    return "" if closes else fence


def _clean_line(line: str) -> str:
    line = _LINK.sub(r"\1", _ZERO_WIDTH.sub("", line)).rstrip()
    if unicodedata.is_normalized("NFC", line):
        return line
    return _NO_ADDRESS.sub(lambda word: unicodedata.normalize("NFC", word[0]), line)
