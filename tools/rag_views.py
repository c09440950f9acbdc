"""What was found, and why not, for people to read."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from llm_engineering.domain.explanations import Explanation, Fate
from llm_engineering.domain.queries import Retrieval, ScoredChunk
from tools.console import print_result

NEXT = {
    Fate.FOUND: 'poe ask "…"',
    Fate.UNKNOWN: "poe run-etl --link URL, then poe run-feature",
    Fate.TOMBSTONED: "nothing: it was forgotten on purpose",
    Fate.GONE: "poe run-etl --link URL, if the page is back",
    Fate.DUPLICATE: "poe explain with the URL of the other document",
    Fate.NOT_INDEXED: "poe run-feature",
    Fate.FILTERED: "ask without the restriction",
    Fate.OUTSIDE_CANDIDATES: "raise candidates in configs/rag.yaml, or ask in other words",
    Fate.REPEATED: "poe explain with the URL of the other document",
    Fate.RERANKED_BELOW: "raise --top-k, or rerank.first_stage_weight in configs/rag.yaml",
    Fate.BELOW_K: "raise --top-k",
}


def show_passages(console: Console, found: Retrieval) -> None:
    """Prints the passages, and what was read out of the question to find them."""
    for n, item in enumerate(found.passages, start=1):
        _print_passage(console, n, item)
    for line in notes(found.relaxed, tuple(found.degraded)):
        console.print(Text(line, style="yellow"))
    named = found.found_filters.restricted
    restricted = f", restricted by the question's {', '.join(named)}" if named else ""
    reranked = f", reranked by {found.reranker}" if found.reranker else ""
    seconds = found.timings_ms["total"] / 1000
    line = f"{len(found.passages)} passages in {seconds:.2f} s{restricted}{reranked}"
    print_result(line, 'poe explain "…" --document URL says why a page is not among them')


def show_explanation(console: Console, found: Explanation) -> None:
    """Prints a row a stage, and the reason."""
    if found.stages:
        table = Table("stage", "rank", "of", "score", "")
        for stage in found.stages:
            score = "" if stage.score is None else f"{stage.score:.3f}"
            rank = "out" if stage.rank is None else str(stage.rank)
            table.add_row(stage.stage, rank, str(stage.of), score, stage.note or "")
        console.print(table)
    for line in notes(found.relaxed, found.degraded):
        console.print(Text(line, style="yellow"))
    print_result(f"{found.fate.value}: {found.reason}", NEXT[found.fate])


def notes(relaxed: Sequence[str], degraded: Sequence[str]) -> list[str]:
    """Returns what a reader should know of how passages were found."""
    lines = []
    if relaxed:
        names = ", ".join(relaxed)
        lines.append(f"Nothing met what the question says of {names}: searched without it.")
    if degraded:
        lines.append(f"Left out, because it failed or was late: {', '.join(degraded)}.")
    return lines


def _print_passage(console: Console, n: int, found: ScoredChunk) -> None:
    scores = "  ".join(f"{stage} {value:.3f}" for stage, value in found.scores.items())
    headings = " > ".join(found.chunk.heading_path)
    console.print(Text(f"[{n}] {found.chunk.title}  {headings}", style="bold"))
    console.print(Text(f"    {found.chunk.url}\n    {scores}", style="cyan"))
    console.print(Text(f"    {' '.join(found.chunk.text.split())[:300]}\n"))
