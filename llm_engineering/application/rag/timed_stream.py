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

    def next(self, seconds: float) -> list[Piece]:
        """Returns the pieces that have come, waiting for the first; none after the last.

        What came while the reader was busy comes together: a reader pays for each time it reads.

        Raises:
            ModelError: transient; nothing came for so many seconds.
            Exception: what the stream raises, after its last piece.
        """
        try:
            piece = self._pieces.get(timeout=max(0.0, seconds))
        except queue.Empty:
            message = f"{self._name}: nothing came for {seconds:.3g} s"
            raise ModelError(message, transient=True) from None
        pieces: list[Piece] = []
        while not isinstance(piece, _Ended):
            pieces.append(piece)
            try:
                piece = self._pieces.get_nowait()
            except queue.Empty:
                return pieces
        self._pieces.put(piece)  # what has ended stays so
        if piece.error and not pieces:
            raise piece.error
        return pieces

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
