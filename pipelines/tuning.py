"""Tuning: retrieval's settings by measurement, and the default where nothing is clearly better."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from llm_engineering.application.evaluation.bootstrap import Bootstrap
from llm_engineering.application.evaluation.collection import Collection, read_collection
from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.retrieval import (
    MAIN_METRIC,
    RetrievalTask,
    answer_all,
    task_of,
    values_by_metric,
)
from llm_engineering.application.evaluation.tuning import (
    Setting,
    Trial,
    TuneReport,
    search,
    with_values,
)
from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import Comparison
from pipelines.evaluation import cpu_timed, index_collection, own_task


@dataclass(frozen=True)
class TuneRequest:
    """What to tune on, and the files that hold the settings; `dry_run` leaves them as they are."""

    rag_file: Path
    feature_file: Path
    dataset: Path | None = None
    dry_run: bool = False


class _Measurement:
    """Measures settings on questions; the index of each chunk size is built once."""

    def __init__(
        self,
        platform: Platform,
        features: FeatureConfig,
        collection: Collection | None,
        progress: Progress,
    ) -> None:
        self._platform = platform
        self._features = features
        self._collection = collection
        self._progress = progress
        self._indexed = features.chunking.chunk_tokens if collection is None else 0

    def values(self, setting: Setting, task: RetrievalTask) -> list[float]:
        """Returns nDCG@10 of every question."""
        self._index(setting.chunk_tokens)
        config = setting.applied(self._platform.rag_config)
        named = " ".join(f"{value:g}" for value in asdict(setting).values())
        with self._progress.stage(f"try {named}", len(task.questions)) as on_done:
            answered = answer_all(task, cpu_timed(self._platform, config), on_done)
        return values_by_metric(answered)[MAIN_METRIC]

    def _index(self, chunk_tokens: int) -> None:
        """Makes the generation of that chunk size live; one that is there costs nothing."""
        if chunk_tokens == self._indexed or self._collection is None:
            return
        chunking = self._features.chunking.model_copy(update={"chunk_tokens": chunk_tokens})
        features = self._features.model_copy(update={"chunking": chunking, "keep_generations": 100})
        index_collection(self._platform, self._collection, features, self._progress)
        self._indexed = chunk_tokens


def run_tuning(
    platform: Platform,
    config: EvaluationConfig,
    features: FeatureConfig,
    request: TuneRequest,
    progress: Progress,
) -> TuneReport:
    """Returns what was tried; writes the settings only if they are clearly better.

    On one's own corpus the chunk size stays: another one needs another index.

    Raises:
        InvalidInput: as `run_evaluation`; or there are too few questions to split.
        StoreUnavailable, ModelError: an outage is no bad result.
    """
    if request.dataset:
        collection = read_collection(request.dataset)
        with platform.scratch() as scratch:
            measurement = _Measurement(scratch, features, collection, progress)
            report = _tune(platform, measurement, task_of(collection), config, features)
    else:
        task, _ = own_task(platform, config, progress, anew=False)
        measurement = _Measurement(platform, features, None, progress)
        fixed = config.tune.model_copy(update={"chunk_tokens": ()})
        config = config.model_copy(update={"tune": fixed})
        report = _tune(platform, measurement, task, config, features)
    written = [] if request.dry_run else _write(report, request)
    return report.model_copy(update={"written": tuple(map(str, written))})


def _tune(
    platform: Platform,
    measurement: _Measurement,
    task: RetrievalTask,
    config: EvaluationConfig,
    features: FeatureConfig,
) -> TuneReport:
    development, held_out = _split(task, config.tune.development_share, config.seed)
    default = Setting.of(platform.rag_config, features.chunking.chunk_tokens)
    best, measured = search(
        default, config.tune, lambda setting: fmean(measurement.values(setting, development))
    )
    chosen = measurement.values(best, held_out)
    before = chosen if best == default else measurement.values(default, held_out)
    bootstrap = Bootstrap(len(held_out.questions), config.seed, config.resamples)
    difference = bootstrap.difference(chosen, before)
    return TuneReport(
        source=task.source,
        development_questions=len(development.questions),
        held_out_questions=len(held_out.questions),
        seed=config.seed,
        default=asdict(default),
        chosen=asdict(best),
        trials=tuple(Trial(setting=asdict(s), development=v) for s, v in measured.items()),
        held_out=Comparison(
            variant="tuned", baseline="default", metric=MAIN_METRIC, difference=difference
        ),
        default_held_out=fmean(before),
        changed=difference.low > 0.0,
    )


def _split(task: RetrievalTask, share: float, seed: int) -> tuple[RetrievalTask, RetrievalTask]:
    questions = list(task.questions)
    random.Random(seed).shuffle(questions)  # noqa: S311 - a split is no secret
    cut = round(len(questions) * share)
    if not 0 < cut < len(questions):
        raise InvalidInput(f"{task.source}: {len(questions)} questions are too few to split")
    return (
        RetrievalTask(task.source, questions[:cut], task.judged_as),
        RetrievalTask(task.source, questions[cut:], task.judged_as),
    )


def _write(report: TuneReport, request: TuneRequest) -> Sequence[Path]:
    """Writes the chosen settings, if they are clearly better, and the evidence either way."""
    chosen = report.chosen if report.changed else report.default
    rag = {
        "candidates": f"{chosen['candidates']:g}",
        "dense_weight": f"{chosen['dense_weight']:g}",
        "rerank.enabled": "true" if chosen["rerank"] else "false",
    }
    files = [(request.rag_file, rag)]
    if chosen["chunk_tokens"] != report.default["chunk_tokens"]:
        files.append(
            (request.feature_file, {"chunking.chunk_tokens": f"{chosen['chunk_tokens']:g}"})
        )
    for path, values in files:
        text = path.read_text("utf-8") if path.exists() else ""
        path.write_text(with_values(text, values, evidence(report)), "utf-8")
    return [path for path, _ in files]


def evidence(report: TuneReport) -> list[str]:
    """Returns, in three lines, what the choice rests on."""
    tried = " ".join(f"{name}={value:g}" for name, value in report.chosen.items())
    gain = report.held_out.difference
    verdict = "taken" if report.changed else "not clearly better: the values before were kept"
    return [
        f"{report.source}; {len(report.trials)} combinations on {report.development_questions} "
        f"questions, judged on {report.held_out_questions} others (seed {report.seed})",
        f"best: {tried}",
        f"held-out nDCG@10 {report.default_held_out:.4f} {gain.mean:+.4f} "
        f"[{gain.low:+.4f}, {gain.high:+.4f}]: {verdict}",
    ]
