from rich.console import Console

from llm_engineering.application.evaluation.tuning import Trial, TuneReport
from llm_engineering.domain.evaluation import Comparison, EvaluationReport, Interval
from tests.unit.application.evaluation.test_page import ANSWERS, SELF_QUERY, report, variant
from tools.evaluation import (
    answer_table,
    difference_table,
    evaluation_line,
    quality_table,
    self_query_table,
    trial_table,
    tune_line,
)

RETRIEVAL = report(variant("bm25", 0.4), variant("hybrid+rerank", 0.6)).model_copy(
    update={"source": "harbour"}
)
SETTING = {"chunk_tokens": 220.0, "candidates": 100.0, "dense_weight": 0.6, "rerank": 0.0}


def shown(table: object) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def tuned(*, changed: bool) -> TuneReport:
    gain = Interval(mean=0.02, low=0.01 if changed else -0.01, high=0.03)
    return TuneReport(
        source="harbour",
        development_questions=10,
        held_out_questions=12,
        seed=17,
        default=SETTING,
        chosen=SETTING,
        trials=(Trial(setting=SETTING, development=0.4321),),
        held_out=Comparison(variant="tuned", baseline="default", metric="nDCG@10", difference=gain),
        default_held_out=0.41,
        changed=changed,
        written=("configs/rag.yaml",) if changed else (),
    )


def test_the_table_of_variants_fits_eighty_columns() -> None:
    text = shown(quality_table(RETRIEVAL))
    assert "hybrid+rerank" in text
    assert "0.550-0.650" in text
    assert "…" not in text


def test_differences_are_judged() -> None:
    text = shown(difference_table(RETRIEVAL))
    assert [text.count(word) for word in ("better", "worse", "within chance")] == [1, 1, 1]
    assert "+0.2500" in text


def test_the_line_names_the_best_and_the_seed() -> None:
    both = EvaluationReport(
        retrieval=RETRIEVAL, self_query=SELF_QUERY, html="r.html", tracked_at="x"
    )
    assert evaluation_line(both) == (
        "harbour: 50 questions on 1,234 documents; best hybrid+rerank, nDCG@10 0.6000 (seed 17); "
        "self-query: 90.0% exact, author 80.0%, invented 10.0%, 100.0% without the model"
    )


def test_misses_of_self_query_are_listed() -> None:
    assert "alert" in shown(self_query_table(SELF_QUERY))


def test_trials_are_listed() -> None:
    assert "0.4321" in shown(trial_table(tuned(changed=True)))


def test_tuning_says_whether_the_best_was_taken() -> None:
    assert tune_line(tuned(changed=True)).endswith("over 0.4100: taken; wrote configs/rag.yaml")
    assert tune_line(tuned(changed=False)).endswith("not clearly better, the default stays")


def test_answers_are_a_table_and_a_line() -> None:
    qa = ANSWERS.model_copy(update={"source": "harbour"})
    text = shown(answer_table(qa))
    assert "refused without the gold passage" in text
    assert "0.750" in text
    assert "0.700-0.800" in text
    line = evaluation_line(EvaluationReport(answers=qa, html="r.html", tracked_at="x"))
    assert line == (
        "harbour: 60 questions answered by local:small, 31 answerable: 70.0% right, 90.0% of the "
        "citations; refusals 80.0% precise, 75.0% of the unanswerable (seed 17)"
    )


def test_answers_without_the_model_are_named() -> None:
    failed = ANSWERS.model_copy(update={"without_model": 3})
    line = evaluation_line(EvaluationReport(answers=failed, html="r.html", tracked_at="x"))
    assert line.endswith("(seed 17); 3 times without the model")
