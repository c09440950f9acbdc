from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from llm_engineering.domain.queries import Query, ScoredChunk, SearchFilters
from llm_engineering.domain.releases import Generation
from tests.builders import make_chunk


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "x" * 20_001])
def test_a_question_has_words_and_an_end(text: str) -> None:
    with pytest.raises(ValidationError):
        Query(text=text)


def test_the_longest_question_passes() -> None:
    assert len(Query(text="x" * 20_000).text) == 20_000


def test_dates_must_be_in_order() -> None:
    early, late = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert SearchFilters(published_from=early, published_to=late).published_to == late
    with pytest.raises(ValidationError, match="published_from is after published_to"):
        SearchFilters(published_from=late, published_to=early)


def test_the_score_is_that_of_the_last_stage() -> None:
    found = ScoredChunk(chunk=make_chunk(), scores={"dense": 0.4, "fusion": 0.9})
    assert found.score == 0.9


def test_the_passage_carries_the_headings_above_it() -> None:
    chunk = make_chunk(text="The tide turns.", heading_path=("Sea", "Tides"))
    assert chunk.passage == "Sea > Tides\nThe tide turns."
    assert make_chunk(text="The tide turns.", heading_path=()).passage == "The tide turns."
    assert chunk.passage_hash != make_chunk(text="The tide turns.", heading_path=()).passage_hash


def test_a_generation_is_named_by_what_made_it() -> None:
    one = Generation(embedder="e1", chunker="c1", dimension=3)
    assert one.name == "chunks-e1-c1"
    assert one.name != Generation(embedder="e1", chunker="c2", dimension=3).name
