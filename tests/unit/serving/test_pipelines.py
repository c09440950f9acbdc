"""One pipeline a model, made when it is first asked for, also by many at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import pytest

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.serving.pipelines import Pipelines


class Maker:
    """Makes a pipeline for each call, and remembers for what."""

    def __init__(self, fails: int = 0) -> None:
        self.made: list[str | None] = []
        self.fails = fails

    def __call__(self, reference: str | None) -> Any:
        self.made.append(reference)
        if len(self.made) <= self.fails:
            raise ConfigurationError("OPENAI_API_KEY is not set")
        return cast("Any", SimpleNamespace(reference=reference))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    maker = Maker()
    pipelines = Pipelines(maker)
    assert maker.made == []
    assert pipelines.of(None) is pipelines.of(None)
    assert maker.made == [None]


def test_each_model_has_its_own() -> None:
    maker = Maker()
    pipelines = Pipelines(maker)
    default, other = pipelines.of(None), pipelines.of("openai:m")
    assert default is not other
    assert pipelines.of("openai:m") is other
    assert maker.made == [None, "openai:m"]


def test_many_that_ask_at_once_get_the_same() -> None:
    maker, together = Maker(), Barrier(8)
    pipelines = Pipelines(maker)

    def asked(_: int) -> object:
        together.wait(10)
        return pipelines.of("local:m")

    with ThreadPoolExecutor(8) as threads:
        found = set(map(id, threads.map(asked, range(8))))
    assert len(found) == 1
    assert maker.made == ["local:m"]


def test_what_could_not_be_made_is_tried_again() -> None:
    maker = Maker(fails=1)
    pipelines = Pipelines(maker)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        pipelines.of("openai:m")
    assert pipelines.of("openai:m") is pipelines.of("openai:m")
    assert len(maker.made) == 2
