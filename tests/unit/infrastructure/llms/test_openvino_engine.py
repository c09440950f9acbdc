"""The batching engine: who hears what, when all goes well and when it does not."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.llms.openvino_engine import (
    BatchingEngine,
    Finished,
    Generation,
)
from tests.unit.infrastructure.llms.scripted_openvino import Handle, scripted_openvino

CONFIG: Any = object()


@pytest.fixture
def openvino(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = scripted_openvino()
    monkeypatch.setitem(sys.modules, "openvino_genai", module)
    return module


@pytest.fixture
def engine(openvino: Any) -> Iterator[BatchingEngine]:
    running = BatchingEngine(Path("model"), "CPU")
    yield running
    running.close()


def pipeline_of(openvino: Any) -> Any:
    (pipeline,) = openvino.ContinuousBatchingPipeline.made
    return pipeline


def test_an_answer_comes_piece_by_piece_and_says_how_it_ended(engine: BatchingEngine) -> None:
    generation = engine.submit("tides", CONFIG)
    assert [piece for piece in generation if piece] == list("tides")
    assert generation.finished == Finished(5, "stop", -2.5)


def test_an_answer_that_was_cut_says_so(engine: BatchingEngine) -> None:
    generation = engine.submit("a long one", CONFIG)
    assert "".join(generation) == "a long one"
    assert generation.finished == Finished(10, "length", -5.0)


def test_answers_do_not_mix_when_many_ask_at_once(engine: BatchingEngine) -> None:
    prompts = [f"answer {number}: {'x' * number}" for number in range(12)]
    heard: dict[str, str] = {}

    def ask(prompt: str) -> None:
        heard[prompt] = "".join(engine.submit(prompt, CONFIG))

    threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert heard == {prompt: prompt for prompt in prompts}


def test_requests_that_wait_are_computed_together(
    openvino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_are_in = threading.Event()
    step = openvino.ContinuousBatchingPipeline.step

    def patient_step(pipeline: Any) -> None:
        all_are_in.wait(10)
        step(pipeline)

    monkeypatch.setattr(openvino.ContinuousBatchingPipeline, "step", patient_step)
    engine = BatchingEngine(Path("model"), "CPU")
    generations = [engine.submit("same length!", CONFIG) for _ in range(3)]
    all_are_in.set()
    assert ["".join(generation) for generation in generations] == ["same length!"] * 3
    assert pipeline_of(openvino).most_at_once == 3
    engine.close()


def test_a_refused_request_fails_alone_and_in_one_line(engine: BatchingEngine) -> None:
    with pytest.raises(ModelError) as refused:
        list(engine.submit("refuse this", CONFIG))
    assert str(refused.value) == ("the local model refused the request: the prompt is too long"), (
        "no source path of the vendor"
    )
    assert "".join(engine.submit("next", CONFIG)) == "next"
    assert not engine.failed


def test_no_memory_left_is_worth_a_retry(engine: BatchingEngine) -> None:
    with pytest.raises(ModelError, match="no memory left") as ignored:
        list(engine.submit("ignored", CONFIG))
    assert ignored.value.transient


def test_a_failing_step_fails_every_answer_under_way_and_the_engine(
    openvino: Any, engine: BatchingEngine
) -> None:
    with pytest.raises(ModelError, match="the local model failed: the device is gone"):
        list(engine.submit("break", CONFIG))
    engine._thread.join(10)
    assert engine.failed
    with pytest.raises(ModelError, match="closed") as late:
        list(engine.submit("too late", CONFIG))
    assert late.value.transient, "the owner makes a new engine"


def test_a_closed_engine_refuses_what_comes_later(openvino: Any) -> None:
    engine = BatchingEngine(Path("model"), "CPU")
    engine.close()
    assert engine.failed
    assert not engine._thread.is_alive()
    with pytest.raises(ModelError, match="closed"):
        list(engine.submit("hello", CONFIG))
    engine.close()


def test_closing_fails_what_is_under_way(openvino: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def endless(handle: Handle) -> Any:
        begun.set()
        return openvino.GenerationStatus.RUNNING

    monkeypatch.setattr(Handle, "get_status", endless)
    engine = BatchingEngine(Path("model"), "CPU")
    generation = engine.submit("x", CONFIG)
    assert begun.wait(10)
    engine.close()
    with pytest.raises(ModelError, match="closed"):
        list(generation)
    assert generation.finished is None


def test_a_cancelled_answer_gives_its_place_back(
    openvino: Any, engine: BatchingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()
    cancel = Handle.cancel

    def told(handle: Handle) -> None:
        cancel(handle)
        stopped.set()

    monkeypatch.setattr(Handle, "cancel", told)
    monkeypatch.setattr(Handle, "get_status", lambda _: openvino.GenerationStatus.RUNNING)
    generation = engine.submit("endless", CONFIG)
    next(iter(generation))
    assert not generation.cancelled
    generation.close()
    assert generation.cancelled
    assert stopped.wait(10)


def test_an_answer_cancelled_before_its_turn_is_never_begun(openvino: Any) -> None:
    engine = BatchingEngine(Path("model"), "CPU")
    unheard = Generation("unheard", CONFIG)
    unheard.close()
    engine._requests.put(unheard)
    assert "".join(engine.submit("heard", CONFIG)) == "heard"
    assert [handle.prompt for handle in pipeline_of(openvino).handles] == ["heard"]
    engine.close()


@pytest.mark.parametrize(
    ("device", "pinned"), [("CPU", {"ENABLE_CPU_PINNING": False}), ("GPU", {})]
)
def test_only_the_processor_is_told_not_to_pin_threads(
    openvino: Any, device: str, pinned: dict[str, bool]
) -> None:
    engine = BatchingEngine(Path("model"), device)
    pipeline = pipeline_of(openvino)
    assert (pipeline.device, pipeline.properties) == (device, pinned)
    assert pipeline.scheduler.enable_prefix_caching
    assert pipeline.scheduler.cache_size == 1
    engine.close()


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        ("Check failed at src/a.cpp:3:\n\n  no such device  \n", "no such device"),
        ("x" * 500, "x" * 200),
        (" \n ", "RuntimeError"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_one_line_with_its_device(
    vendor: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino_genai", scripted_openvino(vendor))
    with pytest.raises(ModelError) as failed:
        BatchingEngine(Path("cache/smollm2"), "GPU")
    assert str(failed.value) == f"smollm2 cannot be loaded on GPU: {reason}"
