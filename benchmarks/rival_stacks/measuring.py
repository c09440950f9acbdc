"""What every stack is asked to do, and how its CPU time is counted. Standard library only.

A stack runs in a process and an environment of its own:

    python -m benchmarks.rival_stacks.NAME_stack JOB.json RESULT.json
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypedDict, TypeVar

from benchmarks.rival_stacks.processes import children, seconds_of

_FIRST_WORDS = (4, 8, 16, 32)  # lengths of the questions that warm up
_WARM_DOCUMENTS = 5

Done = TypeVar("Done")


class Document(TypedDict):
    """A document as it is given to every stack."""

    id: str
    title: str
    text: str


class Stack(Protocol):
    """A retrieval stack, made with the folder of MiniLM."""

    def ingest(self, documents: Sequence[Document]) -> None:
        """Splits, embeds and indexes the documents."""
        ...

    def search(self, question: str, depth: int) -> Iterable[str]:
        """Returns the documents' ids of the best `depth` passages, best first."""
        ...


def measure(make: Callable[[str], Stack]) -> None:
    """Reads the job, has the stack do it, and writes the rankings and what they cost."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    stack = make(job["model"])
    servers: Sequence[str] = getattr(stack, "servers", ())  # processes that are no children
    documents: list[Document] = job["documents"]
    _, ingested = _timed(lambda: stack.ingest(documents), servers)
    for document in documents[:_WARM_DOCUMENTS]:
        for count in _FIRST_WORDS:
            list(stack.search(" ".join(whole_text(document).split()[:count]), job["depth"]))
    rankings, cpu_ms = {}, []
    for name, question in job["queries"].items():
        found, seconds = _timed(partial(_found, stack, question, job["depth"]), servers)
        cpu_ms.append(seconds * 1000)
        rankings[name] = list(dict.fromkeys(found))
    result = {"ingest_cpu_s": ingested, "query_cpu_ms": cpu_ms, "rankings": rankings}
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _found(stack: Stack, question: str, depth: int) -> list[str]:
    return list(stack.search(question, depth))


def whole_text(document: Document) -> str:
    """Returns title and text, as a page has them."""
    return "\n\n".join(part for part in (document["title"], document["text"]) if part)


def _timed(action: Callable[[], Done], servers: Sequence[str]) -> tuple[Done, float]:
    """Returns what an action returns and its CPU seconds, those of servers and children included.

    Of other processes they are precise to 10 ms.
    """
    others, own = seconds_of([*servers, *children()]), time.process_time()
    done = action()
    own = time.process_time() - own  # before the others are read, which costs time too
    return done, own + seconds_of([*servers, *children()]) - others
