import pytest
from rich.console import Console

from llm_engineering.domain.explanations import Explanation, Fate, StageReport
from llm_engineering.domain.queries import Retrieval, ScoredChunk, SearchFilters
from tests.builders import make_chunk
from tools.rag_views import NEXT, notes, show_explanation, show_passages

PASSAGE = ScoredChunk(chunk=make_chunk("The tide turns."), scores={"dense": 0.51, "fusion": 1.0})


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_passages_are_shown_with_their_scores_and_restrictions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Retrieval(
        passages=(PASSAGE,),
        found_filters=SearchFilters(authors=("Ada Lovelace",), platforms=("github",)),
        relaxed=("platforms",),
        degraded={"rerank": "out of memory"},
        timings_ms={"total": 12.0},
    )
    show_passages(Console(width=200), found)
    text = shown(capsys)
    assert "dense 0.510 fusion 1.000" in text
    assert "The tide turns." in text
    assert "1 passages in 0.01 s, restricted by the question's platforms, authors" in text
    assert "Nothing met what the question says of platforms: searched without it." in text
    assert "Left out, because it failed or was late: rerank." in text
    assert "next: poe explain" in text


def test_an_explanation_has_a_row_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    stages = (
        StageReport(stage="dense", rank=3, of=50, score=0.5),
        StageReport(stage="sparse", of=50, note="it has none of the question's words"),
    )
    show_explanation(
        Console(width=200),
        Explanation(url="https://example.org/", fate=Fate.BELOW_K, reason="k is 1", stages=stages),
    )
    text = shown(capsys)
    assert "0.500" in text
    assert "out" in text
    assert "below k: k is 1 next: raise --top-k" in text


@pytest.mark.parametrize("fate", Fate)
def test_every_fate_says_what_to_do_next(fate: Fate, capsys: pytest.CaptureFixture[str]) -> None:
    show_explanation(Console(), Explanation(url="https://example.org/", fate=fate, reason="so"))
    assert f"next: {NEXT[fate]}" in shown(capsys)


def test_nothing_to_note_is_no_line() -> None:
    assert notes((), ()) == []
