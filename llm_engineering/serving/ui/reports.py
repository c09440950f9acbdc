"""Why a document was not found, and what answers, as HTML."""

from collections.abc import Sequence
from html import escape

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.serving.ui.markup import link_to, text_html


def explanation_html(explanation: Explanation) -> str:
    """Returns the fate of a document, stage by stage."""
    tone = "good" if explanation.fate is Fate.FOUND else "poor"
    rows = "".join(_stage(stage) for stage in explanation.stages)
    table = (
        "<table><thead><tr><th>stage</th><th>rank</th><th>of</th><th>score</th><th></th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
        if rows
        else ""
    )
    return (
        f'<article class="why"><p><span class="badge {tone}">{escape(explanation.fate.value)}'
        f"</span> {text_html(explanation.reason)}</p>"
        f"<p>{link_to(explanation.url, explanation.url)}</p>{table}{_notes(explanation)}</article>"
    )


def _stage(stage: StageReport) -> str:
    rank = "-" if stage.rank is None else str(stage.rank)
    score = "-" if stage.score is None else f"{stage.score:.3f}"
    cells = (stage.stage, rank, str(stage.of or "-"), score, stage.note or "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _notes(explanation: Explanation) -> str:
    notes = {
        "In force": explanation.filters.restricted,
        "Given up, because nothing met them": explanation.relaxed,
        "Left out": explanation.degraded,
    }
    told = [f"{name}: {escape(', '.join(what))}" for name, what in notes.items() if what]
    return f'<p class="facts">{"".join(f"<span>{each}</span>" for each in told)}</p>'


def status_html(release: str, generations: Sequence[GenerationStatus]) -> str:
    """Returns what answers now; no generations where the caller may not know of them."""
    live = next((each for each in generations if each.live), None)
    facts = {"Release": release}
    if live:
        facts["Index"] = live.generation.name
        facts["Passages"] = f"{live.chunks:,}"
        facts["Generations"] = str(len(generations))
    elif generations:
        facts["Index"] = "none is live"
    rows = "".join(f"<dt>{name}</dt><dd>{escape(told)}</dd>" for name, told in facts.items())
    return f'<dl class="status">{rows}</dl>'


def problem_html(problem: str) -> str:
    """Returns a problem, for people."""
    return f'<p class="problem" role="alert">{text_html(problem)}</p>'
