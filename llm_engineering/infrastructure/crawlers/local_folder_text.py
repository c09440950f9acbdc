"""What a file of a folder says, and the readers of those that are text already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import yaml

from llm_engineering.domain.errors import ExtractionError
from llm_engineering.infrastructure.crawlers.decoding import decode
from llm_engineering.infrastructure.crawlers.notebook import notebook_text
from llm_engineering.infrastructure.crawlers.xml_reading import instant

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}#[ \t]+(?P<title>.+?)[ \t#]*$", re.M)
_UNDERLINED = re.compile(r"\A\s*(?P<title>\S.*)\n=+[ \t]*$", re.M)
_LONGEST_FRONT_MATTER = 20_000  # characters


@dataclass(frozen=True)
class FileText:
    """The text of a file as Markdown, and what the file says about itself."""

    text: str
    title: str | None = None
    author: str | None = None
    published: datetime | None = None
    modified: datetime | None = None
    language: str | None = None


def read_plain(data: bytes, url: str) -> FileText:
    """Returns a plain text as it is.

    Raises:
        ExtractionError: it is empty or binary.
    """
    text = decode(data).removeprefix("\ufeff").replace("\r\n", "\n")
    if "\0" in text or not text.strip():
        raise ExtractionError(url, "holds no text")
    return FileText(text)


def read_markdown(data: bytes, url: str) -> FileText:
    """Returns Markdown without its front matter, from which title, author and date are taken.

    Raises:
        ExtractionError: it is empty or binary.
    """
    text = read_plain(data, url).text
    found = _FRONT_MATTER.match(text)
    said = _front_matter(found["yaml"]) if found else {}
    body = text[found.end() :].lstrip("\n") if found and said else text
    if not body.strip():
        raise ExtractionError(url, "holds no text")
    heading = _HEADING.search(body) or _UNDERLINED.search(body)
    return FileText(
        text=body,
        title=_line(said.get("title")) or (heading["title"].strip() if heading else None),
        author=_people(said.get("author") or said.get("authors")),
        published=_moment(said.get("date") or said.get("published")),
        modified=_moment(said.get("lastmod") or said.get("updated") or said.get("modified")),
        language=(_line(said.get("lang") or said.get("language")) or "")[:2].lower() or None,
    )


def read_notebook(data: bytes, url: str) -> FileText:
    """Returns the cells of a notebook.

    Raises:
        ExtractionError: it is none, or empty.
    """
    text = notebook_text(decode(data))
    if text is None:
        raise ExtractionError(url, "no Jupyter notebook, or an empty one")
    heading = _HEADING.search(text)
    return FileText(text, title=heading["title"] if heading else None)


def _front_matter(text: str) -> Mapping[str, object]:
    if len(text) > _LONGEST_FRONT_MATTER:
        return {}
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return (
        {str(key).lower(): value for key, value in said.items()} if isinstance(said, dict) else {}
    )


def _line(value: object) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _people(value: object) -> str | None:
    """Returns the first author: a name, or a mapping with one."""
    first = value[0] if isinstance(value, list) and value else value
    return _line(first.get("name")) if isinstance(first, dict) else _line(first)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return instant(value) if isinstance(value, str) else None
