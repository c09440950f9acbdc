"""Questions on their way into the tasks of the tracker: one task for each release."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime

from llm_engineering.application.ports.tracking import ExperimentTask, ExperimentTracker
from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.application.tracking.drops import Drops
from llm_engineering.application.tracking.served import Rated, Served
from llm_engineering.application.tracking.window import Window
from llm_engineering.domain.errors import PipelineError
from llm_engineering.domain.redaction import Redaction
from llm_engineering.domain.releases import Release

REMEMBERED = 10_000  # questions that feedback may still come to

Clock = Callable[[], datetime]


@dataclass
class _Session:
    """A time during which a task is open."""

    release: Release
    task: ExperimentTask
    opened: datetime
    iteration: int
    window: Window
    exits: ExitStack
    questions: int = 0


class Sessions:
    """Tells the tracker of questions, one after another; each is an iteration of its task.

    The task is that of the release that answers now, and goes on where it ended: in a session
    before, or in a process before. Not for several threads.

    Args:
        tracker: where tasks are opened, with the first question.
        release: what answers now.
        config: how long windows and sessions are.
        clock: the present time.
        redaction: takes secrets out of all texts.
        drops: told of what is lost; what others told it is reported.
    """

    def __init__(
        self,
        tracker: ExperimentTracker,
        release: Callable[[], Release],
        config: TrackingConfig,
        clock: Clock,
        redaction: Redaction,
        drops: Drops,
    ) -> None:
        self._tracker = tracker
        self._release = release
        self._config = config
        self._clock = clock
        self._redaction = redaction
        self._drops = drops
        self._session: _Session | None = None
        self._iterations: OrderedDict[str, int] = OrderedDict()  # by request id

    def take(self, item: Served | Rated) -> None:
        """Notes a question or a vote. Raises what the tracker raises."""
        try:
            self.tick()
            session = self._current()
        except Exception:
            self._drops.add()
            raise
        if isinstance(item, Served):
            self._take_question(session, item)
        else:
            self._take_vote(session, item)
        self.tick()

    def tick(self) -> None:
        """Ends the window, and the session, whose time has come."""
        session = self._session
        if session is None:
            return
        config, now = self._config, self._clock()
        open_s = (now - session.window.began).total_seconds()
        if session.window.questions >= config.window_questions or open_s >= config.window_s:
            self._end_window(session)
        old_s = (now - session.opened).total_seconds()
        if session.questions >= config.session_questions or old_s >= config.session_s:
            self.close()

    def left_s(self) -> float:
        """Returns the seconds until `tick` has something to do."""
        if self._session is None:
            return self._config.window_s
        open_s = (self._clock() - self._session.window.began).total_seconds()
        return max(0.0, self._config.window_s - open_s)

    def close(self) -> None:
        """Reports the open window and closes the task."""
        session, self._session = self._session, None
        if session:
            with session.exits:
                self._end_window(session)

    def abandon(self) -> None:
        """Closes the task as failed, with what it was told. Raises nothing."""
        session, self._session = self._session, None
        if session:
            self._drops.add(session.window.questions)
            failure = RuntimeError("the tracker failed")
            with suppress(Exception):
                session.exits.__exit__(type(failure), failure, None)

    def _current(self) -> _Session:
        """Returns the session of the release that answers now."""
        session = self._session
        try:
            release = self._release()
        except PipelineError:  # the index is down: then what fails belongs to the release before
            if session is None:
                raise
            return session
        if session and session.release != release:
            self._iterations.clear()
            self.close()
        if self._session is None:
            self._session = self._opened(release)
        return self._session

    def _opened(self, release: Release) -> _Session:
        exits, now = ExitStack(), self._clock()
        name = f"questions to release {release.id}"
        task = exits.enter_context(self._tracker.task(name, "inference", continues=True))
        task.parameters({"release": release.id, **release.model_dump(mode="json")})
        return _Session(
            release, task, now, task.last_iteration, Window(now, self._redaction), exits
        )

    def _take_question(self, session: _Session, served: Served) -> None:
        session.questions += 1
        session.iteration += 1
        session.window.add(session.iteration, served)
        self._iterations[served.request.request_id] = session.iteration
        if len(self._iterations) > REMEMBERED:
            self._iterations.popitem(last=False)

    def _take_vote(self, session: _Session, rated: Rated) -> None:
        iteration = self._iterations.get(rated.request_id)
        session.window.add_feedback(iteration, rated)

    def _end_window(self, session: _Session) -> None:
        window, session.window = session.window, Window(self._clock(), self._redaction)
        dropped = self._drops.unreported
        if window.empty and not dropped:
            return
        try:
            window.report(session.task, session.iteration, dropped)
        except Exception:
            self._drops.add(window.questions)
            raise
        self._drops.reported(dropped)
