"""Whether the service can answer, part by part: for load balancers, and for who wonders why not."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from llm_engineering.serving import examples
from llm_engineering.serving.examples import example

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
_FRESH_S = 1.0  # /readyz is open to all: however often it is asked, the stores are not


@dataclass(frozen=True)
class Check:
    """A part of the service. `probe` blocks; it returns what is wrong, or raises.

    What it returns is told to everybody, what it raises only to the log. Without a `fatal` part
    nothing can be answered.
    """

    name: str
    probe: Callable[[], str | None]
    fatal: bool = True


class PartOut(BaseModel):
    """A part: whether it works, what is wrong otherwise, and how long it took to find out."""

    name: str
    ok: bool
    fatal: bool
    detail: str | None
    ms: float


class ReadinessOut(BaseModel):
    """`ready` is false when a part that is fatal does not work."""

    ready: bool
    parts: list[PartOut]


class Readiness:
    """Asks all parts at once; who asks within a second is told what was found before.

    `timer` returns seconds. Used on the event loop alone. A part that takes longer than
    `patience_s` does not work.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        timer: Callable[[], float] = monotonic,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._checks = checks
        self._timer = timer
        self._patience_s = patience_s
        self._asking = asyncio.Lock()
        self._known: tuple[ReadinessOut, float] | None = None

    async def report(self) -> ReadinessOut:
        """Returns the state of every part."""
        async with self._asking:
            if self._known is None or self._timer() >= self._known[1]:
                parts = await asyncio.gather(*(self._asked(check) for check in self._checks))
                ready = all(part.ok for part in parts if part.fatal)
                found = ReadinessOut(ready=ready, parts=list(parts))
                self._known = found, self._timer() + _FRESH_S
            return self._known[0]

    async def _asked(self, check: Check) -> PartOut:
        began = self._timer()
        try:
            async with asyncio.timeout(self._patience_s):
                wrong = await anyio.to_thread.run_sync(check.probe, abandon_on_cancel=True)
        except TimeoutError:
            wrong = f"no answer within {self._patience_s:g} s"
            _log.warning("%s is not ready: %s", check.name, wrong)
        except Exception as error:  # noqa: BLE001 - whatever it is: this part does not work
            wrong = "out of reach"
            _log.warning("%s is not ready: %s: %s", check.name, type(error).__name__, error)
        return PartOut(
            name=check.name,
            ok=wrong is None,
            fatal=check.fatal,
            detail=wrong,
            ms=round((self._timer() - began) * 1000, 2),
        )


_ANSWERS: dict[int | str, dict[str, Any]] = {
    503: {"model": ReadinessOut, "description": "It cannot answer; `parts` say why"},
    **example(examples.READY),
}


def readiness_router(readiness: Callable[[], Readiness]) -> APIRouter:
    """Returns the route that tells who balances load whether to send requests here."""
    router = APIRouter(tags=["health"])

    @router.get("/readyz", response_model=ReadinessOut, responses=_ANSWERS)
    async def readyz() -> JSONResponse:
        """Says whether questions can be answered, and which part is to blame if not."""
        found = await readiness().report()
        return JSONResponse(found.model_dump(mode="json"), 200 if found.ready else 503)

    return router
