"""Which graph runs a shape, on a graph of a few nodes."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.compiled_graph import QUESTION_WIDTHS, CompiledGraph

if TYPE_CHECKING:
    from openvino import Model

BUILT: list[str] = []


def doubling() -> "Model":
    """Returns the graph of `2 ids + mask`."""
    from openvino import Model, opset13

    BUILT.append("doubling")
    ids, mask = (opset13.parameter([-1, -1], np.int64, name=name) for name in ("ids", "mask"))
    total = opset13.add(opset13.multiply(ids, np.int64(2)), mask)
    return Model([opset13.convert(total, np.float32)], [ids, mask], "doubling")


def sums(graph: CompiledGraph, rows: int, width: int) -> bool:
    """Returns whether the graph computes what it should for a shape."""
    ids = np.arange(rows * width, dtype=np.int64).reshape(rows, width)
    found = graph.run({"ids": ids, "mask": np.ones_like(ids), "more": ids})
    return bool(np.array_equal(found, 2 * ids + 1))


def test_single_texts_of_the_widths_have_graphs_of_their_own() -> None:
    BUILT.clear()
    graph = CompiledGraph(doubling, widths=(8, 16))
    assert sums(graph, 1, 8)
    assert list(graph._requests) == [(1, 8)]  # a question compiles nothing that it does not need
    assert all(sums(graph, rows, width) for rows, width in [(1, 16), (2, 16), (1, 24), (1, 8)] * 2)
    assert list(graph._requests) == [(1, 8), (1, 16), None]
    assert BUILT == ["doubling"]


def test_without_widths_one_graph_runs_all() -> None:
    graph = CompiledGraph(doubling)
    assert all(sums(graph, 1, width) for width in QUESTION_WIDTHS)
    assert list(graph._requests) == [None]


@pytest.mark.parametrize("rows", [1, 2])
def test_inputs_that_do_not_fit_are_a_model_error(rows: int) -> None:
    graph = CompiledGraph(doubling, widths=(8,))
    inputs = {"ids": np.ones((rows, 8), np.int64), "mask": np.ones((rows, 7), np.int64)}
    with pytest.raises(ModelError, match="OpenVINO on CPU"):
        graph.run(inputs)


def test_question_widths_are_few_multiples() -> None:
    assert list(QUESTION_WIDTHS) == [8, 16, 24, 32]
