import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.dataset.drafts import draft
from llm_engineering.application.dataset.splits import split_by_document
from llm_engineering.domain.dataset import InstructDatasetSample
from llm_engineering.domain.errors import InvalidInput
from tests.unit.application.dataset.chunk_making import corpus


def samples_of(pages: int) -> list[InstructDatasetSample]:
    return [sample for sample in map(draft, corpus(pages)) if sample is not None]


@given(
    pages=st.integers(2, 30),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 1000),
)
def test_no_document_is_on_both_sides_and_no_sample_is_lost(
    pages: int, share: float, seed: int
) -> None:
    samples = samples_of(pages)
    split = split_by_document(samples, share, seed)
    train = {s.document_id for s in split.train}
    test = {s.document_id for s in split.test}
    assert train.isdisjoint(test)
    assert train and test
    assert sorted((*split.train, *split.test), key=str) == sorted(samples, key=str)


def test_the_share_is_of_documents() -> None:
    split = split_by_document(samples_of(10), 0.3, seed=1)
    assert len({s.document_id for s in split.test}) == 3


def test_the_seed_decides() -> None:
    samples = samples_of(12)
    first, again, other = (split_by_document(samples, 0.25, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("pages", [0, 1])
def test_fewer_than_two_documents_are_refused(pages: int) -> None:
    with pytest.raises(InvalidInput, match=f"{pages} document"):
        split_by_document(samples_of(pages), 0.2, seed=1)
