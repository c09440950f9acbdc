"""The pipelines and the service as commands; `poe` has a task for each."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llm_engineering.application.crawling.config import EtlConfig
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.ports.execution import Engine
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.settings import load_config
from pipelines.etl import run_etl, run_etl_retry
from pipelines.feature import run_feature
from tools.console import RichProgress, command, main, print_error, print_json, print_result
from tools.reports import (
    etl_line,
    etl_table,
    failure_lines,
    feature_line,
    letters_json,
    letters_line,
    letters_table,
    training_line,
)

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

# Seconds that an idle connection stays open: for longer than clients and proxies keep theirs (httpx
# 5, load balancers mostly 60), else a request may meet a connection that is being closed.
KEEP_ALIVE_S = 75

Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]


def _config(name: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option("--config", help=f"Default: configs/{name}.yaml")
    return option


@app.command()
def etl(
    config: Annotated[Path, _config("etl")] = Path("configs/etl.yaml"),
    link: Annotated[
        list[str] | None, typer.Option(help="Crawl this page or repository instead; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Crawls links into the document store."""
    with command() as platform:
        settings = load_config(config, EtlConfig)
        report = run_etl(platform, settings.with_links(link) if link else settings, RichProgress())
        _show_crawl(report, as_json, "poe run-feature")
        raise typer.Exit(0 if report.ok else 1)


@app.command()
def etl_failures(
    config: Annotated[
        Path, typer.Option("--config", help="Its private hosts and limits hold for --retry.")
    ] = Path("configs/etl.yaml"),
    retry: Annotated[bool, typer.Option("--retry", help="Visit again what failed.")] = False,
    as_json: Json = False,
) -> None:
    """Lists what crawls could not have and why, or tries it again."""
    with command() as platform:
        if retry:
            report = run_etl_retry(platform, load_config(config, EtlConfig), RichProgress())
            _show_crawl(report, as_json, "poe run-feature")
            raise typer.Exit(0 if report.ok else 1)
        letters = platform.crawl_state.letters.all()
        if as_json:
            print_json(letters_json(letters))
            return
        Console().print(letters_table(letters))
        then = "poe etl-failures --retry" if letters else "poe run-feature"
        print_result(letters_line(letters), then)


def _show_crawl(report: EtlReport, as_json: bool, then: str) -> None:
    if as_json:
        print_json(report.model_dump_json(indent=2))
        return
    Console().print(etl_table(report))
    for line in failure_lines(report):
        print_error(line)
    print_result(etl_line(report), then)


@app.command()
def feature(
    config: Annotated[Path, _config("feature")] = Path("configs/feature.yaml"),
    engine: Annotated[
        Engine, typer.Option(help="ray: on the cluster of RAY_ADDRESS, or one on this machine.")
    ] = Engine.LOCAL,
    workers: Annotated[
        int, typer.Option(min=1, max=4096, help="Processes (or actors) that chunk and embed.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Cleans, chunks, embeds and indexes what changed."""
    with command() as platform:
        chosen = load_config(config, FeatureConfig)
        report = run_feature(platform, chosen, RichProgress(), engine, workers)
        if as_json:
            print_json(report.model_dump_json(indent=2))
        else:
            for failure in report.failed:
                print_error(failure)
            print_result(feature_line(report), 'poe ask "…"')
        raise typer.Exit(0 if report.ok else 1)


@app.command()
def training(
    config: Annotated[Path, _config("training")] = Path("configs/training.yaml"),
    as_json: Json = False,
) -> None:
    """Makes samples from the index, fine-tunes, registers the model, moves `champion` to it."""
    from pipelines.training import run_training  # noqa: PLC0415 - brings langchain_core: seconds

    with command() as platform:
        report = run_training(platform, load_config(config, TrainingConfig), RichProgress())
        if as_json:
            print_json(report.model_dump_json(indent=2))
        else:
            print_result(training_line(report), 'poe ask --model mlflow:llm@champion "…"')
        raise typer.Exit(0 if report.promoted else 1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: SERVE_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: SERVE_PORT.")] = None,
) -> None:
    """Serves POST /rag until it is stopped; a page to ask is at /ui, the OpenAPI page at /docs."""
    with command() as platform:
        if platform.chunk_index.live() is not None:  # else it waits for the first run-feature
            platform.require_searchable_index()
        address = host or platform.settings.SERVE_HOST
        number = port or platform.settings.SERVE_PORT
        home = platform.folder(f"bentoml/{number}")  # who shares one deletes the other's metrics
        print_result(
            f"serving on http://{address}:{number}",
            f"open http://{address}:{number}/ui, or POST /rag",
        )
    service = "llm_engineering.serving.service:RAGService"
    arguments = ["serve", service, "--host", address, "--port", str(number)]
    arguments += ["--timeout-keep-alive", str(KEEP_ALIVE_S)]
    own = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}  # it would report its use
    environment = {**own, **os.environ}
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", *arguments], environment)  # noqa: S606 - its signals and exit status are ours


if __name__ == "__main__":
    main(app)
