"""The rows of the tables: a question, its chunks, its feedback."""

from collections.abc import Sequence

from llm_engineering.application.tracking.served import Rated, Served, stages_ms
from llm_engineering.domain.answers import Usage
from llm_engineering.domain.queries import Retrieval, ScoredChunk, SearchFilters
from llm_engineering.domain.redaction import Redaction

LONGEST = 1000  # characters of a question or an answer
MOST_OTHERS = 10  # chunks of a question that the model did not read

_KEPT = frozenset({"request", "chunk", "url"})

Row = dict[str, object]


def question_row(iteration: int, served: Served) -> Row:
    """Returns what was asked, what became of it, and what it took."""
    query, answer = served.request.query, served.answer
    retrieval = served.retrieval or Retrieval(passages=())
    usage = answer.usage if answer else Usage()
    return {
        "iteration": iteration,
        "request": served.request.request_id,
        "asked at": served.began.isoformat(timespec="seconds"),
        "question": query.text,
        "searched for": " | ".join(retrieval.variants),
        "filters": _shown(query.filters),
        "found filters": _shown(retrieval.found_filters),
        "relaxed": ", ".join(retrieval.relaxed),
        "outcome": served.outcome,
        "grounded": bool(answer and answer.grounded),
        "cached": bool(answer and answer.cached),
        "degraded": _degraded(served, retrieval),
        "model": answer.model if answer else served.request.model or "",
        "input tokens": usage.input_tokens,
        "output tokens": usage.output_tokens,
        "cost in USD": usage.cost_usd,
        "total in ms": served.total_ms,
        "stages in ms": ", ".join(f"{name} {ms:g}" for name, ms in stages_ms(served).items()),
        "answer": (answer.text if answer else ""),
        "error": served.error,
    }


def chunk_rows(iteration: int, served: Served) -> list[Row]:
    """Returns the chunks that were found, those kept for the model first, with their scores."""
    if served.retrieval is None:
        return []
    cited = {(c.document_id, c.start) for c in served.answer.citations} if served.answer else set()
    kept = served.retrieval.passages
    ids = {found.chunk.id for found in kept}
    others = [found for found in served.retrieval.considered if found.chunk.id not in ids]
    return [
        {
            "iteration": iteration,
            "rank": rank,
            "kept": found.chunk.id in ids,
            "cited": found.chunk.id in ids and any(_holds(found, *place) for place in cited),
            "chunk": str(found.chunk.id),
            "url": found.chunk.url,
            "title": found.chunk.title,
            **{stage: round(score, 6) for stage, score in found.scores.items()},
        }
        for rank, found in enumerate((*kept, *others[:MOST_OTHERS]), start=1)
    ]


def feedback_row(iteration: int | None, rated: Rated) -> Row:
    """Returns a vote; `iteration` is that of its question, None when it is not known any more."""
    return {
        "iteration": iteration,
        "request": rated.request_id,
        "vote": rated.feedback.vote.value,
        "better answer": (rated.feedback.better_answer or ""),
    }


def same_keys(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows with every key that any of them has; what a row lacks is None."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]


def redacted(row: Row, redaction: Redaction) -> Row:
    """Returns the row with short texts and no secrets; of ids and URLs what looks random stays."""
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    kept = [key for key in texts if key in _KEPT]
    short = [key for key in texts if key not in _KEPT]
    clean_kept = redaction.keeping_hashes.texts([texts[key] for key in kept])
    clean_short = redaction.excerpts([texts[key] for key in short], LONGEST)
    return {**row, **dict(zip(kept + short, clean_kept + clean_short, strict=True))}


def _shown(filters: SearchFilters) -> str:
    shown = filters.model_dump_json(exclude_defaults=True)
    return "" if shown == "{}" else shown


def _degraded(served: Served, retrieval: Retrieval) -> str:
    """Returns the stages that were left out, with the reason where it is known."""
    stages = {**dict.fromkeys(served.answer.degraded if served.answer else (), "")}
    stages |= retrieval.degraded
    return "; ".join(f"{stage}: {why}" if why else stage for stage, why in stages.items())


def _holds(found: ScoredChunk, document_id: object, start: int) -> bool:
    chunk = found.chunk
    return chunk.document_id == document_id and chunk.start <= start < chunk.end
