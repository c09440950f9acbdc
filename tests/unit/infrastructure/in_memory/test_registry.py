"""The stand-in for the registry: what dry runs rely on besides the contract."""

from pathlib import Path

import pytest

from llm_engineering.domain.errors import IntegrityError, InvalidInput
from llm_engineering.infrastructure.in_memory.registry import EPOCH, InMemoryModelRegistry


@pytest.fixture
def registry(tmp_path: Path) -> InMemoryModelRegistry:
    return InMemoryModelRegistry(tmp_path / "cache")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer" / "vocab.txt").write_text("a\nb\n")
    return folder


def test_the_time_of_a_version_does_not_depend_on_the_clock(
    registry: InMemoryModelRegistry, model: Path
) -> None:
    assert registry.register("llm", model, {}, {}).created_at == EPOCH


def test_a_refused_folder_makes_no_version(registry: InMemoryModelRegistry, model: Path) -> None:
    (model / "modeling.py").write_text("raise SystemExit")
    with pytest.raises(InvalidInput, match=r"modeling\.py"):
        registry.register("llm", model, {}, {})
    with pytest.raises(InvalidInput, match="known: none"):
        registry.get("llm", "1")


def test_later_changes_of_the_folder_do_not_reach_what_was_registered(
    registry: InMemoryModelRegistry, model: Path
) -> None:
    registered = registry.register("llm", model, {}, {})
    (model / "config.json").write_text('{"changed": true}')
    assert (registry.fetch(registered) / "config.json").read_text() == "{}"


def test_versions_of_two_names_are_counted_apart(
    registry: InMemoryModelRegistry, model: Path
) -> None:
    numbers = [registry.register(name, model, {}, {}).version for name in ("a", "b", "a")]
    assert numbers == [1, 1, 2]


@pytest.mark.parametrize("wanted", ["3", "0", "-1", "", "challenger", "1.0"])
def test_a_version_that_is_not_there_names_those_that_are(
    registry: InMemoryModelRegistry, model: Path, wanted: str
) -> None:
    registry.register("llm", model, {}, {})
    registry.set_alias("llm", "champion", 1)
    with pytest.raises(InvalidInput, match=r"known: champion, 1\)"):
        registry.get("llm", wanted)


def test_an_alias_to_a_missing_version_is_refused_and_the_old_one_stays(
    registry: InMemoryModelRegistry, model: Path
) -> None:
    registry.register("llm", model, {}, {})
    registry.set_alias("llm", "champion", 1)
    with pytest.raises(InvalidInput, match="no '2'"):
        registry.set_alias("llm", "champion", 2)
    assert registry.get("llm", "champion").version == 1


@pytest.mark.parametrize("path", ["config.json", "tokenizer/vocab.txt"])
def test_a_changed_byte_is_found_and_named(
    registry: InMemoryModelRegistry, model: Path, path: str
) -> None:
    registered = registry.register("llm", model, {}, {})
    registry.content(registered)[path] += b" "
    with pytest.raises(IntegrityError, match=path):
        registry.fetch(registered)
