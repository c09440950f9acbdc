"""Jupyter notebooks as Markdown: what people wrote in them, without what the machine printed."""

import json
import re
from collections.abc import Iterator, Mapping

_FENCES = re.compile(r"`{3,}")
_MAGIC = re.compile(r"%%(\w+)")
_CELL_MAGICS = {
    "bash": "bash", "html": "html", "javascript": "javascript", "js": "javascript",
    "latex": "latex", "markdown": "markdown", "perl": "perl", "r": "r", "ruby": "ruby",
    "sh": "bash", "sql": "sql", "writefile": "",
}  # fmt: skip


def notebook_text(text: str) -> str | None:
    """Returns the cells of a notebook (nbformat 3 and 4), None when it is none or empty.

    Markdown cells stay as they are, code cells become fenced code in the notebook's language.
    Outputs, attachments and raw cells are left out.
    """
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(notebook, dict):
        return None
    language = _language(notebook)
    parts = [_cell_text(cell, language) for cell in _cells(notebook)]
    return "\n\n".join(part for part in parts if part) + "\n" if any(parts) else None


def _cells(notebook: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    sheets = notebook.get("worksheets")  # nbformat 3 and older
    holders = [notebook, *(sheets if isinstance(sheets, list) else ())]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        for cell in cells if isinstance(cells, list) else ():
            if isinstance(cell, dict):
                yield cell


def _source(cell: Mapping[str, object]) -> str:
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str)).replace("\r\n", "\n")


def _cell_text(cell: Mapping[str, object], language: str) -> str | None:
    source = _source(cell).strip("\n").rstrip()
    if not source:
        return None
    match cell.get("cell_type"):
        case "code":
            return _fenced(source, _language_of_cell(source, language))
        case "heading":  # nbformat 3
            level = cell.get("level")
            return f"{'#' * (level if isinstance(level, int) else 1)} {source}"
        case "markdown" | "html":
            return source
        case _:
            return None


def _language_of_cell(source: str, language: str) -> str:
    magic = _MAGIC.match(source)
    return _CELL_MAGICS.get(magic[1].lower(), language) if magic else language


def _fenced(code: str, language: str) -> str:
    fence = "`" * (max((len(run) for run in _FENCES.findall(code)), default=2) + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def _language(notebook: Mapping[str, object]) -> str:
    metadata = notebook.get("metadata")
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        holder = metadata.get(part) if isinstance(metadata, dict) else None
        name = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(name, str) and re.fullmatch(r"[\w+#.-]{1,30}", name):
            return name.lower()
    return "python"
