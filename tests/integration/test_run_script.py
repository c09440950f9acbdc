"""`./run` on a machine that lacks something: what it says, and that it stops there.

Nothing is installed here: the tests end before the first package would come.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ["run", "pyproject.toml", "poetry.lock", "models.txt"]  # in the order of its checksum
PYTHON = str(Path(sys.executable).resolve())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `./run` reads, without anything set up."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in PARTS:
        shutil.copy(ROOT / name, folder / name)
    return folder


def environment(**changes: str) -> dict[str, str]:
    """A system's own programs, no package index, no apt."""
    plain = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "PYTHON": PYTHON}
    return plain | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "RUN_APT": "0"} | changes


def run(checkout: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./run", *arguments],
        cwd=checkout,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(checkout: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./run", "setup"],
        cwd=checkout,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def first_line(checkout: Path) -> str:
    """Returns what a set-up says first, and ends it there."""
    with start(checkout) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        os.killpg(process.pid, signal.SIGKILL)
    return line


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_help_names_every_command_and_variable(checkout: Path) -> None:
    shown = run(checkout, "help")
    assert shown.returncode == 0
    for word in ["setup", "quickstart", "test", "poe", "clean", "RUN_TORCH", "TORCH_INDEX_URL"]:
        assert word in shown.stdout


def test_without_a_command_it_shows_the_help(checkout: Path) -> None:
    assert run(checkout).stdout == run(checkout, "help").stdout


def test_an_unknown_command_is_refused(checkout: Path) -> None:
    result = run(checkout, "tset")
    assert result.returncode != 0
    assert result.stderr.endswith("error: unknown command: tset\n")


def test_an_unknown_torch_is_refused(checkout: Path) -> None:
    result = run(checkout, "setup", RUN_TORCH="tpu")
    assert result.returncode != 0
    assert "RUN_TORCH=tpu: must be auto, cpu, cuda or none" in result.stderr


def test_without_python_311_it_says_how_to_get_it(checkout: Path, tmp_path: Path) -> None:
    for name in ["python3.11", "python3", "python"]:
        program(tmp_path, name, "exit 1")
    result = run(checkout, "setup", PYTHON="", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.returncode != 0
    assert "Python 3.11 not found: install it" in result.stderr


def test_without_the_venv_module_it_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path, "py", f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {PYTHON} "$@"')
    result = run(checkout, "setup", PYTHON=str(tmp_path / "py"))
    assert result.returncode != 0
    assert "has no venv module: install it" in result.stderr
    assert "python3.11-venv" in result.stderr


def test_without_a_package_index_it_says_so(checkout: Path) -> None:
    result = run(checkout, "setup")
    assert result.returncode != 0
    assert "installing Poetry: the package index does not answer" in result.stderr
    assert not (checkout / ".tools" / "stamp").exists()


def test_on_a_full_disk_it_says_so(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path, "df", "printf 'head\\nfs 1 1 1024 1 /\\n'")
    result = run(checkout, "setup", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.returncode != 0
    assert "the disk is full; free some space" in result.stderr


def test_a_folder_that_cannot_be_written_is_named(checkout: Path) -> None:
    (checkout / ".tools").write_text("in the way")
    result = run(checkout, "setup")
    assert result.returncode != 0
    assert f"cannot write in {checkout}" in result.stderr


def test_a_second_call_waits_for_the_first(checkout: Path) -> None:
    (checkout / ".tools").mkdir()
    with (checkout / ".tools" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = start(checkout)
        assert second.stderr is not None
        assert "another ./run is setting up; waiting for it" in second.stderr.readline()
        time.sleep(0.3)
        assert second.poll() is None
        assert not (checkout / ".tools" / "poetry").exists()
    assert second.stderr.readline().endswith("Poetry\n")
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate()


def test_the_lock_of_a_killed_call_does_not_stay(checkout: Path) -> None:
    (checkout / ".tools").mkdir()
    (checkout / ".tools" / "lock").write_text("left behind")
    assert first_line(checkout).endswith("Poetry\n")


def test_clean_removes_what_setup_made_and_keeps_the_data(checkout: Path) -> None:
    for name in [".tools", ".venv", ".models", ".data"]:
        (checkout / name).mkdir()
    assert run(checkout, "clean").returncode == 0
    assert sorted(path.name for path in checkout.iterdir()) == sorted([*PARTS, ".data"])


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A checkout whose stamp says that all is set up, with a stand-in for Python."""
    (checkout / ".tools").mkdir()
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    program(programs, "python", 'printf "%s\\n" "$VIRTUAL_ENV" "$MODELS_DIR" "$@"')
    content = b"".join((checkout / name).read_bytes() for name in PARTS)
    total = subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout
    (checkout / ".tools" / "torch").write_text("none")
    (checkout / ".tools" / "stamp").write_text(f"{total.decode().strip()} none  {checkout}")
    return checkout


def test_when_nothing_changed_it_hands_over_at_once(ready: Path) -> None:
    started = time.monotonic()
    result = run(ready, "quickstart", "--link", "a b")
    assert time.monotonic() - started < 2.0
    assert result.stderr == ""
    venv, models = str(ready / ".venv"), str(ready / ".models")
    assert result.stdout.splitlines() == [venv, models, "-m", "tools.quickstart", "--link", "a b"]


def test_a_changed_lock_file_is_noticed(ready: Path) -> None:
    with (ready / "poetry.lock").open("a") as lock:
        lock.write("# changed\n")
    assert first_line(ready).endswith("Poetry\n")


def test_the_exit_status_is_that_of_the_command(ready: Path) -> None:
    program(ready / ".venv" / "bin", "poe", "exit 7")
    assert run(ready, "test").returncode == 7
