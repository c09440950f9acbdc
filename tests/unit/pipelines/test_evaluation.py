"""The evaluation pipeline over indexes in memory: what it reads, leaves alone, and writes."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from llm_engineering.application.evaluation.collection import read_collection
from llm_engineering.application.evaluation.config import EvaluationConfig
from llm_engineering.domain.errors import InvalidInput, ModelError, StoreUnavailable
from llm_engineering.domain.evaluation import EvaluationReport
from llm_engineering.domain.queries import Candidate
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.infrastructure.in_memory.tracking import InMemoryTracker
from pipelines.evaluation import EvaluationRequest, index_collection, run_evaluation
from pipelines.steps.make_questions import questions_of_corpus
from tests.documents import make_article
from tests.platforms import FEATURES, PAGES, InMemoryPlatform, put_pages, quoting
from tests.unit.application.evaluation.collection_making import write_collection
from tests.unit.application.evaluation.qa_making import RECORDS, write_qa

CONFIG = EvaluationConfig(variants=("bm25",), resamples=100, questions=6)
GOLD = "The bilge pump starts at four centimetres."


@pytest.fixture
def platform(tmp_path: Path) -> InMemoryPlatform:
    return InMemoryPlatform(tmp_path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "harbour")


def evaluated(
    platform: InMemoryPlatform,
    request: EvaluationRequest,
    config: EvaluationConfig = CONFIG,
    progress: SilentProgress | None = None,
) -> EvaluationReport:
    return run_evaluation(platform, config, FEATURES, request, progress or SilentProgress())


# --- what is evaluated


def test_each_part_is_there_only_if_it_was_asked_for(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    qa = write_qa(tmp_path / "qa.jsonl")
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"query": "on tides", "expected_filter": {}}\n', "utf-8")
    put_pages(platform)
    asked = {
        (True, True, True): EvaluationRequest(dataset, self_query=cases, qa=qa),
        (False, True, False): EvaluationRequest(self_query=cases),
        (False, False, True): EvaluationRequest(qa=qa),
        (False, True, True): EvaluationRequest(self_query=cases, qa=qa),
    }
    for parts, request in asked.items():
        found = evaluated(platform, request)
        got = (found.retrieval is not None, found.self_query is not None, found.answers is not None)
        assert got == parts, request


def test_progress_names_every_stage(platform: InMemoryPlatform, tmp_path: Path) -> None:
    qa, progress = write_qa(tmp_path / "qa.jsonl"), SilentProgress()
    evaluated(platform, EvaluationRequest(qa=qa), progress=progress)
    assert progress.done["answer"] == len(RECORDS)
    assert progress.done["answer without gold"] == sum(not one["is_impossible"] for one in RECORDS)


def test_copies_in_a_collection_stay_because_they_are_judged(
    platform: InMemoryPlatform, dataset: Path
) -> None:
    text = "A bowline makes a loop that does not slip, however hard the rope is pulled. " * 4
    lines = [json.dumps({"_id": name, "text": text}) for name in ("a", "b")]
    (dataset / "corpus.jsonl").write_text("\n".join(lines), "utf-8")
    (dataset / "qrels.tsv").write_text("q1\tb\t1\n", "utf-8")
    report = evaluated(platform, EvaluationRequest(dataset)).retrieval
    assert report is not None
    assert report.documents == 2
    assert report.variants[0].metrics["Recall@10"].mean == 1.0


def test_one_question_has_an_interval_of_no_width(
    platform: InMemoryPlatform, dataset: Path
) -> None:
    (dataset / "qrels.tsv").write_text("q1\td/1\t1\n", "utf-8")
    report = evaluated(platform, EvaluationRequest(dataset)).retrieval
    assert report is not None
    assert report.questions == 1
    for interval in report.variants[0].metrics.values():
        assert interval.low == interval.mean == interval.high
    assert report.comparisons == ()


def test_questions_in_any_script_are_asked_and_shown(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    odd = ["Где насос <b>?", "ポンプはどこ", "🚢⚓?", "\u202eesrever", "pump & hull"]
    lines = [json.dumps({"_id": f"q{n}", "text": text}) for n, text in enumerate(odd, 1)]
    (dataset / "queries.jsonl").write_text("\n".join(lines), "utf-8")
    (dataset / "qrels.tsv").write_text("".join(f"q{n}\td2\t1\n" for n in range(1, 6)), "utf-8")
    report = evaluated(platform, EvaluationRequest(dataset, output=tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Где насос &lt;b&gt;?" in page
    assert "<b>?" not in page
    data = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert EvaluationReport.model_validate(data) == report


# --- one's own corpus


def test_a_changed_page_leaves_its_questions_out(platform: InMemoryPlatform) -> None:
    put_pages(platform)
    first = evaluated(platform, EvaluationRequest()).retrieval
    assert first is not None
    changed = make_article("## New\n\nNothing of the old is left.", url="https://example.org/pump")
    platform.documents.save(changed)
    put_pages(platform, "anchor")
    second = evaluated(platform, EvaluationRequest()).retrieval
    assert second is not None
    assert (second.questions < first.questions, second.unjudged > 0) == (True, True)
    assert second.questions + second.unjudged == first.questions


def test_a_page_that_is_gone_leaves_its_questions_out(platform: InMemoryPlatform) -> None:
    put_pages(platform)
    first = evaluated(platform, EvaluationRequest()).retrieval
    platform.forget_all_but("anchor", "compass", "lantern")
    second = evaluated(platform, EvaluationRequest()).retrieval
    assert first is not None
    assert second is not None
    assert second.documents == len(PAGES) - 1
    assert second.questions + second.unjudged == first.questions


def test_where_nothing_is_left_it_says_how_to_go_on(platform: InMemoryPlatform) -> None:
    put_pages(platform)
    evaluated(platform, EvaluationRequest())
    platform.forget_all_but()
    with pytest.raises(InvalidInput, match="--new-questions"):
        evaluated(platform, EvaluationRequest())


def test_the_model_words_the_questions_where_it_is_asked_to(platform: InMemoryPlatform) -> None:
    put_pages(platform)
    numbers = iter(range(100))
    platform.model = ScriptedChatModel(lambda _: f"What is said in section {next(numbers)}?")
    config = CONFIG.model_copy(update={"wording": "model"})
    made = questions_of_corpus(
        platform.chunk_index,
        platform.question_set_store,
        platform.chat_model,
        config,
        lambda: make_article("x").fetched_at,
        SilentProgress(),
    )
    assert {one.text[:23] for one in made.questions} == {"What is said in section"}
    assert made.wording == "model"


def test_questions_that_could_not_be_made_are_not_stored(platform: InMemoryPlatform) -> None:
    put_pages(platform)
    platform.model = ScriptedChatModel([ModelError("the model is gone")] * 99)
    config = CONFIG.model_copy(update={"wording": "model"})
    with pytest.raises(ModelError):
        evaluated(platform, EvaluationRequest(), config)
    assert platform.question_set_store.latest() is None


# --- what fails, and what is left then


class Failing(InMemoryChunkIndex):
    """Answers so many searches, and is out of reach then."""

    left = 10**6

    def candidates(
        self, searches: Sequence[object], *, limit: int
    ) -> Sequence[Sequence[Candidate]]:
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("the index is out of reach")
        return super().candidates(searches, limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("searches", [0, 1, 3])
def test_an_outage_leaves_no_report(platform: InMemoryPlatform, searches: int) -> None:
    index = Failing()
    platform.chunk_index = index
    put_pages(platform)
    index.left = searches
    with pytest.raises(StoreUnavailable):
        evaluated(platform, EvaluationRequest())
    assert list(platform.folder("evaluation").iterdir()) == []
    assert isinstance(platform.tracker, InMemoryTracker)
    assert platform.tracker.tasks == []
    index.left = 10**6
    assert evaluated(platform, EvaluationRequest()).retrieval is not None


def test_a_model_that_fails_in_the_middle_is_no_wrong_answer(
    platform: InMemoryPlatform, tmp_path: Path
) -> None:
    class Broken(HashingEmbeddingModel):
        def embed_query(self, text: str) -> tuple[float, ...]:
            raise ModelError("the embedder is gone")

    platform.embedding_model = Broken(dimension=64)
    with pytest.raises(ModelError):
        evaluated(platform, EvaluationRequest(qa=write_qa(tmp_path / "qa.jsonl")))


def test_a_report_that_is_there_is_replaced_as_a_whole(
    platform: InMemoryPlatform, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    evaluated(platform, EvaluationRequest(dataset, output=out))
    (out / "notes.txt").write_text("mine", "utf-8")
    qa = write_qa(tmp_path / "qa.jsonl")
    platform.model = quoting(GOLD)
    report = evaluated(platform, EvaluationRequest(qa=qa, output=out))
    assert report.retrieval is None
    assert "<svg" not in (out / "report.html").read_text("utf-8")
    assert json.loads((out / "report.json").read_text("utf-8"))["retrieval"] is None
    assert (out / "notes.txt").read_text("utf-8") == "mine"


def test_the_same_seed_draws_the_same_questions(platform: InMemoryPlatform, tmp_path: Path) -> None:
    qa = write_qa(tmp_path / "qa.jsonl")
    platform.model = quoting(GOLD)

    def asked(seed: int | None) -> list[str]:
        found = evaluated(platform, EvaluationRequest(qa=qa, limit=4, seed=seed)).answers
        assert found is not None
        assert found.seed == (CONFIG.seed if seed is None else seed)
        return [miss.question for miss in found.misses]

    first = asked(CONFIG.seed)
    assert asked(None) == first
    assert any(asked(seed) != first for seed in range(4))


def test_a_collection_of_empty_texts_is_refused(platform: InMemoryPlatform, dataset: Path) -> None:
    (dataset / "corpus.jsonl").write_text('{"_id": "d2", "text": " \\n"}\n', "utf-8")
    (dataset / "qrels.tsv").write_text("q2\td2\t1\n", "utf-8")
    with pytest.raises(InvalidInput, match="harbour: no document has any text"):
        evaluated(platform, EvaluationRequest(dataset))


def test_indexing_a_collection_again_writes_nothing(
    platform: InMemoryPlatform, dataset: Path
) -> None:
    collection = read_collection(dataset)
    first = index_collection(platform, collection, FEATURES, SilentProgress())
    again = index_collection(platform, collection, FEATURES, SilentProgress())
    assert first.chunks_written > 0
    assert (again.chunks_written, again.documents_unchanged) == (0, 5)
