"""`.env.example` and Settings name the same settings, with the same defaults."""

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from llm_engineering.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
DOCUMENTED = {
    match[1]: match[2] for line in LINES if (match := re.fullmatch(r"#([A-Z][A-Z_]+)=(.*)", line))
}


def shown_default(field: FieldInfo) -> str:
    if field.default is None:
        return ""
    shown = str(field.default)
    return shown.lower() if isinstance(field.default, bool) else shown


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(DOCUMENTED) == set(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_shown_default_is_the_default(name: str) -> None:
    assert DOCUMENTED[name] == shown_default(Settings.model_fields[name])


def test_every_setting_stands_once() -> None:
    names = [line.split("=")[0] for line in LINES if re.match(r"#[A-Z_]+=", line)]
    assert len(names) == len(set(names))


def test_nothing_is_set_so_that_a_copy_changes_nothing() -> None:
    assert [line for line in LINES if line and not line.startswith("#")] == []


def test_a_copy_with_every_line_uncommented_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    copy = tmp_path / ".env"
    copy.write_text("\n".join(re.sub(r"^#(?=[A-Z_]+=)", "", line) for line in LINES))
    assert Settings(_env_file=copy) == Settings(_env_file=None)


def test_secrets_are_marked() -> None:
    secrets = [
        name for name, f in Settings.model_fields.items() if "SecretStr" in str(f.annotation)
    ]
    unmarked = [name for name in secrets if not _section_says_secret(name)]
    assert secrets
    assert unmarked == []


def _section_says_secret(name: str) -> bool:
    """Returns whether the nearest sentence above the setting speaks of a secret."""
    line = next(i for i, line in enumerate(LINES) if line.startswith(f"#{name}="))
    above = next(text for text in reversed(LINES[:line]) if text.startswith("# "))
    return "Secret" in above
