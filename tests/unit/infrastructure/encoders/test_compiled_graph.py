"""Which graph runs a shape, on a graph of a few nodes."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.compiled_graph import CompiledGraph, question_shapes

if TYPE_CHECKING:
    from openvino import Model

BUILT: list[str] = []


def doubling() -> "Model":
    """Returns the graph of the sum of `2 ids + mask` over a text's tokens."""
    from openvino import Model, opset13

    BUILT.append("doubling")
    ids, mask = (opset13.parameter([-1, -1], np.int64, name=name) for name in ("ids", "mask"))
    total = opset13.add(opset13.multiply(ids, np.int64(2)), mask)
    summed = opset13.reduce_sum(opset13.convert(total, np.float32), np.array([1], np.int64))
    return Model([summed], [ids, mask], "doubling")


def sums(graph: CompiledGraph, rows: int, width: int) -> bool:
    """Returns whether the graph computes what it should for a shape."""
    ids = np.arange(1, rows * width + 1, dtype=np.int64).reshape(rows, width)
    found = graph.run({"ids": ids, "mask": np.ones_like(ids), "more": ids})
    return bool(np.array_equal(found, (2 * ids + 1).sum(axis=1)))


def test_small_shapes_have_graphs_of_their_own() -> None:
    BUILT.clear()
    graph = CompiledGraph(doubling, shapes=((1, 8), (1, 16), (2, 16)))
    assert sums(graph, 1, 8)
    assert list(graph._requests) == [(1, 8)]  # a question compiles nothing that it does not need
    shapes = [(1, 16), (2, 16), (1, 24), (1, 8)]
    assert all(sums(graph, rows, width) for rows, width in shapes * 2)
    assert list(graph._requests) == [(1, 8), (1, 16), (2, 16), None]
    assert BUILT == ["doubling"]


def test_what_has_no_graph_of_its_own_runs_in_the_next_greater_one() -> None:
    graph = CompiledGraph(doubling, shapes=((1, 8), (4, 16)))
    for rows, width in [(4, 16), (2, 8), (3, 16), (1, 11), (4, 5), (1, 8), (2, 8)]:
        assert sums(graph, rows, width), (rows, width)  # nothing is left over of the one before
    assert list(graph._requests) == [(4, 16), (1, 8)]


def test_without_shapes_one_graph_runs_all() -> None:
    graph = CompiledGraph(doubling)
    assert all(sums(graph, rows, width) for rows, width in question_shapes(512))
    assert list(graph._requests) == [None]


@pytest.mark.parametrize("rows", [1, 2])
def test_inputs_that_do_not_fit_are_a_model_error(rows: int) -> None:
    graph = CompiledGraph(doubling, shapes=((2, 8),))
    inputs = {"ids": np.ones((rows, 8), np.int64), "mask": np.ones((rows, 7), np.int64)}
    with pytest.raises(ModelError, match="OpenVINO on CPU"):
        graph.run(inputs)


def test_question_shapes_are_few_and_the_smallest_comes_first() -> None:
    shapes = question_shapes(512)
    assert len(shapes) == 5
    assert sorted(shapes, key=lambda shape: shape[0] * shape[1]) == list(shapes)


def test_question_shapes_are_no_wider_than_the_model_reads() -> None:
    assert question_shapes(20) == ((1, 16), (1, 20), (2, 20), (4, 20))
    assert question_shapes(7) == ((1, 7), (2, 7), (4, 7))
