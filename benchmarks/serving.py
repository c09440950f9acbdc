"""What the service costs beside its models, and what it does under too much load.

    python -m benchmarks.serving --chunks 100000

A scripted chat model answers at once, so that what is measured is ours: HTTP, retrieval among
made-up chunks, checking citations, tracking. First it is in the service's own process, then behind
a provider's protocol, whose client costs something, too. Then it takes a second, and far more
clients ask than the service admits: statuses, memory and recovery are printed. At last the service
is told to end while requests are under way. Every figure is of the service's processes, read from
/proc.
"""

import argparse
import asyncio
import re
import signal
import ssl
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.searching import Corpus, fill
from benchmarks.served import Service, scripted_model, service
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.releases import Generation
from llm_engineering.settings import load_settings


@dataclass
class Load:
    """What a crowd of clients saw: statuses and, of those that were answered, milliseconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    refusal_ms: list[float] = field(default_factory=list)

    def p95(self) -> float:
        """Returns the 95th percentile of the answered."""
        return statistics.quantiles(self.milliseconds, n=20)[-1]


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--admitted", type=int, default=32, help="what the service admits at once")
    parser.add_argument("--overload-s", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.chunks:,} chunks, {arguments.clients} clients")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make_index(data, arguments.chunks, arguments.seed)
        with service(data) as served:
            asked = questions("near", arguments.requests)
            overhead("model in process", served, arguments.clients, asked)
            overhead("answers given before", served, arguments.clients, asked)
        with scripted_model() as model, service(data, model) as served:
            asked = questions("far", arguments.requests)
            overhead("model over HTTP", served, arguments.clients, asked)
        with scripted_model(seconds=1.0) as model, service(data, model) as served:
            overload(served, 5 * arguments.admitted, arguments.overload_s)
            ending(served, arguments.admitted // 2)


def make_index(data: Path, chunks: int, seed: int) -> None:
    """Fills the embedded index in `data`, as the generation that the settings name."""
    with Platform(load_settings(DATA_DIR=data)) as platform:
        embedder = platform.embedding_model
        live = Generation(
            embedder=embedder.fingerprint, chunker="made-up", dimension=embedder.dimension
        )
        fill(platform.chunk_index, Corpus(chunks, 50, 1, seed), chunks, live)


def overhead(name: str, served: Service, clients: int, asked: Sequence[str]) -> None:
    """Prints CPU and latency a request when the model costs nothing."""
    asyncio.run(crowd(served.url, clients, questions(f"warm {name}", 50)))
    served.settle()  # ClearML's process starts with the first question
    before = served.cpu_s()
    seen = asyncio.run(crowd(served.url, clients, asked))
    spent = (served.cpu_s() - before) * 1000 / len(asked)
    print(f"overhead, {name}: {spent:.1f} ms CPU a request, statuses {dict(seen.statuses)}")
    print(
        f"  at {clients} clients: median {statistics.median(seen.milliseconds):.0f} ms, "
        f"p95 {seen.p95():.0f} ms, slowest {max(seen.milliseconds):.0f} ms"
    )


def overload(served: Service, clients: int, seconds: float) -> None:
    """Prints what happens when many more ask than are admitted, and how soon it is over."""
    before = asyncio.run(crowd(served.url, 4, questions("calm", 40)))
    served.settle()
    memory = [served.resident_mb()]
    seen = asyncio.run(flood(served, clients, seconds, memory))
    errors = sum(count for status, count in seen.statuses.items() if status >= 500)  # noqa: PLR2004
    print(f"overload, {clients} clients for {seconds:.0f} s: statuses {dict(seen.statuses)}")
    print(
        f"  5xx: {errors}; a refusal took {statistics.median(seen.refusal_ms or [0]):.0f} ms, "
        f"of which the service {refusal_ms(served):.0f} ms (mean)"
    )
    quarter = memory[len(memory) // 4]  # by then all threads are there
    print(
        f"  resident MB: {memory[0]:.0f} before, {quarter:.0f} after a quarter of the time, "
        f"{max(memory):.0f} at most, {memory[-1]:.0f} after"
    )
    ended = time.perf_counter()
    after = asyncio.run(crowd(served.url, 4, questions("recovered", 12)))
    print(
        f"  median {statistics.median(before.milliseconds):.0f} ms before; "
        f"{statistics.median(after.milliseconds):.0f} ms within "
        f"{time.perf_counter() - ended:.1f} s after, statuses {dict(after.statuses)}"
    )


def refusal_ms(served: Service) -> float:
    """Returns the mean time from a request's arrival to its 429, as the service tells it."""
    told = httpx.get(f"{served.url}/metrics").text
    label = r'\{route="/rag",status="429"\} (\S+)'
    seconds, count = (
        re.search(rf"^rag_request_seconds_{what}{label}", told, re.M) for what in ("sum", "count")
    )
    return 1000 * float(seconds[1]) / float(count[1]) if seconds and count else 0.0


