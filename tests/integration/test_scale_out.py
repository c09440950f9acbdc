"""The feature pipeline in several processes and on a Ray cluster of two, with the real embedder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.application.ports.execution import Engine
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from llm_engineering.settings import load_settings
from pipelines.feature import run_feature
from tests.documents import make_article, make_file

ROOT = Path(__file__).parents[2]
CONFIG = FeatureConfig(
    chunking=ChunkingConfig(chunk_tokens=64, heading_tokens=16), batch_documents=3
)

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform whose stores are in memory, with a corpus: the domain's own code."""
    settings = load_settings(DATA_DIR=tmp_path, MODELS_DIR=ROOT / ".models")
    with Platform(settings) as opened:
        store = InMemoryDocumentStore()
        for path in sorted((ROOT / "llm_engineering" / "domain").glob("*.py")):
            store.save(make_file(path.read_text(encoding="utf-8"), path=path.name))
        store.save(make_article("# Tides\n\nThe tide turns at six.", title="Tides"))
        vars(opened)["document_store"] = store
        vars(opened)["likeness_store"] = InMemoryLikenessStore()
        vars(opened)["chunk_index"] = InMemoryChunkIndex()
        yield opened


def run(platform: Platform, engine: Engine, workers: int) -> list[EmbeddedChunk]:
    """Returns the whole index that a first run makes."""
    index = InMemoryChunkIndex()
    vars(platform)["chunk_index"] = index
    report = run_feature(platform, CONFIG, SilentProgress(), engine, workers)
    assert report.ok
    assert report.cpu_s["embed"] > 0
    live = index.live()
    assert live
    return sorted(index.scroll(live), key=lambda chunk: chunk.id)


def test_every_engine_makes_the_same_index(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "200")
    here = run(platform, Engine.LOCAL, 1)
    assert len(here) > 20
    for engine in (Engine.LOCAL, Engine.RAY):
        there = run(platform, engine, 2)
        assert [chunk.id for chunk in there] == [chunk.id for chunk in here]
        for mine, theirs in zip(here, there, strict=True):
            assert theirs == mine.model_copy(update={"embedding": theirs.embedding})
            assert theirs.embedding == pytest.approx(mine.embedding, abs=2e-3)
