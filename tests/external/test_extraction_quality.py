"""Extraction against pages with known text, title, author and date, scored by scripts of others."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.extraction import REFERENCE, _trafilaturas, load, measure
from llm_engineering.infrastructure.crawlers.decoding import decode
from llm_engineering.infrastructure.crawlers.extraction import Extraction, extract
from llm_engineering.infrastructure.crawlers.html_tree import parse

DATA = Path(os.environ.get("LLMP_EVALDATA", Path(__file__).parents[3] / "shared" / "evaldata"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(
        not (DATA / "scripts" / "score_extraction.py").exists(),
        reason=f"no evaluation data at {DATA}",
    ),
]


def scored(script: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(DATA / "scripts" / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert isinstance(figures, dict)
    return figures


def saved(folder: Path, name: str, content: Mapping[str, object]) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_the_text_is_nearer_to_the_truth_than_trafilatura_s_at_less_than_2_5_times_its_cost(
    tmp_path: Path,
) -> None:
    pages = load(DATA / "extraction")
    extractors = {
        "ours": lambda html, url: extract(parse(html, url), url, NOW).text,
        REFERENCE: _trafilaturas()[REFERENCE],
    }
    texts, cpu_s = measure(extractors, pages, 1)
    files = [saved(tmp_path, name.partition(" ")[0], texts[name]) for name in extractors]
    figures = scored(
        "score_extraction.py", DATA / "extraction", *files, "--strip-markdown", "--json"
    )
    assert figures["ours"]["F1"] >= figures["trafilatura"]["F1"] + 0.007
    assert cpu_s["ours"][0] <= 2.5 * cpu_s[REFERENCE][0]


def test_titles_authors_and_dates(tmp_path: Path) -> None:
    folder = DATA / "metadata"
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    found = {
        name: _as_scored(_read(folder / "html" / f"{name}.html.gz", right["url"]))
        for name, right in truth.items()
    }
    figures = scored("score_metadata.py", folder, saved(tmp_path, "found", found))
    assert figures["title"] >= 0.90
    assert figures["author_exact"] >= 0.70
    assert figures["date"] >= 0.88


def _read(file: Path, url: str) -> Extraction:
    return extract(parse(decode(gzip.decompress(file.read_bytes())), url), url, NOW)


def _as_scored(page: Extraction) -> Mapping[str, str | None]:
    date = page.published.isoformat() if page.published else None
    return {"title": page.title, "author": page.author, "date": date, "text": page.text}


def _saved_pages() -> Mapping[str, Mapping[str, str]]:
    file = DATA / "pages" / "expected.json"
    if not file.exists():
        return {}
    expected: Mapping[str, Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return expected


@pytest.mark.parametrize(("name", "expected"), _saved_pages().items())
def test_saved_pages_of_large_sites(name: str, expected: Mapping[str, str]) -> None:
    url = expected.get("url", "https://medium.com/@somebody/something")
    page = _read(DATA / "pages" / f"{name}.gz", url)
    if "title" in expected:
        assert page.title == expected["title"]
    assert expected.get("title_contains", "") in page.title
    assert page.author == expected.get("author", expected.get("owner"))
    if "published" in expected:
        assert page.published is not None
        assert page.published.isoformat()[:10] == expected["published"][:10]
    if "content_starts" in expected:
        assert expected["content_starts"] in page.text.replace("*", "")
