"""The container files, checked as far as that goes without a Docker daemon."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_engineering.settings import Settings

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CHECKS = [
    [str(PROGRAMS / "hadolint"), "Dockerfile"],
    [
        str(PROGRAMS / "check-jsonschema"),
        "--builtin-schema",
        "vendor.compose-spec",
        "docker-compose.yml",
    ],
]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("command", CHECKS, ids=["hadolint", "check-jsonschema"])
def test_the_checkers_find_nothing(command: list[str]) -> None:
    result = run(command)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_compose_schema_check_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {mongo: {imagine: mongo}}")
    assert run([*CHECKS[1][:-1], str(wrong)]).returncode != 0


@pytest.mark.parametrize("profile", [[], ["--profile", "clearml"]], ids=["default", "clearml"])
def test_docker_compose_resolves_the_file(profile: list[str]) -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    result = run(["docker-compose", *profile, "--project-directory", str(ROOT), "config"])
    assert result.returncode == 0, result.stderr
    resolved = yaml.safe_load(result.stdout)
    assert set(resolved["services"]) >= {"service", "mongo", "qdrant", "mlflow"}


def published_ports() -> list[str]:
    return [port for service in SERVICES.values() for port in service.get("ports", [])]


def test_ports_are_published_on_loopback_only() -> None:
    assert published_ports()
    assert [port for port in published_ports() if not port.startswith("127.0.0.1:")] == []


def test_every_server_that_the_service_needs_is_waited_for_until_healthy() -> None:
    needed = SERVICES["service"]["depends_on"]
    assert set(needed) == {"mongo", "qdrant", "mlflow"}
    for name, condition in needed.items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[name], name


def test_every_named_volume_is_declared_and_used() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])


def test_the_clearml_stack_starts_only_by_its_profile() -> None:
    for name, service in SERVICES.items():
        expected = ["clearml"] if name.startswith("clearml-") else None
        assert service.get("profiles") == expected, name


def test_the_service_is_given_settings_that_exist() -> None:
    given = set(SERVICES["service"]["environment"])
    assert given <= set(Settings.model_fields)


def test_the_service_settings_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no `.env`, `${NAME:-}` is empty, and empty counts as not set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    for name, value in SERVICES["service"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"^\$\{\w+:-\}$", "", value))
    settings = Settings(_env_file=None)
    assert settings.DATABASE_HOST == "mongodb://mongo:27017/?replicaSet=rs0"
    assert settings.QDRANT_DATABASE_HOST == "qdrant"
    assert settings.LLM_PROVIDER == "local"


def test_the_qdrant_server_is_within_one_minor_version_of_the_locked_client() -> None:
    lock = tomllib.loads((ROOT / "poetry.lock").read_text(encoding="utf-8"))
    client = next(p["version"] for p in lock["package"] if p["name"] == "qdrant-client")
    server = SERVICES["qdrant"]["image"].rpartition(":v")[2]
    (client_major, client_minor), (server_major, server_minor) = (
        [int(part) for part in version.split(".")[:2]] for version in (client, server)
    )
    assert client_major == server_major
    assert abs(client_minor - server_minor) <= 1


def test_the_image_runs_as_an_ordinary_user_and_checks_itself() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER (?!0\b|root\b)\S+$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "curl" not in final


def test_everything_that_the_dockerfile_copies_is_let_through_dockerignore() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    }
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_poetry_is_the_same_in_the_image_and_in_run() -> None:
    pins = set(re.findall(r"poetry[a-z-]*==[0-9.]+", DOCKERFILE))
    assert pins
    assert pins <= set((ROOT / "run").read_text(encoding="utf-8").replace('"', " ").split())
