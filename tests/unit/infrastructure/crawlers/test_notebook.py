"""Notebooks as Markdown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.infrastructure.crawlers.notebook import notebook_text


def notebook(*cells: object, **metadata: object) -> str:
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4})


def cell(kind: str, source: object, **more: object) -> dict[str, object]:
    return {"cell_type": kind, "source": source, **more}


def test_markdown_stays_code_is_fenced_and_outputs_go() -> None:
    text = notebook(
        cell("markdown", ["# Tides\n", "\n", "of *today*\n"], attachments={"a.png": {}}),
        cell("code", ["x = 1\n", "\n", "\tprint(x)"], outputs=[{"text": "1"}], execution_count=3),
        cell("raw", "left out"),
        cell("markdown", "\n\n"),
    )
    assert notebook_text(text) == "# Tides\n\nof *today*\n\n```python\nx = 1\n\n\tprint(x)\n```\n"


def test_the_language_is_the_notebooks_or_the_cells() -> None:
    text = notebook(
        cell("code", "x <- 1"),
        cell("code", "%%bash\nls"),
        cell("code", "%%time\ny <- 2"),
        language_info={"name": "R"},
    )
    result = notebook_text(text)
    assert result is not None
    assert result.startswith("```r\nx <- 1\n```")
    assert "```bash\n%%bash\nls\n```" in result
    assert "```r\n%%time" in result


@pytest.mark.parametrize("name", ["", "a b", "`x`", 7, None])
def test_a_language_that_is_none_is_python(name: object) -> None:
    result = notebook_text(notebook(cell("code", "1"), kernelspec={"language": name}))
    assert result == "```python\n1\n```\n"


def test_fences_in_code_do_not_end_the_block() -> None:
    code = 'text = """\n```\n````\n"""'
    assert notebook_text(notebook(cell("code", code))) == f"`````python\n{code}\n`````\n"


def test_the_third_format_is_read() -> None:
    sheet = {
        "cells": [
            {"cell_type": "heading", "level": 2, "source": "Tides"},
            {"cell_type": "code", "input": ["x = 1"], "language": "python"},
        ]
    }
    text = json.dumps({"nbformat": 3, "worksheets": [sheet]})
    assert notebook_text(text) == "## Tides\n\n```python\nx = 1\n```\n"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "{}", '{"cells": 7}', '{"cells": [7]}', '{"cells": [{}]}', "[" * 100_000],
)
def test_what_is_no_notebook_has_no_text(text: str) -> None:
    assert notebook_text(text) is None


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                     lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))  # fmt: skip


@given(st.sampled_from(["code", "markdown", "heading", "raw", None]), _JSON, _JSON)
def test_no_cell_makes_it_fail(kind: str | None, source: object, metadata: object) -> None:
    cells = [{"cell_type": kind, "source": source, "level": source}, source]
    result = notebook_text(json.dumps({"cells": cells, "metadata": metadata}))
    assert result is None or result.strip()
