"""Importing does nothing: no connection, no file written, no model, no library that takes long."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# Runs in a fresh interpreter: every module of the project, with an audit hook as the witness.
PROBE = """
import importlib, json, pkgutil, sys

opened = []

def witness(event, arguments):
    # two vendors look at the machine: urllib3 binds ::1 to see whether there is IPv6, trio asks
    # ldconfig for libc
    harmless = event == "subprocess.Popen" and "ldconfig" in str(arguments)
    watched = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system")
    if event in watched and not harmless:
        opened.append(f"{event} {arguments[1:]}")

sys.addaudithook(witness)
names = []
for package in ("llm_engineering", "pipelines", "tools"):
    module = importlib.import_module(package)
    names.append(package)
    for found in pkgutil.walk_packages(module.__path__, package + "."):
        importlib.import_module(found.name)
        names.append(found.name)
print(json.dumps({
    "modules": names, "opened": opened,
    "heavy": sorted({
        "torch", "transformers", "sentence_transformers", "trl", "mlflow", "clearml", "openvino",
        "trafilatura", "selenium", "matplotlib", "pandas", "ray", "gradio",
    } & set(sys.modules)),
}))
"""


def probed() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return seen


def test_importing_every_module_opens_nothing_and_loads_nothing_heavy() -> None:
    seen = probed()
    assert seen["opened"] == []
    assert seen["heavy"] == []
    assert "llm_engineering.serving.service" in seen["modules"]
    assert len(seen["modules"]) > 40
