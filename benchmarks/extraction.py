"""Quality and CPU time of our extraction beside other extractors, on the same pages in one run.

    python -m benchmarks.extraction FOLDER --rounds 3 --rival readability --rival resiliparse

FOLDER has `html/<id>.html.gz` and `ground-truth.json`, `{"<id>": {"articleBody": …, "url": …}}`,
as the article extraction benchmark of Scrapinghub. The metric is theirs too: 4-word shingles as
multisets, precision and recall averaged over the pages, F1 of the two. Markdown marks of ours do
not count.

trafilatura is always measured; the other rivals must be installed (`readability-lxml`,
`resiliparse`, `newspaper4k`). All take turns, page by page: a busy machine slows them alike.
"""

import argparse
import gzip
import json
import logging
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llm_engineering.infrastructure.crawlers.decoding import decode
from llm_engineering.infrastructure.crawlers.extraction import extract
from llm_engineering.infrastructure.crawlers.html_tree import parse

Extractor = Callable[[str, str], str]

OURS = "ours"
REFERENCE = "trafilatura precision"
_WORD = re.compile(r"\w+")
_MARKS = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), " "),
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"[*_`#>|]"), " "),
)
_SHINGLE = 4


@dataclass(frozen=True)
class Page:
    """A page and the text that is right for it."""

    name: str
    url: str
    html: str
    text: str


@dataclass(frozen=True)
class Score:
    """Means over the pages, 0 to 1."""

    f1: float
    precision: float
    recall: float


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3, help="of the measurement of time")
    parser.add_argument("--rival", action="append", default=[], choices=sorted(RIVALS))
    arguments = parser.parse_args()
    logging.disable(logging.ERROR)
    pages = load(arguments.folder)
    extractors = {
        OURS: _ours,
        **_trafilaturas(),
        **{name: RIVALS[name]() for name in arguments.rival},
    }
    texts, cpu_s = measure(extractors, pages, arguments.rounds)
    print(f"{len(pages)} pages, {arguments.rounds} rounds")
    for name in extractors:
        report(name, texts, cpu_s, pages)
    difference = score(pages, texts[OURS]).f1 - score(pages, texts[REFERENCE]).f1
    halves = [
        score(pages[half::2], texts[OURS]).f1 - score(pages[half::2], texts[REFERENCE]).f1
        for half in (0, 1)
    ]
    parts = f"even pages {halves[0]:+.4f}, odd {halves[1]:+.4f}"
    print(f"F1 over {REFERENCE}: {difference:+.4f} ({parts})")


def load(folder: Path) -> Sequence[Page]:
    """Returns the pages of a folder of the layout above."""
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    return [
        Page(
            name,
            right.get("url") or "https://page.example/",
            decode(gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())),
            right["articleBody"],
        )
        for name, right in truth.items()
    ]


def measure(
    extractors: Mapping[str, Extractor], pages: Sequence[Page], rounds: int
) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Sequence[float]]]:
    """Returns the texts by extractor and page, and the CPU seconds of all pages in each round."""
    for extractor in extractors.values():  # imports and caches are not part of the work
        extractor(pages[0].html, pages[0].url)
    texts: dict[str, dict[str, str]] = {name: {} for name in extractors}
    cpu_s = {name: [0.0] * rounds for name in extractors}
    for turn in range(rounds):
        for page in pages:
            for name, extractor in extractors.items():
                start = time.process_time()
                texts[name][page.name] = extractor(page.html, page.url)
                cpu_s[name][turn] += time.process_time() - start
    return texts, cpu_s


def report(
    name: str,
    texts: Mapping[str, Mapping[str, str]],
    cpu_s: Mapping[str, Sequence[float]],
    pages: Sequence[Page],
) -> None:
    """Prints one line of figures, and the raw times."""
    found = score(pages, texts[name])
    ratio = statistics.median(cpu_s[name]) / statistics.median(cpu_s[REFERENCE])
    raw = " ".join(f"{seconds:.2f}" for seconds in cpu_s[name])
    print(
        f"{name:24} F1 {found.f1:.4f}  precision {found.precision:.4f}  recall {found.recall:.4f}"
        f"  CPU {statistics.median(cpu_s[name]):.2f} s  ratio {ratio:.2f}  raw {raw}"
    )


def score(pages: Sequence[Page], texts: Mapping[str, str]) -> Score:
    """Returns the metric of the benchmark; pages with an empty text do not count for precision."""
    counted = [(shingles(page.text), shingles(plain(texts[page.name]))) for page in pages]
    common = [(right & found).total() for right, found in counted]
    precisions = [
        same / found.total() for same, (_, found) in zip(common, counted, strict=True) if found
    ]
    recalls = [
        same / right.total() for same, (right, _) in zip(common, counted, strict=True) if right
    ]
    precision = statistics.mean(precisions or [0.0])
    recall = statistics.mean(recalls or [0.0])
    both = precision + recall
    return Score(2 * precision * recall / both if both else 0.0, precision, recall)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Returns the runs of four words of a text, counted; a shorter text is one."""
    words = _WORD.findall(text)
    starts = range(max(1, len(words) - _SHINGLE + 1)) if words else ()
    return Counter(tuple(words[start : start + _SHINGLE]) for start in starts)


def plain(text: str) -> str:
    """Returns a text without the marks of Markdown."""
    for mark, instead in _MARKS:
        text = mark.sub(instead, text)
    return text


def _ours(html: str, url: str) -> str:
    return extract(parse(html, url), url, datetime.now(UTC)).text


def _trafilaturas() -> Mapping[str, Extractor]:
    from trafilatura import extract as other  # noqa: PLC0415 - each rival loads when measured

    return {
        REFERENCE: lambda html, _: other(html, favor_precision=True, include_comments=False) or "",
        "trafilatura": lambda html, _: other(html, include_comments=False) or "",
    }


def _readability() -> Extractor:
    from lxml.html import fromstring  # noqa: PLC0415
    from readability import Document  # noqa: PLC0415

    return lambda html, _: "\n".join(fromstring(Document(html).summary()).itertext())


def _resiliparse() -> Extractor:
    from resiliparse.extract.html2text import extract_plain_text  # noqa: PLC0415

    return lambda html, _: extract_plain_text(html, main_content=True, alt_texts=False)


def _newspaper() -> Extractor:
    from newspaper import Article  # noqa: PLC0415

    def read(html: str, url: str) -> str:
        article = Article(url, fetch_images=False)
        article.download(input_html=html)
        try:
            article.parse()
        except ImportError:  # a language of the page needs more packages
            return ""
        return str(article.text)

    return read


RIVALS: Mapping[str, Callable[[], Extractor]] = {
    "readability": _readability,
    "resiliparse": _resiliparse,
    "newspaper": _newspaper,
}


if __name__ == "__main__":
    main()
