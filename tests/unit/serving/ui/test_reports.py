"""Explanations and the status as HTML."""

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.serving.ui.reports import explanation_html, problem_html, status_html
from tests.builders import make_generation
from tests.unit.serving.ui.exchanges import HOSTILE


def test_an_explanation_goes_stage_by_stage() -> None:
    html = explanation_html(
        Explanation(
            url="https://example.org/a",
            fate=Fate.BELOW_K,
            reason="it is number 9",
            stages=(
                StageReport(stage="dense", rank=12, of=64, score=0.4127),
                StageReport(stage="sparse", of=64, note="no word in common"),
            ),
            filters=SearchFilters(authors=("Ada",)),
            relaxed=("platforms",),
            degraded=("rerank",),
        )
    )
    assert '<span class="badge poor">below k</span> it is number 9' in html
    assert "<td>dense</td><td>12</td><td>64</td><td>0.413</td><td></td>" in html
    assert "<td>sparse</td><td>-</td><td>64</td><td>-</td><td>no word in common</td>" in html
    assert "In force: authors" in html
    assert "nothing met them: platforms" in html
    assert "Left out: rerank" in html
    assert 'href="https://example.org/a"' in html


def test_a_document_that_was_found_is_good_news() -> None:
    found = Explanation(url="https://example.org/a", fate=Fate.FOUND, reason="number 1")
    html = explanation_html(found)
    assert "badge good" in html
    assert "<table" not in html


def test_an_explanation_is_escaped() -> None:
    stage = StageReport(stage=HOSTILE, note=HOSTILE)
    html = explanation_html(
        Explanation(
            url="javascript:alert(1)",
            fate=Fate.GONE,
            reason=HOSTILE,
            stages=(stage,),
            degraded=(HOSTILE,),
        )
    )
    assert "<img" not in html
    assert "<script" not in html
    assert "href" not in html


def test_the_status_names_what_answers() -> None:
    generation = make_generation()
    other = GenerationStatus(make_generation(embedder="embedder-2"), 7, False)
    html = status_html("r<1>", [other, GenerationStatus(generation, 12345, True)])
    assert "<dd>r&lt;1&gt;</dd>" in html
    assert f"<dd>{generation.name}</dd>" in html
    assert "<dd>12,345</dd>" in html
    assert "<dt>Generations</dt><dd>2</dd>" in html


def test_the_status_without_a_live_index() -> None:
    assert "none is live" in status_html("r", [GenerationStatus(make_generation(), 0, False)])
    assert "Index" not in status_html("r", ())


def test_a_problem_is_escaped() -> None:
    assert problem_html("<b>") == '<p class="problem" role="alert">&lt;b&gt;</p>'
