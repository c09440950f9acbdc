"""Stages one after another, none of them waited for beyond its time.

All run on one thread, for as long as each ends in time: a thread for each would cost a question
more than fusion does. When one is late, the others run on another thread, and what the late one
comes to is unheard. Only so many questions are worked on at once: more threads would keep each
other, and the event loop of a service, from working, and each takes memory in native code.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig, RunnableSequence
from pydantic import PrivateAttr

from llm_engineering.application.rag.crew import Crew
from llm_engineering.application.rag.places import Places
from llm_engineering.application.rag.search import Search
from llm_engineering.application.rag.stages import Deadline


class Stage(Runnable[Search, Search]):
    """A stage as a Runnable that calls its function and nothing else.

    A RunnableLambda looks at signatures and callbacks at every call, which costs a question more
    than fusion does.

    Args:
        name: of the stage.
        run: returns the search after the stage.
        late: returns the search without the stage when it has not ended in time; or raises.
        until: the share (0.0-1.0) of the deadline after which it is late.
        waits: whether it may wait for others, such as a chat model: then it takes no place of those
            that work at once.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Search], Search],
        late: Callable[[Search, TimeoutError], Search],
        until: float = 1.0,
        *,
        waits: bool = False,
    ) -> None:
        self.name = name
        self.waits = waits
        self.late = late
        self.until = until
        self._run = run

    def invoke(
        self,
        input: Search,
        config: RunnableConfig | None = None,  # noqa: ARG002 - LangChain's signature
        **_: Any,
    ) -> Search:
        """Returns the search after this stage, however long it takes."""
        return self._run(input)


class Flow(RunnableSequence[Search, Search]):
    """Stages in their order, two or more, each in its time.

    Args:
        stages: those that wait come first.
        at_once: questions that are worked on at the same time; the others' time runs on.
    """

    _crew: Crew = PrivateAttr(default_factory=Crew)
    _places: Places = PrivateAttr()

    def __init__(self, *stages: Stage, at_once: int) -> None:
        super().__init__(*stages)
        self._places = Places(at_once)

    def invoke(
        self,
        input: Search,
        config: RunnableConfig | None = None,  # noqa: ARG002 - LangChain's signature
        **_: Any,
    ) -> Search:
        """Returns the search after the last stage. Raises what a stage, or its `late`, raises."""
        stages = [step for step in self.steps if isinstance(step, Stage)]
        waiting = [stage for stage in stages if stage.waits]
        search = self._through(waiting, input, nullcontext)
        return self._through(stages[len(waiting) :], search, partial(self._place, input.deadline))

    def _through(
        self,
        stages: Sequence[Stage],
        search: Search,
        place: Callable[[], AbstractContextManager[None]],
    ) -> Search:
        at = 0
        while at < len(stages):
            run = _Run(stages, at, search)
            with place():
                self._crew.run(run.work, "retrieval")
                late = run.followed()
            if late is None:
                return run.search
            search = _without(stages[late], run.search)
            at = late + 1
        return search

    @contextmanager
    def _place(self, deadline: Deadline) -> Iterator[None]:
        """Holds a place as long as the block; without one in time, the stages will be late."""
        taken = self._places.take(deadline.left())
        try:
            yield
        finally:
            if taken:
                self._places.give_back()


@dataclass
class _Run:
    """A thread's way through the stages, followed by the thread that waits for it."""

    stages: Sequence[Stage]
    place: int
    search: Search
    abandoned: bool = False
    ended: "SimpleQueue[Exception | None]" = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self._at = self.place, self.search  # told in one piece, without a lock

    def work(self) -> None:
        """Goes from stage to stage; an error ends the way."""
        place, search = self._at
        try:
            while place < len(self.stages) and not self.abandoned:
                search = _done(self.stages[place], search)
                place += 1
                self._at = place, search
        except Exception as error:  # noqa: BLE001 - the edge of a thread: who follows raises it
            self.ended.put(error)
        else:
            self.ended.put(None)

    def followed(self) -> int | None:
        """Returns the number of the stage that is late; None when all ended.

        `search` is then as it was before that stage, or as the last one left it.
        """
        while True:
            place, self.search = self._at
            ends = [self.search.deadline.left(stage.until) for stage in self.stages[place:]]
            try:  # no stage's end is told, which would cost a switch of threads
                error = self.ended.get(timeout=min(filter(None, ends), default=0.0))
            except Empty:
                place, self.search = self._at
                if place == len(self.stages) or _in_time(self.stages[place], self.search):
                    continue
                self.abandoned = True
                return place
            if error:
                raise error
            self.search = self._at[1]
            return None


def _done(stage: Stage, search: Search) -> Search:
    return stage.invoke(search) if _in_time(stage, search) else _without(stage, search)


def _in_time(stage: Stage, search: Search) -> bool:
    return search.deadline.left(stage.until) > 0


def _without(stage: Stage, search: Search) -> Search:
    limit = stage.until * search.deadline.seconds
    return stage.late(search, TimeoutError(f"not done in {limit:g} s"))
