"""Searches the settings of retrieval, one after the other, and keeps the default when in doubt."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from llm_engineering.application.rag.config import RagConfig
from llm_engineering.domain.evaluation import Comparison
from llm_engineering.domain.types import Frozen

_EVIDENCE = "# tuned: "


class TuneConfig(Frozen):
    """What `poe tune` tries: values of each setting, besides the one that holds now.

    `development_share` of the questions choose; the others judge the choice.
    """

    chunk_tokens: tuple[int, ...] = (128,)
    candidates: tuple[int, ...] = (50, 100, 200)
    dense_weight: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.7)
    rerank: tuple[bool, ...] = (True, False)
    development_share: float = Field(default=0.5, gt=0.0, lt=1.0)


@dataclass(frozen=True)
class Setting:
    """One combination that can be measured."""

    chunk_tokens: int
    candidates: int
    dense_weight: float
    rerank: bool

    @classmethod
    def of(cls, config: RagConfig, chunk_tokens: int) -> "Setting":
        """Returns the combination that a configuration has."""
        return cls(chunk_tokens, config.candidates, config.dense_weight, config.rerank.enabled)

    def applied(self, config: RagConfig) -> RagConfig:
        """Returns the configuration with these values; the chunk size is not in it."""
        rerank = config.rerank.model_copy(update={"enabled": self.rerank})
        return config.model_copy(
            update={
                "candidates": self.candidates,
                "dense_weight": self.dense_weight,
                "rerank": rerank,
            }
        )


class Trial(Frozen):
    """A combination and its nDCG@10 on the development questions."""

    setting: dict[str, float]
    development: float


class TuneReport(Frozen):
    """What was tried, and whether the best was clearly better on the held-out questions."""

    source: str
    development_questions: int
    held_out_questions: int
    seed: int
    default: dict[str, float]
    chosen: dict[str, float]
    trials: tuple[Trial, ...]
    held_out: Comparison
    default_held_out: float
    changed: bool
    written: tuple[str, ...] = ()


def neighbours(setting: Setting, config: TuneConfig) -> Iterator[Sequence[Setting]]:
    """Yields, for each setting in turn, the combinations that differ in it alone."""
    yield [replace(setting, chunk_tokens=value) for value in config.chunk_tokens]
    yield [replace(setting, candidates=value) for value in config.candidates]
    yield [replace(setting, dense_weight=value) for value in config.dense_weight]
    yield [replace(setting, rerank=value) for value in config.rerank]


def search(
    default: Setting, config: TuneConfig, measure: Callable[[Setting], float]
) -> tuple[Setting, dict[Setting, float]]:
    """Returns the best combination and everything measured: one pass over the settings.

    Each setting is chosen with those before it as chosen; equal values keep what holds. At most
    one measurement for each value of the configuration, and one for the default.
    """
    measured = {default: measure(default)}
    best = default
    for place in range(len(list(neighbours(default, config)))):
        for trial in list(neighbours(best, config))[place]:
            if trial not in measured:
                measured[trial] = measure(trial)
        best = max([best, *(one for one in measured if one != best)], key=measured.__getitem__)
    return best, measured


def with_values(text: str, values: dict[str, str], evidence: Sequence[str]) -> str:
    """Returns a YAML file with other values, its comments kept, and the evidence on top.

    Args:
        text: the file.
        values: by path, such as `dense_weight` or `rerank.enabled`; a path that is not in the
            file is added to its block, or at the end.
        evidence: lines that replace those of an earlier tuning.
    """
    lines = [line for line in text.splitlines() if not line.startswith(_EVIDENCE)]
    missing = dict(values)
    parent = ""
    for place, line in enumerate(lines):
        match = re.match(r"( *)(\w+):(\s*)([^#\s]*)(.*)$", line)
        if match is None:
            continue
        indent, key, gap, old, rest = match.groups()
        parent = parent if indent else key
        new = missing.pop(f"{parent}.{key}" if indent else key, None)
        if new is not None and old:
            lines[place] = f"{indent}{key}:{gap}{new}{_aligned(rest, len(old) - len(new))}"
    for path, value in missing.items():
        _add(lines, path, value)
    top = [f"{_EVIDENCE}{line}" for line in evidence]
    return "\n".join([*top, *lines]) + "\n"


def _aligned(rest: str, shift: int) -> str:
    """Returns what follows a value, moved so that comments stay in their column."""
    comment = rest.lstrip()
    if not comment:
        return rest
    return " " * max(2, len(rest) - len(comment) + shift) + comment


def _add(lines: list[str], path: str, value: str) -> None:
    """Adds a value: a block that stood there twice would lose what is in the first one."""
    parent, _, key = path.rpartition(".")
    place = next((n for n, line in enumerate(lines) if re.match(f"{parent}:", line)), None)
    if not parent:
        lines.append(f"{key}: {value}")
    elif place is None:
        lines += [f"{parent}:", f"  {key}: {value}"]
    elif "{" in lines[place].partition("#")[0]:
        lines[place] = _within_braces(lines[place], key, value)
    else:
        below = lines[place + 1] if place + 1 < len(lines) else ""
        indent = len(below) - len(below.lstrip()) or 2
        lines.insert(place + 1, f"{' ' * indent}{key}: {value}")


def _within_braces(line: str, key: str, value: str) -> str:
    old = re.compile(rf"(?<=[{{ ,]){key}:[^,}}]*")
    new = f"{key}: {value}"
    return old.sub(new, line, 1) if old.search(line) else line.replace("{", f"{{{new}, ", 1)
