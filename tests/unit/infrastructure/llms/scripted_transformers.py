"""A stand-in for the parts of `transformers` that the chat model calls.

A character is a token. The model answers with `answer`, a character at a time, until it is told to
stop; words in the answer drive the rest: `break` has it fail there.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


class Tokens:
    """Token ids of one text, [1, S]."""

    def __init__(self, length: int) -> None:
        self.shape = (1, length)


class Inputs(dict[str, Tokens]):
    """What a model is given."""

    def to(self, device: object) -> "Inputs":
        return self


class Tokenizer:
    """Each turn is a line; `template` is what is missing in some."""

    template: str | None = "{{ messages }}"

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [ord(one) for one in text]

    def apply_chat_template(self, turns: Sequence[dict[str, str]], **options: Any) -> Inputs:
        assert options["add_generation_prompt"]
        if self.template is None:
            raise ValueError("Cannot use chat template functions: tokenizer.chat_template is not")
        text = "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
        return Inputs(input_ids=Tokens(len(text)))


class Streamer:
    """Passes text from the thread that generates to the one that listens."""

    def __init__(self, tokenizer: object, **options: bool) -> None:
        assert options == {"skip_prompt": True, "skip_special_tokens": True}
        self._pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def put(self, text: str) -> None:
        self._pieces.put(text)

    def end(self) -> None:
        self._pieces.put(None)

    def __iter__(self) -> Iterator[str]:
        while (piece := self._pieces.get()) is not None:
            yield piece


class Model:
    """Writes `answer`. `asked` keeps the arguments of each run; `most_at_once` counts threads."""

    def __init__(self, answer: str = "the tide turns", limit: int | None = 64) -> None:
        self.answer = answer
        self.config = SimpleNamespace(max_position_embeddings=limit)
        self.device = "cpu"
        self.asked: list[dict[str, Any]] = []
        self.written: list[int] = []
        self.running = 0
        self.most_at_once = 0
        self.permits: threading.Semaphore | None = None  # one for each letter, if they are counted

    def to(self, device: str) -> "Model":
        self.device = device
        return self

    def eval(self) -> "Model":
        return self

    def generate(
        self, input_ids: Tokens, streamer: Streamer, stopping_criteria: list[Any], **options: Any
    ) -> Tokens:
        self.asked.append(options)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        written = 0
        try:
            streamer.put("")
            for place, letter in enumerate(self.answer[: options["max_new_tokens"]]):
                if self.permits:
                    self.permits.acquire(timeout=10)
                if stopping_criteria[0]():
                    break
                if self.answer.startswith("break", place):
                    raise RuntimeError("CUDA error:\n  device-side assert")
                streamer.put(letter)
                written += 1
        finally:
            self.running -= 1
            self.written.append(written)
        streamer.end()
        return Tokens(input_ids.shape[1] + written)


class Scripted:
    """The module, its model and its tokenizer. `failures` are what loading raises, in turn."""

    def __init__(self) -> None:
        self.model = Model()
        self.tokenizer = Tokenizer()
        self.failures: list[Exception] = []
        self.loaded: list[dict[str, object]] = []

    def _load_tokenizer(self, folder: Path, **options: object) -> Tokenizer:
        if self.failures:
            raise self.failures.pop(0)
        return self.tokenizer

    def _load_model(self, folder: Path, **options: object) -> Model:
        self.loaded.append(options)
        return self.model

    def modules(self) -> dict[str, ModuleType]:
        """Returns what may stand in `sys.modules`."""
        module: Any = ModuleType("transformers")
        module.AutoTokenizer = SimpleNamespace(from_pretrained=self._load_tokenizer)
        module.AutoModelForCausalLM = SimpleNamespace(from_pretrained=self._load_model)
        module.TextIteratorStreamer = Streamer
        notices: Any = ModuleType("transformers.utils.logging")
        notices.disable_progress_bar = notices.set_verbosity_error = lambda: None
        utils = ModuleType("transformers.utils")
        names = {"transformers.utils": utils, "transformers.utils.logging": notices}
        return {"transformers": module, **names}
