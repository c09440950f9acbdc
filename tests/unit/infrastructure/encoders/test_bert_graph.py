"""The graphs of a tiny BERT, in 32-bit floats on any processor, beside the equations."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.bert_graph import build_bert, build_bert_pooler
from tests.unit.infrastructure.encoders.bert_equations import token_vectors
from tests.unit.infrastructure.encoders.bert_making import make_folder, make_weights

if TYPE_CHECKING:
    from openvino import Model

IDS = [[2, 5, 6, 7, 8, 3], [2, 9, 5, 3, 0, 0]]  # the second text is filled up
LENGTHS = [6, 4]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> BertFolder:
    return BertFolder(make_folder(tmp_path_factory.mktemp("bert")))


def run(build: Callable[..., "Model"], files: BertFolder) -> np.ndarray:
    """Returns what the graph makes of both texts."""
    from openvino import Core

    model = build(files.config, files.weights())
    compiled = Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    mask = [[int(place < length) for place in range(6)] for length in LENGTHS]
    inputs = {"input_ids": np.array(IDS), "attention_mask": np.array(mask)}
    return np.asarray(compiled(inputs)[0])


def expected() -> list[np.ndarray]:
    texts = zip(IDS, LENGTHS, strict=True)
    return [token_vectors(make_weights(), ids[:length]) for ids, length in texts]


def test_token_vectors_are_those_of_the_equations(files: BertFolder) -> None:
    found = run(build_bert, files)
    for row, vectors in enumerate(expected()):
        assert found[row, : LENGTHS[row]] == pytest.approx(vectors, abs=2e-5)


def test_the_pooler_sums_the_token_vectors_without_padding(files: BertFolder) -> None:
    sums = np.array([vectors.sum(axis=0) for vectors in expected()])
    assert run(build_bert_pooler, files) == pytest.approx(sums, abs=1e-4)


def test_the_pooler_ends_with_a_product(files: BertFolder) -> None:
    """Else OpenVINO keeps all sums and norms in 32 bits, and a chunk costs a tenth more."""
    model = build_bert_pooler(files.config, files.weights())
    node = model.outputs[0].node.input_value(0).node
    while node.get_type_name() == "Squeeze":
        node = node.input_value(0).node
    assert node.get_type_name() == "MatMul"
