"""A registered model: a tiny Llama in transformers' layout, saved as safetensors."""

from pathlib import Path

import pytest

from llm_engineering.domain.errors import InvalidInput, ModelError
from llm_engineering.infrastructure.llms.factory import ChatModelOptions
from llm_engineering.infrastructure.llms.transformers import TransformersChatModel
from tests.integration.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    return write_tiny_model(tmp_path_factory.mktemp("registered"))


@pytest.fixture(scope="module")
def model(folder: Path) -> TransformersChatModel:
    options = ChatModelOptions(cache=folder, max_new_tokens=6)
    return TransformersChatModel.from_options(folder, "llm@champion", options)


def test_it_answers_and_counts_tokens(model: TransformersChatModel) -> None:
    answer = model.invoke("a b c")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["input_tokens"] > 3
    assert 0 < answer.usage_metadata["output_tokens"] <= 6
    assert answer.response_metadata["finish_reason"] in {"stop", "length"}


def test_the_stream_is_the_same_answer_in_pieces(model: TransformersChatModel) -> None:
    pieces = [str(piece.text) for piece in model.stream("a b c")]
    assert "".join(pieces) == model.invoke("a b c").text


def test_the_token_limit_can_be_bound(model: TransformersChatModel) -> None:
    answer = model.bind(max_tokens=1).invoke("a b c")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 1
    assert answer.response_metadata["finish_reason"] == "length"


def test_a_closed_stream_leaves_the_model_free(model: TransformersChatModel) -> None:
    stream = model.bind(max_tokens=50).stream("a b c")
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert not model._turn.locked()
    assert model.invoke("d").usage_metadata is not None


def test_a_prompt_beyond_the_limit_names_both(model: TransformersChatModel) -> None:
    with pytest.raises(ModelError, match=r"the prompt has \d+ tokens.*limit for both is 512"):
        model.invoke("a " * 600)


def test_weights_that_could_carry_code_are_refused(folder: Path) -> None:
    weights = folder / "pytorch_model.bin"
    weights.write_bytes(b"")
    try:
        with pytest.raises(InvalidInput, match=r"pytorch_model\.bin"):
            TransformersChatModel.from_options(folder, "llm/2", ChatModelOptions(cache=folder))
    finally:
        weights.unlink()


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    model = TransformersChatModel.from_options(tmp_path, "llm/9", ChatModelOptions(cache=tmp_path))
    with pytest.raises(ModelError, match="llm/9 cannot be loaded") as failed:
        model.invoke("a")
    assert "\n" not in str(failed.value)
