"""The whole path in one command: crawl this repository and its documentation, index, ask."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.rule import Rule

from llm_engineering.application.crawling.config import EtlConfig
from llm_engineering.application.crawling.outcome import EtlReport
from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.queries import Query
from pipelines.etl import run_etl
from pipelines.feature import run_feature
from tools.console import RichProgress, command, main, print_result
from tools.docs_site import docs_site
from tools.rag import show_answer
from tools.reports import etl_line, etl_table, feature_line

ROOT = Path(__file__).parents[1]
# not tools: the questions stand in this file, and would find themselves
CODE = ("llm_engineering", "pipelines")
AUTHOR = "LLM Pipeline System contributors"
QUESTIONS = (
    "What happens when the chunk size changes?",
    "How high is the tallest mountain of Norway?",
)

app = typer.Typer(add_completion=False)


@app.command()
def quickstart(
    link: Annotated[
        list[str] | None, typer.Option(help="Crawl this page or repository, too; repeatable.")
    ] = None,
    docs_port: Annotated[int, typer.Option(help="Where the docs are served meanwhile.")] = 8808,
) -> None:
    """Crawls, indexes and answers, with nothing to install or sign up for."""
    console = Console()
    with command() as platform:
        console.print(Rule("1 · crawl this repository and its documentation"))
        crawled = _crawl(platform, link or [], docs_port)
        console.print(etl_table(crawled))
        console.print(Rule("2 · clean, chunk, embed, index"))
        indexed = run_feature(platform, FeatureConfig(), RichProgress())
        console.print(feature_line(indexed))
        console.print(Rule("3 · ask"))
        pipeline = platform.answer_pipeline()
        for question in QUESTIONS:
            console.print(f"\n[bold]{question}[/bold]")
            show_answer(console, pipeline, Query(text=question))
        stored = ", ".join(
            f"{count:,} {name}" for name, count in platform.document_store.counts().items()
        )
        print_result(
            f"\n{stored}; {etl_line(crawled)}",
            './run poe ask "your question" · ./run poe run-etl --link https://… · ./run poe serve',
        )
        raise typer.Exit(0 if crawled.ok and indexed.ok else 1)


def _crawl(platform: Platform, links: list[str], docs_port: int) -> EtlReport:
    with docs_site(sorted((ROOT / "docs").glob("*.md")), docs_port) as site:
        code = [str(ROOT / folder) for folder in CODE]
        own = {"name": AUTHOR, "links": [*code, {"url": site, "depth": 1}]}
        config = EtlConfig.model_validate(
            {
                "authors": [own, *({"links": [link]} for link in links)],
                "allowed_private_hosts": [urlsplit(site).netloc],
            }
        )
        return run_etl(platform, config, RichProgress())


if __name__ == "__main__":
    main(app)
