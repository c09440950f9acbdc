import pytest

from llm_engineering.domain.embedded_chunks import SparseVector, dense_sum, sparse_sum


def weights(**values: float) -> SparseVector:
    terms = {int(name[1:]): value for name, value in values.items()}
    return SparseVector(indices=tuple(terms), values=tuple(terms.values()))


def test_dense_vectors_are_added_place_by_place() -> None:
    assert dense_sum([(1.0, 0.5), (2.0, -0.5), (0.0, 0.25)]) == (3.0, 0.25)
    assert dense_sum([(1.0, 2.0)]) == (1.0, 2.0)
    assert dense_sum([]) == ()


def test_dense_vectors_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        dense_sum([(1.0, 2.0), (1.0,)])


def test_term_weights_are_added_term_by_term_in_order() -> None:
    summed = sparse_sum([weights(t9=1.0, t2=0.5), weights(t2=0.25), weights(t4=2.0)])
    assert summed == weights(t2=0.75, t4=2.0, t9=1.0)


def test_the_sum_of_no_terms_has_none() -> None:
    nothing = SparseVector(indices=(), values=())
    assert sparse_sum([]) == nothing
    assert sparse_sum([nothing, nothing]) == nothing
