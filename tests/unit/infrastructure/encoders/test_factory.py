from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.factory import (
    ActiveReranker,
    EncoderOptions,
    Runtime,
    make_embedding_model,
    make_pair_scorer,
)
from llm_engineering.infrastructure.encoders.failure_memory import FailureMemory
from llm_engineering.infrastructure.encoders.late_interaction import LateInteractionScorer
from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.openvino_embedding import OpenVINOEmbeddingModel
from llm_engineering.infrastructure.encoders.torch_models import (
    TorchCrossEncoder,
    TorchEmbeddingModel,
)
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.unit.infrastructure.encoders.bert_making import make_cross_encoder, make_folder

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEFAULT = "cross-encoder/ms-marco-MiniLM-L-6-v2"


class World:
    """A cache folder, a clock, and what asking for a model's files does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = NOON
        self.asked: list[str] = []
        self.problem: Exception | None = None
        self.cross_encoder = make_cross_encoder(folder / "pairs")
        self.embedder = OpenVINOEmbeddingModel(make_folder(folder / "bert"))

    def path(self, name: str) -> Path:
        self.asked.append(name)
        if self.problem:
            raise self.problem
        return self.cross_encoder

    def reranker(self, model_id: str = DEFAULT, runtime: Runtime = "auto") -> ActiveReranker:
        memory = FailureMemory(self.folder / "unreachable", lambda: self.time)
        return make_pair_scorer(
            model_id, self.path, self.embedder, options(self.folder, runtime), memory
        )


def options(folder: Path, runtime: Runtime = "auto") -> EncoderOptions:
    return EncoderOptions(runtime, "cpu", folder / "cache")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("runtime", "kind"),
    [
        ("auto", OpenVINOEmbeddingModel),
        ("openvino", OpenVINOEmbeddingModel),
        ("torch", TorchEmbeddingModel),
    ],
)
def test_the_runtime_of_the_embedder(tmp_path: Path, runtime: Runtime, kind: type) -> None:
    assert isinstance(make_embedding_model(tmp_path, options(tmp_path, runtime)), kind)


def test_both_runtimes_give_an_embedder_the_same_fingerprint(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert")
    models = [make_embedding_model(folder, options(tmp_path, r)) for r in ("openvino", "torch")]
    assert models[0].fingerprint == models[1].fingerprint


def test_a_cross_encoder_that_is_there_is_taken(world: World) -> None:
    active = world.reranker()
    assert isinstance(active.scorer, OpenVINOCrossEncoder)
    assert active.description in (f"{DEFAULT} on OpenVINO {form}" for form in ("bf16", "f32"))
    on_torch = world.reranker(runtime="torch")
    assert isinstance(on_torch.scorer, TorchCrossEncoder)
    assert on_torch.description == f"{DEFAULT} on torch"
    assert on_torch.scorer.fingerprint == active.scorer.fingerprint


def test_where_it_cannot_be_fetched_nothing_reranks(world: World) -> None:
    world.problem = ModelError("the hub does not answer within 3 s", transient=True)
    active = world.reranker()
    assert active == ActiveReranker(
        None, f"none: {DEFAULT} could not be loaded: the hub does not answer within 3 s"
    )


def test_a_hub_that_was_down_is_asked_again_only_after_an_hour(world: World) -> None:
    world.problem = ModelError("down", transient=True)
    first = world.reranker()
    assert world.reranker().description == first.description
    assert world.asked == [DEFAULT]
    world.time += timedelta(hours=1)
    world.problem = None
    assert isinstance(world.reranker().scorer, OpenVINOCrossEncoder)


@pytest.mark.parametrize(
    "problem", [ConfigurationError("owner/nothing: not on the hub"), ModelError("damaged")]
)
def test_a_model_that_is_wrong_is_an_error(world: World, problem: Exception) -> None:
    world.problem = problem
    with pytest.raises(type(problem), match=str(problem)):
        world.reranker("owner/nothing")


def test_an_embedder_is_no_reranker(world: World, tmp_path: Path) -> None:
    world.cross_encoder = make_folder(tmp_path / "embedder")
    with pytest.raises(ModelError, match="2 labels; a reranker has one"):
        world.reranker()


def test_late_interaction_takes_the_embedder_that_is_loaded(world: World) -> None:
    active = world.reranker("late-interaction")
    assert isinstance(active.scorer, LateInteractionScorer)
    assert active.description.startswith("late interaction of bert on OpenVINO ")
    assert world.asked == []


def test_late_interaction_needs_token_vectors(tmp_path: Path, world: World) -> None:
    memory = FailureMemory(tmp_path, lambda: NOON)
    embedder = HashingEmbeddingModel()
    active = make_pair_scorer(
        "late-interaction", world.path, embedder, options(tmp_path, "torch"), memory
    )
    assert active == ActiveReranker(None, "none: late interaction needs EMBEDDING_RUNTIME=openvino")


def test_none_reranks_nothing(world: World) -> None:
    active = world.reranker("none")
    assert (active.scorer, world.asked) == (None, [])
    assert active.description == "none: RERANKING_CROSS_ENCODER_MODEL_ID=none"
