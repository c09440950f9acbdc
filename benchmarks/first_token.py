"""From a question to the first word of its answer, beside what most put together, in one run.

    python -m benchmarks.first_token --questions 5

The corpus is the language reference that comes with Python (`pydoc_data.topics`). Both stacks read
the same chunks, prompt and chat model (the GGUF file of LOCAL_MODEL_ID; ours as it is, theirs with
its weights as 32-bit floats) and take their turns question by question. Prints the CPU seconds of
this process, medians, ratio and raw figures; then how soon ours begins when a context comes again.
Takes 12 GB of memory, and the `train` group.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pydoc_data.topics import topics
from random import Random

from benchmarks.usual_stack import UsualStack
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.rag.generation import AnswerGenerator, Token
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.settings import load_settings
from pipelines.feature import run_feature

PASSAGES = 4


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    names = Random(arguments.seed).sample(sorted(topics), arguments.questions)  # noqa: S311 - a sample
    questions = [f"What does Python's reference say about {name}?" for name in names]
    with Platform(load_settings()) as platform, platform.scratch() as scratch:
        chunks = indexed(scratch)
        print(f"seed {arguments.seed}, {len(chunks)} chunks, {len(questions)} questions")
        ours = scratch.answer_generator()
        ours.warm_up(model_in_process=True)
        settings = scratch.settings
        theirs = UsualStack(
            scratch.model_files.path(settings.TEXT_EMBEDDING_MODEL_ID),
            scratch.model_files.path(settings.LOCAL_MODEL_ID),
            chunks,
        )
        first_words(theirs.stream("What is a slice?", PASSAGES))  # warm, as ours is
        compare(ours, theirs, questions)


def indexed(scratch: Platform) -> list[EmbeddedChunk]:
    """Indexes the corpus as the feature pipeline does; returns the chunks with their vectors."""
    for name, text in topics.items():
        scratch.document_store.save(_document(name, text))
    run_feature(scratch, FeatureConfig(), SilentProgress())
    (built,) = scratch.chunk_index.generations()
    return list(scratch.chunk_index.scroll(built.generation))


def compare(ours: AnswerGenerator, theirs: UsualStack, questions: Sequence[str]) -> None:
    """Prints what the first word costs, and how soon it comes when the question is repeated."""
    spent: dict[str, list[float]] = {"ours": [], "the usual stack": []}
    fresh, repeated = [], []
    for question in questions:
        cpu, wall = timed(partial(_first_of_ours, ours, question))
        spent["ours"].append(cpu)
        fresh.append(wall)
        repeated.append(timed(partial(_first_of_ours, ours, question))[1])
        cpu, _ = timed(partial(first_words, theirs.stream(question, PASSAGES)))
        spent["the usual stack"].append(cpu)
    medians = {name: report(name, figures, "s CPU") for name, figures in spent.items()}
    print(f"ratio {medians['the usual stack'] / medians['ours']:.1f}")
    ratio = report("a fresh context", fresh, "s") / report("the same again", repeated, "s")
    print(f"ratio {ratio:.1f}")


def _first_of_ours(ours: AnswerGenerator, question: str) -> None:
    stream = ours.stream(AnswerRequest(query=Query(text=question), k=PASSAGES))
    first_words(event.text for event in stream if isinstance(event, Token))
    stream.close()


def first_words(pieces: Iterator[str]) -> None:
    """Returns at the first piece with a word in it."""
    for piece in pieces:
        if piece.strip():
            return


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Returns the CPU and wall seconds of the work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def report(name: str, figures: Sequence[float], unit: str) -> float:
    """Prints and returns the median."""
    median = statistics.median(figures)
    raw = " ".join(f"{value:.2f}" for value in figures)
    print(f"  {name:16} median {median:7.2f} {unit} to the first word   raw {raw}")
    return median


def _document(name: str, text: str) -> ArticleDocument:
    return ArticleDocument.create(
        url=f"https://docs.python.org/topics/{name}",
        title=name,
        content=text,
        platform="docs.python.org",
        fetched_at=datetime.min.replace(tzinfo=UTC),  # never: it was given
    )


if __name__ == "__main__":
    main()
