"""OpenVINO's continuous batching with one owner thread.

Requests that arrive while others are answered join them: each step of the model computes the next
token of all. Only the owner thread touches the pipeline; callers submit, listen and cancel.
"""

import contextlib
import itertools
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llm_engineering.domain.errors import ModelError

if TYPE_CHECKING:
    import openvino_genai as genai

# bounds the attention cache; 1 GB holds about 65,000 tokens of a 1.5B model
_CACHE_GB = 1
_STOP_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Finished:
    """The end of an answer: tokens generated, `stop` or `length`, and how likely it was.

    `log_probability` is the sum of the tokens' (natural logarithms, 0.0 or less).
    """

    output_tokens: int
    reason: str
    log_probability: float


class Generation:
    """One answer on its way. Iterate over its text; close it to cancel what is left."""

    def __init__(self, prompt: str, config: "genai.GenerationConfig") -> None:
        self.prompt = prompt
        self.config = config
        self.finished: Finished | None = None
        self._news: queue.SimpleQueue[str | Finished | ModelError] = queue.SimpleQueue()
        self._cancelled = threading.Event()

    def __iter__(self) -> Iterator[str]:
        """Yields pieces of text as they come.

        Raises:
            ModelError: the model failed.
        """
        while True:
            news = self._news.get()
            if isinstance(news, ModelError):
                raise news
            if isinstance(news, Finished):
                self.finished = news
                return
            yield news

    def close(self) -> None:
        """Ends the generation; its place in the batch is free after the current step."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether nobody listens any more."""
        return self._cancelled.is_set()

    def tell(self, news: str | Finished | ModelError) -> None:
        """Passes news to the listener; called by the owner thread."""
        self._news.put(news)


class BatchingEngine:
    """A loaded model and the thread that owns it."""

    def __init__(self, folder: Path, device: str) -> None:
        """Loads the model.

        Raises:
            ModelError: it cannot be loaded on that device.
        """
        import openvino_genai as genai  # noqa: PLC0415 - slow to import

        scheduler = genai.SchedulerConfig()
        scheduler.cache_size = _CACHE_GB
        # the system prompt, and the context of a repeated question, are computed once
        scheduler.enable_prefix_caching = True
        # pinned threads of several processes would all land on the first cores
        properties = {"ENABLE_CPU_PINNING": False} if device == "CPU" else {}
        try:
            self._pipeline = genai.ContinuousBatchingPipeline(folder, scheduler, device, properties)
            self.tokenizer = self._pipeline.get_tokenizer()
        except RuntimeError as error:
            raise _model_error(f"{folder.name} cannot be loaded on {device}", error) from error
        self._requests: queue.SimpleQueue[Generation | None] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self.failed = False
        self._thread = threading.Thread(target=self._own, name="openvino", daemon=True)
        self._thread.start()

    def submit(self, prompt: str, config: "genai.GenerationConfig") -> Generation:
        """Returns the answer that the owner thread begins to write."""
        generation = Generation(prompt, config)
        self._requests.put(generation)
        if self.failed:
            self._refuse_waiting()
        return generation

    def close(self) -> None:
        """Stops the owner thread; answers under way fail."""
        self._requests.put(None)
        self._thread.join(_STOP_PATIENCE_S)

    def _own(self) -> None:
        running: list[_Running] = []
        while self._accept(running):
            try:
                self._pipeline.step()
                running = [answer for answer in running if answer.advance()]
            except Exception as error:  # noqa: BLE001 - the edge of a thread: listeners must hear of it
                self.failed = True
                _fail(running, _model_error("the local model failed", error))
                break
        self.failed = True
        _fail(running, ModelError("the local model was closed"))
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                if waiting := self._requests.get_nowait():
                    waiting.tell(ModelError("the local model was closed", transient=True))

    def _accept(self, running: "list[_Running]") -> bool:
        """Takes what was submitted, waiting if there is nothing else to do; False to stop."""
        while not running or not self._requests.empty():
            generation = self._requests.get()
            if generation is None:
                return False
            if generation.cancelled:
                continue
            try:
                handle = self._pipeline.add_request(
                    next(self._numbers), generation.prompt, generation.config
                )
            except RuntimeError as error:
                generation.tell(_model_error("the local model refused the request", error))
                continue
            running.append(_Running(generation, handle, self.tokenizer))
        return True


class _Running:
    """An answer in the batch, as the owner thread sees it."""

    def __init__(
        self,
        generation: Generation,
        handle: "genai.py_openvino_genai.GenerationHandle",
        tokenizer: "genai.Tokenizer",
    ) -> None:
        import openvino_genai as genai  # noqa: PLC0415 - slow to import

        self.generation = generation
        self._handle = handle
        self._tokens = 0
        self._log_probability = 0.0
        self._reason = genai.GenerationFinishReason.NONE
        # holds back characters that are not complete yet
        self._streamer = genai.TextStreamer(tokenizer, self._tell)

    def _tell(self, text: str) -> bool:
        self.generation.tell(text)
        return False

    def advance(self) -> bool:
        """Passes on what the step brought; returns whether more is to come."""
        import openvino_genai as genai  # noqa: PLC0415 - slow to import

        if self.generation.cancelled:
            self._handle.cancel()
            return False
        while self._handle.can_read():
            for output in self._handle.read().values():
                self._take(output.generated_ids)
                self._log_probability += sum(output.generated_log_probs)
                self._reason = output.finish_reason
        status = self._handle.get_status()
        if status == genai.GenerationStatus.RUNNING:
            return True
        self._streamer.end()
        if status == genai.GenerationStatus.IGNORED:
            self.generation.tell(
                ModelError("the local model has no memory left for this", transient=True)
            )
        else:
            cut = self._reason == genai.GenerationFinishReason.LENGTH
            reason = "length" if cut else "stop"
            self.generation.tell(Finished(self._tokens, reason, self._log_probability))
        return False

    def _take(self, token_ids: Sequence[int]) -> None:
        self._tokens += len(token_ids)
        self._streamer.write(token_ids)


def _fail(running: "list[_Running]", error: ModelError) -> None:
    for answer in running:
        answer.generation.tell(error)


def _model_error(what: str, error: Exception) -> ModelError:
    """Returns one line; OpenVINO's messages carry source paths and line breaks."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ModelError(f"{what}: {lines[-1][-200:] if lines else type(error).__name__}")
