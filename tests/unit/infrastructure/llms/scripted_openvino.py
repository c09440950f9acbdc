"""A stand-in for the parts of `openvino_genai` that the engine calls.

A prompt is its own answer: each step gives one more character (a token is its code point), whose
log probability is -0.5. Words
in the prompt drive the rest: `refuse` is not taken, `ignored` gets no memory, `break` has the step
fail, `long` ends by its length.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


class GenerationStatus(Enum):
    RUNNING = auto()
    FINISHED = auto()
    IGNORED = auto()


class GenerationFinishReason(Enum):
    NONE = auto()
    STOP = auto()
    LENGTH = auto()


class TextStreamer:
    """Tells each character at once, as it is given."""

    def __init__(self, tokenizer: object, tell: Callable[[str], bool]) -> None:
        self._tell = tell

    def write(self, tokens: Sequence[int]) -> None:
        self._tell("".join(map(chr, tokens)))

    def end(self) -> None:
        self._tell("")


class Tokenizer:
    """Each character is a token; the template puts every turn on a line of its own."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Any:
        assert not add_special_tokens, "the template has written them"
        return SimpleNamespace(input_ids=SimpleNamespace(data=[[ord(one) for one in text]]))

    def apply_chat_template(
        self, turns: Sequence[dict[str, str]], *, add_generation_prompt: bool
    ) -> str:
        assert add_generation_prompt
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)

    def get_eos_token_id(self) -> int:
        return 2


class GenerationConfig(SimpleNamespace):
    """What is asked of a generation."""

    def set_eos_token_id(self, number: int) -> None:
        self.eos_token_id = number


class Handle:
    """One request."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.cancelled = False
        self._given = 0
        self._unread: list[int] = []

    def step(self) -> None:
        if self._given < len(self.prompt):
            self._unread.append(ord(self.prompt[self._given]))
            self._given += 1

    def can_read(self) -> bool:
        return bool(self._unread)

    def read(self) -> dict[int, Any]:
        tokens, self._unread = self._unread, []
        reason = GenerationFinishReason.NONE
        if self._given == len(self.prompt):
            is_long = "long" in self.prompt
            reason = GenerationFinishReason.LENGTH if is_long else GenerationFinishReason.STOP
        likely = [-0.5] * len(tokens)
        return {
            0: SimpleNamespace(
                generated_ids=tokens, generated_log_probs=likely, finish_reason=reason
            )
        }

    def get_status(self) -> GenerationStatus:
        if "ignored" in self.prompt:
            return GenerationStatus.IGNORED
        done = self._given == len(self.prompt)
        return GenerationStatus.FINISHED if done else GenerationStatus.RUNNING

    def cancel(self) -> None:
        self.cancelled = True


class ContinuousBatchingPipeline:
    """Steps through all requests together. `made` holds every pipeline, `load_error` fails one."""

    made: "list[ContinuousBatchingPipeline]"
    load_error: str | None

    def __init__(self, folder: Path, scheduler: object, device: str, properties: object) -> None:
        if self.load_error:
            raise RuntimeError(self.load_error)
        self.device = device
        self.properties = properties
        self.scheduler = scheduler
        self.handles: list[Handle] = []
        self.configs: list[Any] = []
        self.most_at_once = 0
        self.made.append(self)

    def get_tokenizer(self) -> Tokenizer:
        return Tokenizer()

    def add_request(self, number: int, prompt: str, config: object) -> Handle:
        if "refuse" in prompt:
            raise RuntimeError("Check 'x' failed at src/y.cpp:7:\nthe prompt is too long\n")
        self.configs.append(config)
        self.handles.append(Handle(prompt))
        return self.handles[-1]

    def step(self) -> None:
        alive = [
            handle
            for handle in self.handles
            if not handle.cancelled and handle.get_status() is GenerationStatus.RUNNING
        ]
        self.most_at_once = max(self.most_at_once, len(alive))
        for handle in alive:
            if "break" in handle.prompt:
                raise ValueError("the device is gone")
            handle.step()


def scripted_openvino(load_error: str | None = None) -> Any:
    """Returns a module that may stand in `sys.modules`."""
    module: Any = ModuleType("openvino_genai")
    module.SchedulerConfig = SimpleNamespace
    module.GenerationStatus = GenerationStatus
    module.GenerationFinishReason = GenerationFinishReason
    module.TextStreamer = TextStreamer
    module.GenerationConfig = GenerationConfig
    module.StructuredOutputConfig = SimpleNamespace
    module.__version__ = "2026.3.0-1-abc"
    module.ContinuousBatchingPipeline = type(
        "Pipeline", (ContinuousBatchingPipeline,), {"made": [], "load_error": load_error}
    )
    return module
