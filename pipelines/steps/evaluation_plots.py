"""Draws the figures of an evaluation as SVG."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from llm_engineering.application.evaluation.metrics import METRICS
from llm_engineering.domain.evaluation import RetrievalReport, VariantReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#7d8fa3", "#4c8fbd", "#2f6f4f", "#c07a2c", "#8a4f9e")
_BINS = 24


def draw_figures(report: RetrievalReport) -> dict[str, str]:
    """Returns captions with their figures as SVG elements."""
    variants = report.variants
    return {
        "Quality by variant, with 95 % intervals": _svg(_quality(variants)),
        "CPU of a question by stage (median)": _svg(_latency(variants)),
        "Scores of the first ten, by judgement": _svg(_histograms(variants)),
    }


def _figure(width: float, height: float, columns: int = 1) -> "tuple[Figure, Sequence[Axes]]":
    from matplotlib.figure import Figure  # noqa: PLC0415 - a second to import

    figure = Figure(figsize=(width, height), layout="constrained")  # no pyplot: no state
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _quality(variants: Sequence[VariantReport]) -> "Figure":
    figure, (axes,) = _figure(10, 4.2)
    width = 0.8 / len(variants)
    for place, one in enumerate(variants):
        intervals = [one.metrics[name] for name in METRICS]
        means = [interval.mean for interval in intervals]
        errors = [
            [interval.mean - interval.low for interval in intervals],
            [interval.high - interval.mean for interval in intervals],
        ]
        at = [group + (place - (len(variants) - 1) / 2) * width for group in range(len(METRICS))]
        colour = _COLOURS[place % len(_COLOURS)]
        axes.bar(at, means, width * 0.92, yerr=errors, label=one.variant, color=colour, capsize=2)
    axes.set_xticks(range(len(METRICS)), METRICS)
    axes.set_ylim(0, 1)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=len(variants), loc="upper left", frameon=False)
    return figure


def _latency(variants: Sequence[VariantReport]) -> "Figure":
    stages = list(dict.fromkeys(s for one in variants for s in one.cpu_ms if s != "total"))
    figure, (axes,) = _figure(10, 0.5 * len(variants) + 1.4)
    names = [one.variant for one in variants]
    left = [0.0] * len(variants)
    for place, stage in enumerate(stages):
        costs = [one.cpu_ms.get(stage, 0.0) for one in variants]
        axes.barh(names, costs, left=left, label=stage, color=_COLOURS[place % len(_COLOURS)])
        left = [before + cost for before, cost in zip(left, costs, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds of CPU")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    if stages:
        axes.legend(ncols=len(stages), loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def _histograms(variants: Sequence[VariantReport]) -> "Figure":
    figure, every = _figure(10, 2.9, len(variants))
    for axes, one in zip(every, variants, strict=True):
        scores = [list(one.relevant_scores), list(one.other_scores)]
        low, high = _span([*scores[0], *scores[1]])
        labels, colours = ["relevant", "other"], [_COLOURS[2], "#c5cdd5"]
        axes.hist(scores, bins=_BINS, range=(low, high), label=labels, color=colours, stacked=True)
        axes.set_title(one.variant, fontsize=10)
        axes.set_xlabel("score")
    every[0].set_ylabel("documents")
    every[0].legend(frameon=False, fontsize=8)
    return figure


def _span(scores: Sequence[float]) -> tuple[float, float]:
    low, high = min(scores, default=0.0), max(scores, default=1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _svg(figure: "Figure") -> str:
    """Returns the figure as an element of a page: no declaration, text as text, no metadata."""
    from matplotlib import rc_context  # noqa: PLC0415 - as above

    written = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "evaluation"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg[svg.index("<svg") :].strip()
