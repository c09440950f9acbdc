"""The local chat model on a scripted engine: what it asks for, counts and refuses."""

import gc
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from pydantic import BaseModel

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.local import LocalChatModel
from llm_engineering.infrastructure.llms.options import ChatModelOptions
from tests.at_once import answers_at_once
from tests.unit.infrastructure.llms.scripted_openvino import scripted_openvino

CONTEXT = 64


@pytest.fixture
def openvino(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = scripted_openvino()
    monkeypatch.setitem(sys.modules, "openvino_genai", module)
    monkeypatch.setattr("weakref.finalize", lambda *_: None)  # the tests end the engines
    return module


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A GGUF head, whose model has been prepared already."""
    key = b"qwen2.context_length"
    pair = struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, CONTEXT)
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair)
    status = path.stat()
    name = f"tiny-{status.st_size:x}-{status.st_mtime_ns:x}-2026.3.0"
    (tmp_path / "cache" / "openvino" / name).mkdir(parents=True)
    return path


@pytest.fixture
def model(openvino: Any, file: Path) -> Any:
    options = ChatModelOptions(cache=file.parent / "cache", max_new_tokens=16)
    made = LocalChatModel.from_options(file, "tiny", options)
    yield made
    if made._engine:
        made._engine.close()


def config_of(openvino: Any) -> Any:
    (pipeline,) = openvino.ContinuousBatchingPipeline.made
    return pipeline.configs[-1]


def test_an_answer_tells_its_tokens_its_end_and_its_model(model: LocalChatModel) -> None:
    answer = model.invoke("hi")
    assert answer.text == "user: hi"
    assert answer.usage_metadata == {"input_tokens": 8, "output_tokens": 8, "total_tokens": 16}
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"] == "tiny"


def test_a_stream_ends_with_the_same_account(model: LocalChatModel) -> None:
    chunks = list(model.stream([SystemMessage("be brief"), HumanMessage("hi")]))
    assert "".join(chunk.text for chunk in chunks) == "system: be brief\nuser: hi"
    told = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk) and chunk.usage_metadata]
    assert [chunk.usage_metadata for chunk in told] == [
        {"input_tokens": 25, "output_tokens": 25, "total_tokens": 50}
    ]


def test_a_cut_answer_says_so(model: LocalChatModel) -> None:
    assert model.invoke("long").response_metadata["finish_reason"] == "length"


def test_without_a_temperature_the_likeliest_token_is_taken(
    model: LocalChatModel, openvino: Any
) -> None:
    model.invoke("hi")
    config = config_of(openvino)
    assert not hasattr(config, "do_sample")
    assert (config.max_new_tokens, config.eos_token_id, config.apply_chat_template) == (
        16,
        2,
        False,
    )


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"temperature": 0.7}, {"do_sample": True, "temperature": 0.7, "top_p": 1.0}),
        ({"temperature": 0.7, "top_p": 0.5}, {"top_p": 0.5}),
        ({"max_tokens": 3}, {"max_new_tokens": 3}),
        ({"max_tokens": None}, {"max_new_tokens": 16}),
        ({"stop": ["\n", "END", "\n"]}, {"stop_strings": {"\n", "END"}}),
    ],
)
def test_what_is_bound_to_a_call_counts(
    model: LocalChatModel, openvino: Any, bound: dict[str, Any], expected: dict[str, Any]
) -> None:
    model.bind(**bound).invoke("hi")
    config = vars(config_of(openvino))
    assert {name: config[name] for name in expected} == expected


def test_a_schema_goes_to_the_decoder_as_json(model: LocalChatModel, openvino: Any) -> None:
    class Verdict(BaseModel):
        supported: bool

    with pytest.raises(OutputParserException):  # the scripted model knows no JSON
        model.with_structured_output(Verdict, method="json_mode").invoke("hi")
    schema = config_of(openvino).structured_output_config.json_schema
    assert '"supported"' in schema
    assert '"boolean"' in schema


@pytest.mark.parametrize(("letters", "fits"), [(42, True), (43, False)])
def test_prompt_and_answer_share_the_limit(model: LocalChatModel, letters: int, fits: bool) -> None:
    """`user: ` has six characters, and 16 are kept for the answer: 64 in all."""
    if fits:
        assert model.invoke("x" * letters).text
    else:
        with pytest.raises(ModelError, match="the prompt has 49 tokens and the answer may have 16"):
            model.invoke("x" * letters)


def test_a_prompt_longer_than_the_limit_is_told_as_at_least_that(model: LocalChatModel) -> None:
    with pytest.raises(ModelError, match=r"tiny: the prompt has 106 tokens or more.*is 64"):
        model.invoke("x" * 100)


def test_a_refused_prompt_leaves_the_model_at_work(model: LocalChatModel) -> None:
    with pytest.raises(ModelError, match="refused the request: the prompt is too long"):
        model.invoke("refuse")
    assert model.invoke("hi").text == "user: hi"


def test_a_failed_engine_is_replaced_at_the_next_question(
    model: LocalChatModel, openvino: Any
) -> None:
    with pytest.raises(ModelError, match="the device is gone"):
        model.invoke("break")
    assert model.invoke("hi").text == "user: hi"
    assert len(openvino.ContinuousBatchingPipeline.made) == 2


def test_many_first_questions_load_one_engine(model: LocalChatModel, openvino: Any) -> None:
    answers = answers_at_once(lambda: model.invoke("hi").text, 6)
    assert answers == ["user: hi"] * 6
    assert len(openvino.ContinuousBatchingPipeline.made) == 1


def test_closing_a_stream_early_gives_its_place_back(model: LocalChatModel, openvino: Any) -> None:
    stream = model.stream("hello, and more of it")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    gc.collect()
    model.invoke("hi")
    (pipeline,) = openvino.ContinuousBatchingPipeline.made
    first = pipeline.handles[0]
    assert first.cancelled or first._given == len(first.prompt)


def test_tokens_are_the_model_s_own(model: LocalChatModel) -> None:
    assert model.get_token_ids("añ") == [97, 241]
    assert model.get_num_tokens("tide") == 4


def test_a_model_that_does_not_load_says_which_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino_genai", scripted_openvino("no such device"))
    options = ChatModelOptions(cache=file.parent / "cache", device="gpu")
    made = LocalChatModel.from_options(file, "tiny", options)
    for _ in range(2):
        with pytest.raises(ModelError, match="cannot be loaded on GPU: no such device"):
            made.invoke("hi")
