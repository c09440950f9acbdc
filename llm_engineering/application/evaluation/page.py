"""The report of an evaluation as one HTML page that needs nothing else."""

from collections.abc import Mapping, Sequence
from html import escape

from llm_engineering.application.evaluation.metrics import METRICS
from llm_engineering.domain.evaluation import (
    Comparison,
    Interval,
    QaReport,
    RetrievalReport,
    SelfQueryReport,
    VariantReport,
    WorstQuestion,
)

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto;padding:0 1rem;
 color:#1c2733}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #d5dbe1;padding-bottom:.2rem}
table{border-collapse:collapse;margin:.8rem 0}
th,td{padding:.25rem .7rem;border-bottom:1px solid #e3e8ed;vertical-align:top}
th{background:#f3f6f8;text-align:left}td.n,th.n{text-align:right;white-space:nowrap}
figure{margin:1rem 0}figure svg{max-width:100%;height:auto}
small,.dim{color:#66727e}.good{color:#0a6b3a}.bad{color:#a32121}
details{margin:.5rem 0;border:1px solid #d5dbe1;border-radius:6px;padding:.5rem .9rem}
summary{cursor:pointer;overflow-wrap:anywhere}td{overflow-wrap:anywhere}
pre{background:#f3f6f8;padding:.8rem;overflow-x:auto}
"""


def report_page(
    title: str,
    retrieval: RetrievalReport | None,
    self_query: SelfQueryReport | None,
    figures: Mapping[str, str],
    answers: QaReport | None = None,
) -> str:
    """Returns the page. `figures` maps captions to SVG elements of our own making.

    Everything that came from a corpus or a question is escaped; the page runs no script.
    """
    parts = [f"<h1>{escape(title)}</h1>"]
    if retrieval:
        parts += _retrieval_parts(retrieval, figures)
    if self_query:
        parts += _self_query_parts(self_query)
    if answers:
        parts += _answer_parts(answers)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _retrieval_parts(report: RetrievalReport, figures: Mapping[str, str]) -> list[str]:
    costs = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.index_cpu_s.items())
    unjudged = f" ({report.unjudged:,} more without a judgement)" if report.unjudged else ""
    return [
        f"<p>{escape(report.source)}: {report.documents:,} documents, {report.chunks:,} chunks, "
        f"{report.questions:,} questions{unjudged}. Intervals are 95 %: {report.resamples:,} "
        f"bootstrap resamples of the questions, seed {report.seed}.</p>",
        f"<p class=dim>Indexing, CPU seconds: {escape(costs)}</p>" if costs else "",
        "<h2>Quality</h2>",
        _quality_table(report.variants),
        *(
            f"<figure>{svg}<figcaption class=dim>{escape(caption)}</figcaption></figure>"
            for caption, svg in figures.items()
        ),
        "<h2>Differences</h2>",
        _comparison_table(report.comparisons),
        "<h2>Cost of a question</h2>",
        _cost_table(report.variants),
        *_worst_parts(report.variants),
        "<h2>Configurations</h2>",
        *(_configuration(variant) for variant in report.variants),
    ]


def _quality_table(variants: Sequence[VariantReport]) -> str:
    head = ["variant", *METRICS]
    rows = [
        [escape(one.variant), *(_interval(one.metrics[name]) for name in METRICS)]
        for one in variants
    ]
    return _table(head, rows)


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.4f} <small>[{interval.low:.4f}, {interval.high:.4f}]</small>"


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return "<p class=dim>One variant alone: nothing to compare.</p>"
    rows = [
        [
            f"{escape(one.variant)} &minus; {escape(one.baseline)}",
            f"{one.difference.mean:+.4f} <small>[{one.difference.low:+.4f}, "
            f"{one.difference.high:+.4f}]</small>",
            _verdict(one),
        ]
        for one in comparisons
    ]
    return _table(["nDCG@10", "difference", ""], rows)


def _verdict(one: Comparison) -> str:
    if not one.significant:
        return "<span class=dim>within chance</span>"
    better = one.difference.mean > 0
    return "<span class=good>better</span>" if better else "<span class=bad>worse</span>"


def _cost_table(variants: Sequence[VariantReport]) -> str:
    stages = list(dict.fromkeys(stage for one in variants for stage in one.cpu_ms))
    rows = [
        [
            escape(one.variant),
            *(f"{one.cpu_ms[stage]:.2f}" if stage in one.cpu_ms else "" for stage in stages),
            escape(_left_out(one)),
        ]
        for one in variants
    ]
    return "<p class=dim>Median milliseconds of CPU.</p>" + _table(
        ["variant", *map(escape, stages), "reranker; stages left out"], rows
    )


def _left_out(one: VariantReport) -> str:
    missing = ", ".join(f"{stage} {count} times" for stage, count in one.degraded.items())
    return "; ".join(filter(None, (one.reranker or "none", missing)))


def _worst_parts(variants: Sequence[VariantReport]) -> list[str]:
    last = variants[-1]
    if not last.worst:
        return []
    heading = f"<h2>Worst questions of {escape(last.variant)}, and what they found</h2>"
    return [heading, *map(_worst, last.worst)]


def _worst(one: WorstQuestion) -> str:
    rows = [
        [
            str(rank),
            f"{found.score:.4f}",
            f"<b>{found.grade}</b>" if found.grade else "",
            f"<b>{escape(found.title)}</b> <small>{escape(found.id)}</small><br>"
            f"<span class=dim>{escape(found.text)}</span>",
        ]
        for rank, found in enumerate(one.found, start=1)
    ]
    shown = ", ".join(one.expected[:20])
    return (
        f"<details><summary><b>{one.score:.3f}</b> {escape(one.text)} "
        f"<small>{escape(one.id)}</small></summary>"
        f"<p class=dim>Relevant: {escape(shown)}</p>"
        f"{_table(['rank', 'score', 'grade', 'found'], rows)}</details>"
    )


def _configuration(variant: VariantReport) -> str:
    lines = "\n".join(f"{key}: {value}" for key, value in variant.config.items())
    return (
        f"<details><summary>{escape(variant.variant)}</summary><pre>{escape(lines)}</pre></details>"
    )


def _self_query_parts(report: SelfQueryReport) -> list[str]:
    recall = "unknown" if report.recall_at_10 is None else f"{report.recall_at_10:.1%}"
    figures = [
        ["questions", f"{report.questions:,}"],
        ["all filters exactly right", f"{report.exact:.1%}"],
        [
            f"author exactly right, of {report.with_author:,} that name one",
            f"{report.author_exact:.1%}",
        ],
        [f"filter invented, of {report.without_filter:,} without one", f"{report.invented:.1%}"],
        ["recall@10 where an author is asked for", recall],
        ["answered without the chat model", f"{report.without_model:.1%}"],
    ]
    misses = [list(map(escape, (one.query, one.expected, one.found))) for one in report.misses]
    return [
        "<h2>Filters read out of questions</h2>",
        _table(["", "share"], figures),
        _table(["question", "expected", "found"], misses) if misses else "",
    ]


def _answer_parts(report: QaReport) -> list[str]:
    shares = [[name, _interval(interval)] for name, interval in report.shares.items()]
    misses = [list(map(escape, (one.question, one.expected, one.answer))) for one in report.misses]
    return [
        "<h2>Answers</h2>",
        f"<p>{escape(report.source)}: {report.questions:,} questions, {report.answerable:,} of "
        f"them answerable, asked again without their gold passage: {report.without_gold:,}. "
        f"{escape(report.model)}, prompt {escape(report.prompt)}; quotations instead of its words: "
        f"{report.extractive:,}; questions that it failed: {report.without_model:,}. Intervals are "
        f"95 %: {report.resamples:,} bootstrap resamples of the questions, seed {report.seed}.</p>",
        _table(["", "share"], shares),
        f"<h2>Misses</h2><p class=dim>{len(misses):,} of {report.missed:,}, in the order of the "
        "file.</p>"
        if misses
        else "",
        _table(["question", "expected", "answer"], misses) if misses else "",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
