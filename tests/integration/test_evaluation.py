"""The evaluation and tuning pipelines on the real index engine; the models need no weights."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage

from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.application.evaluation.tuning import TuneConfig
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.rag.config import RagConfig
from llm_engineering.application.rag.prompts import REFUSAL
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.evaluation import EvaluationReport
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.in_memory.question_set_store import InMemoryQuestionSetStore
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from llm_engineering.settings import load_config, load_settings
from pipelines.evaluation import EvaluationRequest, run_evaluation
from pipelines.feature import run_feature
from pipelines.tuning import TuneRequest, run_tuning
from tests.documents import make_article
from tests.unit.application.evaluation.collection_making import write_collection
from tests.unit.application.evaluation.qa_making import write_qa

FEATURES = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=48, heading_tokens=12))
CONFIG = EvaluationConfig(
    variants=("bm25", "dense", "hybrid"),
    resamples=100,
    questions=10,
    tune=TuneConfig(chunk_tokens=(32,), candidates=(5,), dense_weight=(0.2,), rerank=()),
)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    settings = load_settings(DATA_DIR=tmp_path / "data", RAG_CONFIG=tmp_path / "rag.yaml")
    with Platform(settings) as platform:
        platform.document_store = InMemoryDocumentStore()
        platform.likeness_store = InMemoryLikenessStore()
        platform.question_set_store = InMemoryQuestionSetStore()
        platform.embedding_model = HashingEmbeddingModel(dimension=64)
        platform.sparse_encoder = WordSparseEncoder()
        platform.tracker = InMemoryTracker()
        yield platform


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "harbour")


def evaluated(platform: Platform, request: EvaluationRequest) -> EvaluationReport:
    return run_evaluation(platform, CONFIG, FEATURES, request, SilentProgress())


def test_a_collection_is_searched_in_an_index_of_its_own(
    platform: Platform, dataset: Path, tmp_path: Path
) -> None:
    report = evaluated(platform, EvaluationRequest(dataset=dataset)).retrieval
    assert report is not None
    assert (report.documents, report.chunks, report.questions, report.unjudged) == (5, 5, 4, 1)
    assert [one.variant for one in report.variants] == ["bm25", "dense", "hybrid"]
    for one in report.variants:
        assert one.metrics["Recall@100"].mean >= 0.75
        assert one.cpu_ms["search"] > 0
    assert "embed" not in report.variants[0].cpu_ms
    assert platform.chunk_index.live() is None
    assert list((tmp_path / "data" / "scratch").iterdir()) == []


def test_the_report_is_written_and_tracked(
    platform: Platform, dataset: Path, tmp_path: Path
) -> None:
    report = evaluated(platform, EvaluationRequest(dataset, output=tmp_path / "out"))
    assert report.html == str(tmp_path / "out" / "report.html")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("<svg") == 3
    data = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert EvaluationReport.model_validate(data) == report
    assert isinstance(platform.tracker, InMemoryTracker)
    (task,) = platform.tracker.tasks
    assert (task.kind, task.outcome, report.tracked_at) == ("testing", "done", task.location)
    assert task.recorded_artifacts["report"] == page.encode()
    assert {title for title, *_ in task.recorded_scalars} == {"quality", "cpu ms"}
    assert task.recorded_tables[0][0] == "differences"


def test_rankings_are_written_for_other_scorers(
    platform: Platform, dataset: Path, tmp_path: Path
) -> None:
    evaluated(platform, EvaluationRequest(dataset, run_out=tmp_path / "runs" / "run.jsonl"))
    files = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert files == ["run.bm25.jsonl", "run.dense.jsonl", "run.hybrid.jsonl"]
    lines = (tmp_path / "runs" / "run.hybrid.jsonl").read_text("utf-8").splitlines()
    merged = {name: ranking for line in lines for name, ranking in json.loads(line).items()}
    assert list(merged) == ["q1", "q2", "q3", "q4"]
    assert merged["q1"][0][0] == "d/1"
    scores = [score for _, score in merged["q1"]]
    assert scores == sorted(scores, reverse=True)


def test_filters_are_checked_against_the_collection(
    platform: Platform, dataset: Path, tmp_path: Path
) -> None:
    corpus = dataset / "corpus.jsonl"
    first, *others = corpus.read_text("utf-8").splitlines()
    named = json.dumps({**json.loads(first), "author": "Grace Hopper"})
    corpus.write_text("\n".join([named, *others]) + "\n", "utf-8")
    cases = tmp_path / "cases.jsonl"
    lines = (
        {
            "query": "papers by Grace Hopper",
            "expected_filter": {"author": "Hopper, Grace"},
            "relevant": ["d/1"],
        },
        {"query": "how do spring tides come about", "expected_filter": {}},
    )
    cases.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    report = evaluated(platform, EvaluationRequest(dataset, self_query=cases)).self_query
    assert report is not None
    assert (report.exact, report.invented, report.recall_at_10) == (1.0, 0.0, 1.0)
    assert report.without_model == 1.0


def crawl_and_index(platform: Platform, *subjects: str) -> None:
    for subject in subjects:
        body = "".join(
            f"## {subject} {part}\n\nThe {part} of a {subject} is checked before each voyage. "
            "Every sailor knows how that is done, and does it in the harbour.\n\n"
            for part in ("handle", "cover", "bolt")
        )
        url = f"https://example.org/{subject}"
        platform.document_store.save(make_article(body, url=url, title=f"The {subject}"))
    run_feature(platform, FEATURES, SilentProgress())


def test_ones_own_corpus_gives_numbers_without_labels(platform: Platform) -> None:
    crawl_and_index(platform, "pump", "anchor", "compass")
    first = evaluated(platform, EvaluationRequest()).retrieval
    assert first is not None
    assert first.source == "own corpus, questions of version 1 (headings)"
    assert first.questions == 3  # a page each: the other sections answer alike
    assert first.variants[-1].metrics["Recall@10"].mean > 0.5


def test_the_same_questions_are_asked_until_new_ones_are_wanted(platform: Platform) -> None:
    crawl_and_index(platform, "pump", "anchor", "compass")
    sources = [
        evaluated(platform, EvaluationRequest(new_questions=anew)).retrieval
        for anew in (False, False, True)
    ]
    versions = [one.source.partition(" (")[0][-1] for one in sources if one]
    assert versions == ["1", "1", "2"]


def test_without_an_index_it_says_what_to_type(platform: Platform) -> None:
    with pytest.raises(InvalidInput, match="poe run-etl"):
        evaluated(platform, EvaluationRequest())


def test_a_collection_without_any_text_is_refused(platform: Platform, dataset: Path) -> None:
    (dataset / "corpus.jsonl").write_text('{"_id": "d2", "title": "", "text": "  "}\n', "utf-8")
    (dataset / "qrels.tsv").write_text("q2\td2\t1\n", "utf-8")
    with pytest.raises(InvalidInput, match="no document has any text"):
        evaluated(platform, EvaluationRequest(dataset))


RAG_FILE = "k: 4\ncandidates: 100   # of each search\ndense_weight: 0.6\n"


def test_tuning_judges_on_held_out_questions_and_writes_its_evidence(
    platform: Platform, dataset: Path, tmp_path: Path
) -> None:
    rag = tmp_path / "rag.yaml"
    rag.write_text(RAG_FILE, "utf-8")
    request = TuneRequest(rag, tmp_path / "feature.yaml", dataset)
    report = run_tuning(platform, CONFIG, FEATURES, request, SilentProgress())
    assert (report.development_questions, report.held_out_questions) == (2, 2)
    assert 2 <= len(report.trials) <= 4
    assert {trial.setting["chunk_tokens"] for trial in report.trials} == {48.0, 32.0}
    assert not report.changed  # two questions prove nothing
    lines = rag.read_text("utf-8").splitlines()
    assert [line[:9] for line in lines[:3]] == ["# tuned: "] * 3
    assert "not clearly better" in lines[2]
    assert load_config(rag, RagConfig) == RagConfig()
    assert not (tmp_path / "feature.yaml").exists()
    assert report.written == (str(rag),)


def test_a_dry_run_writes_nothing(platform: Platform, dataset: Path, tmp_path: Path) -> None:
    rag = tmp_path / "rag.yaml"
    rag.write_text(RAG_FILE, "utf-8")
    request = TuneRequest(rag, tmp_path / "feature.yaml", dataset, dry_run=True)
    report = run_tuning(platform, CONFIG, FEATURES, request, SilentProgress())
    assert rag.read_text("utf-8") == RAG_FILE
    assert report.written == ()


def test_tuning_on_ones_own_corpus_leaves_the_index_alone(
    platform: Platform, tmp_path: Path
) -> None:
    crawl_and_index(platform, "pump", "anchor", "compass")
    live = platform.chunk_index.live()
    request = TuneRequest(tmp_path / "rag.yaml", tmp_path / "feature.yaml", dry_run=True)
    report = run_tuning(platform, CONFIG, FEATURES, request, SilentProgress())
    assert {trial.setting["chunk_tokens"] for trial in report.trials} == {48.0}
    assert platform.chunk_index.live() == live


def test_answers_are_measured_with_the_real_generator(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(messages: Sequence[BaseMessage]) -> str:
        asked = messages[-1].text
        pump = "The bilge pump starts at four centimetres."
        return pump if asked.endswith("When does the bilge pump start?") else REFUSAL

    monkeypatch.setattr(platform, "chat_model", lambda _: ScriptedChatModel(says))
    request = EvaluationRequest(qa=write_qa(tmp_path / "qa.jsonl"), output=tmp_path / "out")
    report = evaluated(platform, request)
    assert report.retrieval is None
    assert report.answers is not None
    assert (report.answers.questions, report.answers.answerable) == (7, 4)
    assert report.answers.contains_gold.mean == 0.25
    assert report.answers.citation_right.mean == 1.0
    assert report.answers.refusal_recall.mean == 1.0
    assert report.answers.refusal_precision.mean == 0.5
    assert report.answers.refusal_without_gold.mean == 1.0  # the checker finds it nowhere
    assert "cited passage right" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert isinstance(platform.tracker, InMemoryTracker)
    assert {title for title, *_ in platform.tracker.tasks[0].recorded_scalars} == {"answers"}
    half = evaluated(platform, dataclasses.replace(request, limit=3, seed=1)).answers
    assert half is not None
    assert (half.questions, half.seed) == (3, 1)
