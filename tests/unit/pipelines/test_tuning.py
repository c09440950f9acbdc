"""The tuning pipeline: what it tries, when it changes the settings, and which files it writes."""

import json
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.tuning import TuneConfig, TuneReport
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.settings import load_config
from pipelines.tuning import TuneRequest, evidence, run_tuning
from tests.platforms import FEATURES, InMemoryPlatform, put_pages

COUNT = 24
WORDS = EvaluationConfig(
    resamples=200,
    tune=TuneConfig(chunk_tokens=(), candidates=(), dense_weight=(0.0,), rerank=()),
)


@pytest.fixture
def platform(tmp_path: Path) -> InMemoryPlatform:
    """Searches by meaning alone, of which the embedder of four numbers knows little."""
    (tmp_path / "rag.yaml").write_text("k: 4\ndense_weight: 1.0   # meaning\n", "utf-8")
    opened = InMemoryPlatform(tmp_path)
    opened.embedding_model = type(opened.embedding_model)(dimension=4)  # type: ignore[call-arg]
    return opened


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Pages that only a number tells apart, and a question for each."""
    folder = tmp_path / "piers"
    folder.mkdir()
    pages = (
        {"_id": f"d{n}", "text": f"Pier number x{n * 7919} is kept by crew y{n * 104729} alone."}
        for n in range(COUNT)
    )
    asked = ({"_id": f"q{n}", "text": f"Who keeps x{n * 7919}?"} for n in range(COUNT))
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, pages)), "utf-8")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)), "utf-8")
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(COUNT))
    (folder / "qrels.tsv").write_text(judged, "utf-8")
    return folder


def request(tmp_path: Path, dataset: Path | None, *, dry_run: bool = False) -> TuneRequest:
    return TuneRequest(tmp_path / "rag.yaml", tmp_path / "feature.yaml", dataset, dry_run)


def tuned(
    platform: InMemoryPlatform,
    given: TuneRequest,
    config: EvaluationConfig = WORDS,
    progress: SilentProgress | None = None,
) -> TuneReport:
    return run_tuning(platform, config, FEATURES, given, progress or SilentProgress())


def test_what_is_clearly_better_is_taken_and_written(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    report = tuned(platform, request(tmp_path, dataset))
    assert report.changed
    assert (report.default["dense_weight"], report.chosen["dense_weight"]) == (1.0, 0.0)
    assert report.held_out.difference.low > 0.0
    assert report.written == (str(tmp_path / "rag.yaml"),)
    text = (tmp_path / "rag.yaml").read_text("utf-8")
    assert "dense_weight: 0" in text
    assert "# meaning" in text
    assert text.splitlines()[2].endswith(": taken")
    written = load_config(tmp_path / "rag.yaml", RagConfig)
    assert (written.k, written.dense_weight) == (4, 0.0)
    assert not (tmp_path / "feature.yaml").exists()


def test_a_second_tuning_finds_nothing_better(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    tuned(platform, request(tmp_path, dataset))
    again = InMemoryPlatform(tmp_path)
    again.embedding_model = platform.embedding_model
    report = tuned(again, request(tmp_path, dataset))
    assert not report.changed
    assert report.default == report.chosen
    assert report.held_out.difference.mean == 0.0
    text = (tmp_path / "rag.yaml").read_text("utf-8")
    assert text.count("# tuned: ") == 3
    assert load_config(tmp_path / "rag.yaml", RagConfig).dense_weight == 0.0


def test_a_dry_run_tells_the_same_and_writes_nothing(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    before = (tmp_path / "rag.yaml").read_text("utf-8")
    dry = tuned(platform, request(tmp_path, dataset, dry_run=True))
    assert (tmp_path / "rag.yaml").read_text("utf-8") == before
    assert dry.written == ()
    assert tuned(platform, request(tmp_path, dataset)).model_copy(update={"written": ()}) == dry


def test_the_halves_share_no_question_and_the_seed_draws_them(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    share = TuneConfig(
        chunk_tokens=(), candidates=(), dense_weight=(), rerank=(), development_share=0.25
    )
    config = EvaluationConfig(resamples=100, tune=share)
    given = request(tmp_path, dataset, dry_run=True)
    report = tuned(platform, given, config)
    assert (report.development_questions, report.held_out_questions) == (6, 18)
    assert report == tuned(platform, given, config)
    other = tuned(platform, given, config.model_copy(update={"seed": 4}))
    assert other.trials[0].development != report.trials[0].development


def test_a_chosen_chunk_size_goes_into_the_file_of_the_features(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunk size makes no difference here: the choice is made by hand."""
    (tmp_path / "feature.yaml").write_text(
        "batch_size: 8\nchunking:   # in tokens\n  heading_tokens: 12\n", "utf-8"
    )
    monkeypatch.setattr(
        "pipelines.tuning.search",
        lambda default, _config, measure: (
            chosen := type(default)(32, 50, 0.0, False),
            {default: measure(default), chosen: measure(chosen)},
        ),
    )
    report = tuned(platform, request(tmp_path, dataset))
    assert report.written == (str(tmp_path / "rag.yaml"), str(tmp_path / "feature.yaml"))
    features = load_config(tmp_path / "feature.yaml", FeatureConfig)
    assert (features.chunking.chunk_tokens, features.chunking.heading_tokens) == (32, 12)
    assert features.batch_size == 8
    rag = load_config(tmp_path / "rag.yaml", RagConfig)
    assert (rag.candidates, rag.rerank.enabled) == (50, False)


def test_each_chunk_size_is_indexed_once(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    config = EvaluationConfig(
        resamples=100,
        tune=TuneConfig(chunk_tokens=(32, 40), candidates=(5, 9), dense_weight=(), rerank=()),
    )
    progress = SilentProgress()
    report = tuned(platform, request(tmp_path, dataset, dry_run=True), config, progress)
    assert {one.setting["chunk_tokens"] for one in report.trials} == {48.0, 32.0, 40.0}
    assert progress.done["index documents"] == COUNT * 3
    assert len(report.trials) == len({json.dumps(one.setting) for one in report.trials})


def test_the_live_index_and_its_documents_are_left_alone(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    put_pages(platform)
    before = [(one.generation, one.chunks, one.live) for one in platform.chunk_index.generations()]
    tuned(platform, request(tmp_path, dataset, dry_run=True))
    after = [(one.generation, one.chunks, one.live) for one in platform.chunk_index.generations()]
    assert before == after


@pytest.mark.parametrize(("count", "share"), [(1, 0.5), (2, 0.1), (2, 0.9), (3, 0.15)])
def test_too_few_questions_are_not_split(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path, count: int, share: float
) -> None:
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(count))
    (dataset / "qrels.tsv").write_text(judged, "utf-8")
    tune = WORDS.tune.model_copy(update={"development_share": share})
    with pytest.raises(InvalidInput, match=f"piers: {count} questions are too few to split"):
        tuned(platform, request(tmp_path, dataset), WORDS.model_copy(update={"tune": tune}))


def test_without_an_index_it_says_what_to_type(platform: InMemoryPlatform, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="poe run-etl"):
        tuned(platform, request(tmp_path, None))


def test_the_evidence_says_what_was_tried_and_what_came_of_it(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    first, best, held_out = evidence(tuned(platform, request(tmp_path, dataset, dry_run=True)))
    assert first == "piers; 2 combinations on 12 questions, judged on 12 others (seed 17)"
    assert best == "best: chunk_tokens=48 candidates=100 dense_weight=0 rerank=1"
    assert held_out.startswith("held-out nDCG@10 0.")
    assert held_out.endswith(": taken")
