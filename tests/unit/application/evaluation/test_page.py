from xml.etree import ElementTree

from llm_engineering.application.evaluation.page import report_page
from llm_engineering.domain.evaluation import (
    Comparison,
    FoundDocument,
    Interval,
    QaMiss,
    QaReport,
    RetrievalReport,
    SelfQueryMiss,
    SelfQueryReport,
    VariantReport,
    WorstQuestion,
)
from pipelines.steps.evaluation_plots import draw_figures

EVIL = '<script>alert("1")</script>&<img src=x onerror=alert(1)>'


def interval(mean: float) -> Interval:
    return Interval(mean=mean, low=mean - 0.05, high=mean + 0.05)


def variant(name: str, mean: float, scores: tuple[float, ...] = (0.2, 0.9)) -> VariantReport:
    metrics = ("nDCG@10", "MRR@10", "Recall@10", "Recall@100", "MAP")
    found = FoundDocument(id=EVIL, title=EVIL, score=0.5, grade=1, text=EVIL)
    worst = WorstQuestion(id="q7", text=EVIL, score=0.125, found=(found,), expected=(EVIL,))
    return VariantReport(
        variant=name,
        config={"dense_weight": 0.5, "note": EVIL},
        metrics=dict.fromkeys(metrics, interval(mean)),
        cpu_ms={"search": 1.5, "total": 2.25},
        degraded={"rerank": 3},
        relevant_scores=scores,
        other_scores=scores[:1],
        worst=(worst,),
    )


def report(*variants: VariantReport) -> RetrievalReport:
    gain = Comparison(
        variant="hybrid", baseline="bm25", metric="nDCG@10", difference=interval(0.25)
    )
    loss = gain.model_copy(update={"difference": interval(-0.25)})
    none = gain.model_copy(update={"difference": interval(0.01)})
    return RetrievalReport(
        source=EVIL,
        documents=1234,
        chunks=2345,
        questions=50,
        unjudged=2,
        seed=17,
        resamples=2000,
        index_cpu_s={"embed": 12.5},
        variants=variants,
        comparisons=(gain, loss, none),
    )


SELF_QUERY = SelfQueryReport(
    questions=10,
    with_author=6,
    without_filter=4,
    exact=0.9,
    author_exact=0.8,
    invented=0.1,
    recall_at_10=None,
    without_model=1.0,
    misses=(SelfQueryMiss(query=EVIL, expected="none", found=EVIL),),
)


def page(retrieval: RetrievalReport | None, self_query: SelfQueryReport | None = None) -> str:
    return report_page(EVIL, retrieval, self_query, draw_figures(retrieval) if retrieval else {})


def test_nothing_from_outside_becomes_markup() -> None:
    html = page(report(variant("bm25", 0.4), variant("hybrid", 0.6)), SELF_QUERY)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") >= 7
    assert "default-src 'none'" in html


def test_the_page_needs_nothing_else() -> None:
    html = page(report(variant("bm25", 0.4)))
    assert html.count("<svg") == 3
    assert "src=" not in html.replace(EVIL, "").replace("src=x", "")
    assert "<link" not in html


def test_figures_intervals_verdicts_and_costs_are_shown() -> None:
    html = page(report(variant("bm25", 0.4), variant("hybrid", 0.6)))
    assert "0.6000 <small>[0.5500, 0.6500]</small>" in html
    for shown in ("1,234 documents", "50 questions", "2 more", "seed 17", "2.25", "rerank 3 times"):
        assert shown in html
    verdicts = [html.count(f">{one}<") for one in ("better", "worse", "within chance")]
    assert verdicts == [1, 1, 1]
    assert html.index("q7") > html.index("Worst questions of hybrid")


def test_self_query_stands_alone_too() -> None:
    html = page(None, SELF_QUERY)
    assert "80.0%" in html
    assert "unknown" in html
    assert "<svg" not in html


def test_figures_are_well_formed_and_hold_their_labels() -> None:
    figures = draw_figures(report(variant("bm25", 0.4), variant("hybrid+rerank", 0.6)))
    for svg in figures.values():
        ElementTree.fromstring(svg.replace("xlink:href", "href"))  # noqa: S314 - our own
        assert "hybrid+rerank" in svg
    assert "nDCG@10" in next(iter(figures.values()))


def test_scores_that_are_all_equal_or_missing_can_be_drawn() -> None:
    figures = draw_figures(report(variant("bm25", 0.0, (0.5, 0.5)), variant("dense", 0.0, ())))
    assert len(figures) == 3


ANSWERS = QaReport(
    source=EVIL,
    model="local:small",
    prompt="abc",
    questions=60,
    answerable=31,
    seed=17,
    resamples=500,
    contains_gold=interval(0.7),
    citation_right=interval(0.9),
    refusal_precision=interval(0.8),
    refusal_recall=interval(0.75),
    refusal_without_gold=interval(0.95),
    without_gold=31,
    extractive=2,
    missed=14,
    misses=(QaMiss(question=EVIL, expected=EVIL, answer=EVIL),),
)


def test_answers_are_shown_with_their_intervals_and_misses() -> None:
    page = report_page("x", None, None, {}, ANSWERS)
    assert "0.7000 <small>[0.6500, 0.7500]</small>" in page
    assert "refusal recall" in page
    assert "60 questions, 31 of them answerable" in page
    assert "1 of 14, in the order of the file" in page
    assert "<script" not in page
    assert "<img" not in page
