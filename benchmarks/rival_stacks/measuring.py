"""What every stack is asked to do, and how its CPU time is counted. Standard library only.

A stack runs in a process and an environment of its own:

    python -m benchmarks.rival_stacks.NAME_stack JOB.json RESULT.json
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypedDict, TypeVar

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
    documents: list[Document] = job["documents"]
    _, ingested = _timed(lambda: stack.ingest(documents))
    for document in documents[:_WARM_DOCUMENTS]:
        for count in _FIRST_WORDS:
            list(stack.search(" ".join(whole_text(document).split()[:count]), job["depth"]))
    rankings, cpu_ms = {}, []
    for name, question in job["queries"].items():
        found, seconds = _timed(partial(_found, stack, question, job["depth"]))
        cpu_ms.append(seconds * 1000)
        rankings[name] = list(dict.fromkeys(found))
    result = {"ingest_cpu_s": ingested, "query_cpu_ms": cpu_ms, "rankings": rankings}
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _found(stack: Stack, question: str, depth: int) -> list[str]:
    return list(stack.search(question, depth))


def whole_text(document: Document) -> str:
    """Returns title and text, as a page has them."""
    return "\n\n".join(part for part in (document["title"], document["text"]) if part)


def _timed(action: Callable[[], Done]) -> tuple[Done, float]:
    """Returns what an action returns and its CPU seconds, those of child processes included."""
    children, own = _seconds_of_children(), time.process_time()
    done = action()
    own = time.process_time() - own  # before the children are read, which costs time too
    return done, own + _seconds_of_children() - children


def _seconds_of_children() -> float:
    """Returns the CPU seconds, precise to 10 ms, of the child processes that run (Linux)."""
    return sum(map(_seconds_of, _children()))


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").glob("*"):
        with suppress(FileNotFoundError):  # the thread has ended
            found += (task / "children").read_text(encoding="utf-8").split()
    return found


def _seconds_of(pid: str) -> float:
    """Returns user and system time: fields 14 and 15 of proc(5)'s stat."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
