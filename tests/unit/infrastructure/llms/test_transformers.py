"""A chat model of transformers on a scripted one: loading, limits, turns, and what ends early."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms import transformers
from llm_engineering.infrastructure.llms.options import ChatModelOptions
from llm_engineering.infrastructure.llms.transformers import TransformersChatModel
from tests.at_once import answers_at_once
from tests.unit.infrastructure.llms.scripted_transformers import Scripted


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    vendor = Scripted()
    for name, module in vendor.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(transformers, "_require_torch", lambda: None)
    return vendor


@pytest.fixture
def model(scripted: Scripted, tmp_path: Path) -> TransformersChatModel:
    options = ChatModelOptions(cache=tmp_path, max_new_tokens=20)
    return TransformersChatModel.from_options(tmp_path, "own", options)


def test_an_answer_tells_its_tokens_its_end_and_its_model(model: TransformersChatModel) -> None:
    answer = model.invoke("hi")
    assert answer.text == "the tide turns"
    assert answer.usage_metadata == {"input_tokens": 8, "output_tokens": 14, "total_tokens": 22}
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"] == "own"


def test_a_stream_comes_in_pieces_and_ends_with_the_same_account(
    model: TransformersChatModel,
) -> None:
    chunks = list(model.stream("hi"))
    assert len([chunk for chunk in chunks if chunk.text]) == 14
    told = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk) and chunk.usage_metadata]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("most", "text", "reason"),
    [(3, "the", "length"), (14, "the tide turns", "length"), (15, "the tide turns", "stop")],
)
def test_an_answer_that_was_cut_says_so(
    model: TransformersChatModel, most: int, text: str, reason: str
) -> None:
    answer = model.bind(max_tokens=most).invoke("hi")
    assert (answer.text, answer.response_metadata["finish_reason"]) == (text, reason)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({}, {"max_new_tokens": 20, "do_sample": False}),
        ({"max_tokens": None}, {"max_new_tokens": 20, "do_sample": False}),
        (
            {"temperature": 0.5},
            {"max_new_tokens": 20, "do_sample": True, "temperature": 0.5, "top_p": 1.0},
        ),
        (
            {"temperature": 0.5, "top_p": 0.25, "max_tokens": 2},
            {"max_new_tokens": 2, "do_sample": True, "temperature": 0.5, "top_p": 0.25},
        ),
    ],
)
def test_what_is_bound_to_a_call_counts(
    model: TransformersChatModel,
    scripted: Scripted,
    bound: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    model.bind(**bound).invoke("hi")
    assert scripted.model.asked == [expected]


def test_where_an_answer_stops_is_told_with_the_tokenizer(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    model.invoke("hi", stop=["\n", "END"])
    assert scripted.model.asked[0]["stop_strings"] == ["\n", "END"]
    assert scripted.model.asked[0]["tokenizer"] is scripted.tokenizer


@pytest.mark.parametrize(("letters", "fits"), [(38, True), (39, False)])
def test_prompt_and_answer_share_the_limit(
    model: TransformersChatModel, letters: int, fits: bool
) -> None:
    """`user: ` has six characters, and 20 are kept for the answer: 64 in all."""
    if fits:
        assert model.invoke("x" * letters).text
    else:
        with pytest.raises(ModelError, match=r"own: the prompt has 45 tokens .* have 20, .* is 64"):
            model.invoke("x" * letters)


def test_a_model_that_names_no_limit_has_none(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    scripted.model.config.max_position_embeddings = None
    assert model.invoke("x" * 500).text


def test_only_safetensors_of_this_folder_are_loaded_and_no_code(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    model.invoke("hi")
    assert scripted.loaded == [
        {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
    ]


def test_many_first_questions_load_it_once_and_are_answered_one_by_one(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    answers = answers_at_once(lambda: model.invoke("hi").text, 6)
    assert answers == ["the tide turns"] * 6
    assert len(scripted.loaded) == 1
    assert scripted.model.most_at_once == 1


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no file named\nmodel.safetensors"),
        ValueError("of no known kind"),
        KeyError("q"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_one_line_and_is_tried_again(
    model: TransformersChatModel, scripted: Scripted, failure: Exception
) -> None:
    scripted.failures = [failure]
    with pytest.raises(ModelError, match=r"^own cannot be loaded: ") as told:
        model.invoke("hi")
    assert "\n" not in str(told.value)
    assert model.invoke("hi").text == "the tide turns"


def test_a_tokenizer_without_a_chat_template_is_told(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    scripted.tokenizer.template = None
    with pytest.raises(ModelError, match="own: no chat template in the tokenizer"):
        model.invoke("hi")


def test_a_model_that_fails_is_one_line_and_answers_the_next(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    scripted.model.answer = "the break"
    came = list[str]()
    with pytest.raises(ModelError, match="the model failed: CUDA error: device-side assert"):
        came.extend(chunk.text for chunk in model.stream("hi"))
    assert "".join(came) == "the ", "what came before it is not lost"
    scripted.model.answer = "again"
    assert model.invoke("hi").text == "again"


def test_closing_a_stream_ends_the_generation_and_frees_the_model(
    model: TransformersChatModel, scripted: Scripted
) -> None:
    permits = scripted.model.permits = threading.Semaphore(1)
    stream = model.stream("hi")
    assert next(stream).text == "t"
    closing = threading.Thread(target=stream.close)  # type: ignore[attr-defined]
    closing.start()
    closing.join(0.2)
    assert closing.is_alive(), "it waits for the thread of the model"
    permits.release(100)
    closing.join(10)
    assert not closing.is_alive()
    assert (scripted.model.running, scripted.model.written) == (0, [1])
    assert model.invoke("hi").text == "the tide turns"


def test_tokens_are_the_model_s_own(model: TransformersChatModel) -> None:
    assert model.get_token_ids("añ") == [97, 241]