def ending(served: Service, clients: int) -> None:
    """Prints what becomes of requests under way when the service is told to end."""

    async def ask_and_end() -> Load:
        asked = asyncio.create_task(crowd(served.url, clients, questions("last", clients)))
        await asyncio.sleep(0.5)  # all are accepted, none is answered
        served.process.send_signal(signal.SIGTERM)
        return await asked

    seen = asyncio.run(ask_and_end())
    code = served.process.wait(60)
    print(f"SIGTERM with {clients} under way: {dict(seen.statuses)}; exit status {code}")


def questions(kind: str, count: int) -> list[str]:
    """Returns so many different questions that every passage answers."""
    about = "How are the pump of a boat and the lamp of a pier kept"
    return [f"{about}, {kind}{_letters(n)}?" for n in range(count)]


def _letters(number: int) -> str:
    """Returns a number as a word: a number in a question would have to be in its answer."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


async def crowd(url: str, clients: int, asked: Sequence[str]) -> Load:
    """Returns what the clients saw who asked the questions, each one after another."""
    waiting = list(asked)
    seen = Load()

    async def one(client: httpx.AsyncClient) -> None:
        async with client:
            while waiting:
                await _ask(client, url, waiting.pop(), seen)

    await asyncio.gather(*map(one, _clients(clients)))
    return seen


async def flood(served: Service, clients: int, seconds: float, memory: list[float]) -> Load:
    """Returns what the clients saw who kept asking for so long; memory is read meanwhile."""
    end = time.perf_counter() + seconds
    seen = Load()

    async def one(number: int, client: httpx.AsyncClient) -> None:
        asked = 0
        async with client:
            while time.perf_counter() < end:
                status = await _ask(client, served.url, f"What of {number}, time {asked}?", seen)
                asked += 1
                if status == httpx.codes.TOO_MANY_REQUESTS:
                    await asyncio.sleep(0.25)  # a client that is told to wait waits

    async def watch() -> None:
        while time.perf_counter() < end:
            memory.append(served.resident_mb())
            await asyncio.sleep(1)

    crowded = [one(number, client) for number, client in enumerate(_clients(clients))]
    await asyncio.gather(watch(), *crowded)
    memory.append(served.resident_mb())
    return seen


async def _ask(client: httpx.AsyncClient, url: str, question: str, seen: Load) -> int:
    """Notes what became of a question; returns its status, 0 where there was no answer."""
    began = time.perf_counter()
    try:
        status = (await client.post(f"{url}/rag", json={"query": question})).status_code
    except httpx.TransportError:
        status = 0
    took = (time.perf_counter() - began) * 1000
    seen.statuses[status] += 1
    (seen.milliseconds if status == httpx.codes.OK else seen.refusal_ms).append(took)
    return status


def _clients(count: int) -> list[httpx.AsyncClient]:
    """Returns clients of one connection each.

    A pool looks at all its connections at every request: one of 160 kept a core busy by itself, and
    clients waited for it rather than for the service.
    """
    trusted = ssl.create_default_context()  # made once: it takes longer than a request
    return [httpx.AsyncClient(timeout=120, verify=trusted) for _ in range(count)]


if __name__ == "__main__":
    main()
