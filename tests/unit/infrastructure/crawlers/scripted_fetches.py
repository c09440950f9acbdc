"""A web that answers a fetcher as it is told, at its own pace; no socket is opened."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher, FetchLimits

PAGE = "https://sky.example/page"
HTML = {"content-type": "text/html; charset=utf-8"}
LIMITS = FetchLimits(max_bytes=100, deadline_s=60.0, max_redirects=3, attempts=3, first_delay_s=1.0)

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def answer(status: int = 200, body: bytes = b"<p>", **header: str) -> httpx.Response:
    """Returns an answer; header names are spelled with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in header.items()}
    return httpx.Response(status, headers={**HTML, **named}, stream=Stream([body]))


def redirect(to: str, status: int = 302) -> httpx.Response:
    return answer(status, location=to)


class Stream(httpx.SyncByteStream):
    """A body in pieces; `read` counts those that were taken."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece


class Web:
    """Answers each address in turn, the last answer again and again. Time passes by waiting."""

    def __init__(
        self, *answers: Answer, limits: FetchLimits = LIMITS, each_takes_s: float = 0.0
    ) -> None:
        self.answers = {PAGE: list(answers)}
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []
        self.now_s = 1_000.0
        self.each_takes_s = each_takes_s
        self.fetcher = Fetcher(
            AddressPolicy(resolve=lambda *_: ["93.184.215.14"]),
            limits,
            sleep=self._sleep,
            monotonic=lambda: self.now_s,
            chance=lambda: 1.0,
        )
        self.fetcher.close()  # it opened none
        headers = self.fetcher._client.headers
        transport = httpx.MockTransport(self._answer)
        self.fetcher._client = httpx.Client(transport=transport, headers=headers)

    def at(self, url: str, *answers: Answer) -> "Web":
        self.answers[url] = list(answers)
        return self

    def fetch(self, url: str = PAGE, **more: object) -> object:
        return self.fetcher.fetch(url, **more)  # type: ignore[arg-type]

    def fails(self, match: str = ".", url: str = PAGE) -> FetchError:
        with pytest.raises(FetchError, match=match) as failure:
            self.fetch(url)
        assert failure.value.url == url
        assert "\n" not in str(failure.value)
        return failure.value

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.now_s += self.each_takes_s
        answers = self.answers.get(str(request.url), [answer(404)])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, httpx.Response) else found(request)
