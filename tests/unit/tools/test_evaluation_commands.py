"""`poe run-evaluation` and `poe tune` as commands, over indexes in memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from llm_engineering.application.evaluation.variants import VARIANTS
from tests.platforms import PAGES, InMemoryPlatform, put_pages, quoting
from tests.unit.application.evaluation.collection_making import write_collection
from tests.unit.application.evaluation.qa_making import write_qa
from tests.unit.tools.conftest import Run, errors
from tools.evaluation import app

FEATURES = "chunking: {chunk_tokens: 48, heading_tokens: 12}\n"
EVALUATION = """
variants: [bm25, hybrid]
resamples: 100
questions: 6
tune: {chunk_tokens: [32], candidates: [5], dense_weight: [0.2], rerank: []}
"""


@pytest.fixture
def call(run: Callable[[typer.Typer], Run], platform: InMemoryPlatform) -> Run:
    configs = Path("configs")
    configs.mkdir()
    (configs / "feature.yaml").write_text(FEATURES, "utf-8")
    (configs / "evaluation.yaml").write_text(EVALUATION, "utf-8")
    assert platform.settings.DATA_DIR.parent == Path.cwd()
    return run(app)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "harbour")


# --- run


def test_a_collection_is_measured_and_the_report_is_written(call: Run, dataset: Path) -> None:
    done = call("run", "--dataset", dataset, "--report", "out")
    line, then = done.stdout.splitlines()[-2:]
    assert line.startswith("harbour: 4 questions on 5 documents; best ")
    assert then == "next: open out/report.html"
    assert Path("out/report.html").read_text("utf-8").startswith("<!doctype html>")
    assert "bm25" in done.stdout
    assert "hybrid - bm25" in " ".join(done.stdout.split())


def test_without_a_folder_the_report_lies_in_the_data_folder(
    call: Run, platform: InMemoryPlatform, dataset: Path
) -> None:
    told = json.loads(call("run", "--dataset", dataset, "--json").stdout)
    report = Path(told["html"])
    assert report.is_file()
    assert report.parent.parent == platform.folder("evaluation")
    assert report.parent.name.endswith("-harbour")


@pytest.mark.parametrize("chosen", [("bm25", "dense"), ("bm25", "bm25")])
def test_variants_of_the_call_stand_in_for_those_of_the_file(
    call: Run, dataset: Path, chosen: tuple[str, ...]
) -> None:
    options = [part for name in chosen for part in ("--variant", name)]
    told = json.loads(call("run", "--dataset", dataset, *options, "--json").stdout)
    measured = [one["variant"] for one in told["retrieval"]["variants"]]
    assert measured == list(dict.fromkeys(chosen))


def test_rankings_are_written_where_they_are_wanted(call: Run, dataset: Path) -> None:
    out = Path("runs/run.jsonl")
    call("run", "--dataset", dataset, "--variant", "bm25", "--run-out", out)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [list(line) for line in lines] == [["q1"], ["q2"], ["q3"], ["q4"]]


def test_ones_own_corpus_is_measured_without_labels(call: Run, platform: InMemoryPlatform) -> None:
    put_pages(platform)
    first = json.loads(call("run", "--json").stdout)["retrieval"]
    assert first["source"].startswith("own corpus, questions of version 1")
    again = json.loads(call("run", "--new-questions", "--json").stdout)["retrieval"]
    assert again["source"].startswith("own corpus, questions of version 2")
    assert again["documents"] == len(PAGES)


def test_answers_are_measured(call: Run, platform: InMemoryPlatform, tmp_path: Path) -> None:
    platform.model = quoting("The bilge pump starts at four centimetres.")
    qa = write_qa(tmp_path / "qa.jsonl")
    done = call("run", "--qa", qa, "--report", "out")
    line = done.stdout.splitlines()[-2]
    assert line.startswith("qa: 7 questions answered by local:")
    assert "(seed " in line
    three = json.loads(
        call("run", "--qa", qa, "--limit", 3, "--seed", 5, "--model", "openai:m", "--json").stdout
    )["answers"]
    assert (three["questions"], three["seed"], three["model"]) == (3, 5, "openai:m")


def test_filters_are_measured(call: Run, platform: InMemoryPlatform, tmp_path: Path) -> None:
    put_pages(platform)
    cases = tmp_path / "cases.jsonl"
    lines = (
        {
            "query": "What did Ada Lovelace write about pumps?",
            "expected_filter": {"author": "Ada Lovelace"},
        },
        {"query": "Which lantern is shown astern?", "expected_filter": {}},
        {"query": "Who wrote of anchors?", "expected_filter": {"author": "Grace Hopper"}},
    )
    cases.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    done = call("run", "--self-query", cases)
    assert "self-query: 66.7% exact" in done.stdout
    assert "Grace Hopper" in done.stdout  # the miss is listed
    assert "100.0% without the model" in done.stdout


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--variant", "magic"), f"--variant: 'magic' (allowed: {', '.join(VARIANTS)})"),
        (("--dataset", "nowhere"), "nowhere"),
        (("--qa", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--self-query", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: No such file"),
        (("--feature-config", "nowhere.yaml"), "nowhere.yaml: No such file"),
        ((), "nothing is indexed: type 'poe run-etl'"),
    ],
)
def test_a_wrong_call_is_one_line(call: Run, options: tuple[str, ...], named: str) -> None:
    (error,) = errors(call("run", *options, status=2))
    assert named in error


@pytest.mark.parametrize("options", [("--limit", "0"), ("--seed", "-1"), ("--limit", "few")])
def test_numbers_out_of_range_are_refused(call: Run, options: tuple[str, str]) -> None:
    assert options[0] in call("run", *options, status=2).stderr


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("corpus.jsonl", "{", "corpus.jsonl"),
        ("queries.jsonl", '{"_id": 1}\n', "queries.jsonl"),
        ("qrels.tsv", "q1\td/1\n", "qrels.tsv"),
        ("qrels.tsv", "", "qrels.tsv"),
    ],
)
def test_a_spoiled_collection_names_its_file(
    call: Run, dataset: Path, file: str, text: str, named: str
) -> None:
    (dataset / file).write_text(text, "utf-8")
    (error,) = errors(call("run", "--dataset", dataset, status=2))
    assert named in error


def test_the_live_index_is_left_alone(call: Run, platform: InMemoryPlatform, dataset: Path) -> None:
    put_pages(platform)
    before = [(one.generation, one.chunks, one.live) for one in platform.chunk_index.generations()]
    call("run", "--dataset", dataset)
    after = [(one.generation, one.chunks, one.live) for one in platform.chunk_index.generations()]
    assert after == before
    assert len(list(platform.documents.documents())) == len(PAGES)


def test_a_store_that_is_down_is_no_bad_result(call: Run, platform: InMemoryPlatform) -> None:
    put_pages(platform)
    call("run")
    platform.documents.outage = True
    cases = Path("cases.jsonl")
    cases.write_text('{"query": "papers of Ada Lovelace", "expected_filter": {}}\n', "utf-8")
    done = call("run", "--self-query", cases, status=1)
    assert errors(done) == ["the in-memory store is set to be unavailable"]


# --- tune


def test_tuning_tells_every_trial_and_its_choice(call: Run, dataset: Path) -> None:
    rag = Path("rag.yaml")
    rag.write_text("k: 4   # passages\n", "utf-8")
    done = call("tune", "--dataset", dataset)
    line, then = done.stdout.splitlines()[-2:]
    assert line.startswith("best of ")
    assert "not clearly better, the default stays; wrote " in line
    assert then == "next: poe run-evaluation"
    assert "development nDCG@10" in done.stdout
    text = rag.read_text("utf-8")
    assert text.count("# tuned: ") == 3
    assert "k: 4   # passages" in text


def test_a_dry_run_of_tuning_writes_nothing(call: Run, dataset: Path) -> None:
    told = json.loads(call("tune", "--dataset", dataset, "--dry-run", "--json").stdout)
    assert told["written"] == []
    assert not Path("rag.yaml").exists()
    assert Path("configs/feature.yaml").read_text("utf-8") == FEATURES
    assert {trial["setting"]["chunk_tokens"] for trial in told["trials"]} == {48.0, 32.0}


def test_tuning_on_ones_own_corpus_leaves_the_index(call: Run, platform: InMemoryPlatform) -> None:
    put_pages(platform)
    live = platform.chunk_index.live()
    told = json.loads(call("tune", "--json", "--dry-run").stdout)
    assert {trial["setting"]["chunk_tokens"] for trial in told["trials"]} == {48.0}
    assert platform.chunk_index.live() == live


def test_one_question_cannot_be_split(call: Run, dataset: Path) -> None:
    (dataset / "qrels.tsv").write_text("q1\td/1\t1\n", "utf-8")
    (error,) = errors(call("tune", "--dataset", dataset, status=2))
    assert error == "harbour: 1 questions are too few to split"
