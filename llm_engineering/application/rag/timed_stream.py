"""A stream that is not waited for longer than it may take."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from llm_engineering.application.rag.crew import Crew
from llm_engineering.domain.errors import ModelError

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class _Ended:
    """The stream's end, with its error if it broke."""

    error: Exception | None = None


class TimedStream(Generic[Piece]):
    """Reads a stream on a thread of the crew, so that a reader can stop waiting.

    The stream is closed by that thread, after the piece it is waiting for: what hangs for good
    holds one daemon thread, and no reader.
    """

    def __init__(self, start: Callable[[], Iterator[Piece]], name: str, crew: Crew) -> None:
        self._name = name
        self._pieces: queue.SimpleQueue[Piece | _Ended] = queue.SimpleQueue()
        self._left = threading.Event()
        crew.run(lambda: self._read(start), f"stream-{name}")

    def next(self, seconds: float) -> Piece | None:
        """Returns the next piece; None after the last, however often it is asked.

        Raises:
            ModelError: transient; nothing came for so many seconds.
            Exception: what the stream raises.
        """
        try:
            piece = self._pieces.get(timeout=max(0.0, seconds))
        except queue.Empty:
            message = f"{self._name}: nothing came for {seconds:.3g} s"
            raise ModelError(message, transient=True) from None
        if not isinstance(piece, _Ended):
            return piece
        self._pieces.put(piece)  # what has ended stays so
        if piece.error:
            raise piece.error
        return None

    def close(self) -> None:
        """Lets the stream go; nothing more is read."""
        self._left.set()

    def _read(self, start: Callable[[], Iterator[Piece]]) -> None:
        try:
            stream = start()
            for piece in stream:
                self._pieces.put(piece)
                if self._left.is_set():
                    break
            if close := getattr(stream, "close", None):
                close()
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the reader raises it
            self._pieces.put(_Ended(error))
        else:
            self._pieces.put(_Ended())
