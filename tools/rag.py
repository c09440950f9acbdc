"""Asks the corpus: `ask` for an answer, `retrieve` for passages, `explain` for why not."""

from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from llm_engineering.application.rag.answering import AnswerPipeline
from llm_engineering.application.rag.generation import Done, Token
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, SearchFilters
from llm_engineering.domain.types import DataCategory
from tools.console import command, main, print_json
from tools.rag_views import notes, show_explanation, show_passages

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Question = Annotated[str, typer.Argument(help="The question, in quotes.")]
Author = Annotated[list[str] | None, typer.Option(help="Only what this author wrote; repeatable.")]
Category = Annotated[
    list[DataCategory] | None, typer.Option(help="Only this kind of text; repeatable.")
]
TopK = Annotated[
    int | None, typer.Option("--top-k", min=1, max=20, help="Passages; default: k of the config.")
]
Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]


@app.command()
def ask(
    question: Question,
    model: Annotated[
        str | None,
        typer.Option(help="local:…, openai:…, google:…, huggingface:… or mlflow:llm@champion."),
    ] = None,
    author: Author = None,
    category: Category = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Answers from the indexed corpus, with numbered sources."""
    with command() as platform:
        query = _query(platform, question, author, category)
        pipeline = platform.answer_pipeline(model)
        pipeline.warm_up(model_in_process=False)
        if as_json:
            answer, _ = pipeline.answer(AnswerRequest(query=query, k=top_k))
            print_json(answer.model_dump_json(indent=2))
        else:
            show_answer(Console(), pipeline, query, top_k)


@app.command()
def retrieve(
    question: Question,
    author: Author = None,
    category: Category = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Prints the passages that a question finds, with the score of every stage."""
    with command() as platform:
        query = _query(platform, question, author, category)
        retriever = platform.retriever()
        retriever.warm_up()
        found = retriever.retrieve(query, top_k)
        if as_json:
            print_json(found.model_dump_json(indent=2))
        else:
            show_passages(Console(), found)


@app.command()
def explain(
    question: Question,
    document: Annotated[str, typer.Option(help="The URL of the document to account for.")],
    author: Author = None,
    category: Category = None,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Says, stage by stage, why a document is or is not among what a question finds."""
    with command() as platform:
        query = _query(platform, question, author, category)
        explainer = platform.explainer()
        explainer.retriever.warm_up()
        found = explainer.explain(query, document, top_k)
        if as_json:
            print_json(found.model_dump_json(indent=2))
        else:
            show_explanation(Console(), found)


def _query(
    platform: Platform,
    question: str,
    authors: list[str] | None,
    categories: list[DataCategory] | None,
) -> Query:
    filters = SearchFilters(authors=tuple(authors or ()), categories=tuple(categories or ()))
    try:
        query = Query(text=question, filters=filters)
    except ValidationError as error:
        raise InvalidInput(f"the question {question!r:.40}: {error.errors()[0]['msg']}") from error
    platform.require_searchable_index()
    return query


def show_answer(
    console: Console, pipeline: AnswerPipeline, query: Query, top_k: int | None = None
) -> None:
    """Shows the words as the model writes them, then the checked answer and its sources."""
    written = ""
    with Live(Text("reading…", style="dim"), console=console, transient=True) as live:
        for event in pipeline.stream(AnswerRequest(query=query, k=top_k)):
            if isinstance(event, Token):
                written += event.text
                live.update(Text(written, style="dim"))
            if isinstance(event, Done):
                live.update("")
    if isinstance(event, Done):
        console.print(answer_view(event.answer))


def answer_view(answer: Answer) -> Group:
    """Returns the answer, its sources with the quoted span, and how long it took."""
    lines: list[Text | Markdown] = [Markdown(answer.text)]
    for citation in answer.citations:
        by = f" — {citation.author}" if citation.author else ""
        lines.append(Text(f"\n[{citation.n}] {citation.title}{by}", style="bold"))
        lines.append(Text(f"    {citation.url}", style="cyan"))
        lines.append(Text(f"    “{' '.join(citation.quote.split())}”", style="italic"))
    for line in notes(answer.relaxed, answer.degraded):
        lines.append(Text(f"\n{line}", style="yellow"))
    read, written = answer.usage.input_tokens, answer.usage.output_tokens
    cost = "given before" if answer.cached else f"{read} tokens read, {written} written"
    seconds = answer.timings_ms.get("total", 0.0) / 1000
    lines.append(
        Text(
            f"\n{answer.model} · {seconds:.1f} s · {cost}",
            style="dim",
        )
    )
    return Group(*lines)


if __name__ == "__main__":
    main(app)
