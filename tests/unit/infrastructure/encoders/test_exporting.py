"""The cache of exported models; the export itself is played by a graph made by hand."""

from pathlib import Path

import numpy as np
import openvino
import pytest

from llm_engineering.domain.errors import MissingDependency, ModelError
from llm_engineering.infrastructure.encoders import exporting
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.bert_graph import build_bert
from llm_engineering.infrastructure.encoders.exporting import exported_graph
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder
from tests.unit.infrastructure.encoders.bert_making import make_folder


class Exporter:
    """Writes the graph of the tiny BERT, and counts."""

    def __init__(self) -> None:
        self.runs = 0
        self.problem: Exception | None = None

    def export(self, folder: Path, kind: str, target: Path) -> None:
        self.runs += 1
        if self.problem:
            (target / "model.xml").write_text("half")
            raise self.problem
        files = BertFolder(folder)
        openvino.save_model(build_bert(files.config, files.weights()), target / "model.xml")


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Exporter:
    exporter = Exporter()
    monkeypatch.setattr(exporting, "_export", exporter.export)
    monkeypatch.setattr(exporting, "_is_installed", lambda _: True)
    return exporter


@pytest.fixture
def files(tmp_path: Path) -> ModelFolder:
    return ModelFolder(make_folder(tmp_path / "bert"))


def test_a_model_is_exported_once(tmp_path: Path, files: ModelFolder, exporter: Exporter) -> None:
    for _ in range(2):
        graph = exported_graph(files, "embedder", tmp_path / "cache")
        ids = np.full((1, 4), 4, np.int64)
        compiled = openvino.Core().compile_model(graph, "CPU")
        found = compiled({"input_ids": ids, "attention_mask": ids})
        assert found[0].shape == (1, 4, 8)
    assert exporter.runs == 1
    kept = list((tmp_path / "cache" / "openvino").iterdir())
    assert [path.name.startswith(f"embedder-{files.fingerprint}-") for path in kept] == [True]


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "manifest.json"])
@pytest.mark.parametrize("damage", [b"", b"another content", None])
def test_a_damaged_copy_is_exported_again(
    tmp_path: Path, files: ModelFolder, exporter: Exporter, name: str, damage: bytes | None
) -> None:
    cache = tmp_path / "cache"
    exported_graph(files, "embedder", cache)
    (kept,) = (cache / "openvino").iterdir()
    if damage is None:
        (kept / name).unlink()
    else:
        (kept / name).write_bytes(damage)
    exported_graph(files, "embedder", cache)
    exported_graph(files, "embedder", cache)
    assert exporter.runs == 2


@pytest.mark.parametrize("problem", [RuntimeError("no such operation"), OSError(28, "disk full")])
def test_a_failed_export_is_named_and_leaves_nothing(
    tmp_path: Path, files: ModelFolder, exporter: Exporter, problem: Exception
) -> None:
    exporter.problem = problem
    with pytest.raises(ModelError, match=r"bert: cannot be exported into .*(operation|disk full)"):
        exported_graph(files, "cross-encoder", tmp_path / "cache")
    assert list((tmp_path / "cache" / "openvino").iterdir()) == []


def test_without_torch_it_says_what_to_type(
    tmp_path: Path, files: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_is_installed", lambda package: package != "torch")
    with pytest.raises(MissingDependency, match=r"needs torch once.*poetry install --with train"):
        exported_graph(files, "embedder", tmp_path / "cache")


def test_an_export_from_before_needs_no_torch(
    tmp_path: Path, files: ModelFolder, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported_graph(files, "embedder", tmp_path / "cache")
    monkeypatch.setattr(exporting, "_is_installed", lambda _: False)
    assert exported_graph(files, "embedder", tmp_path / "cache").inputs
