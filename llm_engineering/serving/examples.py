"""What the OpenAPI page shows as responses.

FastAPI leaves null out of examples: here every field has a value.
"""

from collections.abc import Mapping
from typing import Any

_REQUEST_ID = "5f0c1a3e9d8b4c7a8e2f6b1d0c9a7e35"
_URL = "https://docs.python.org/3/library/dataclasses.html"
_TITLE = "dataclasses — Data Classes"
_AUTHOR = "Python Software Foundation"
_DOCUMENT = "6cd7d990-1b1c-5d0e-9c35-6f6b0e0c7a11"
_REVISION = "5a1e7ece8d3c"
_QUOTE = "By passing `frozen=True` to the decorator you can emulate immutability."
_QUESTION = "How do I make a dataclass immutable?"
_FILTERS: dict[str, Any] = {
    "authors": [_AUTHOR],
    "platforms": [],
    "categories": ["articles"],
    "document_ids": [],
    "published_from": "2025-01-01T00:00:00Z",
    "published_to": "2026-01-01T00:00:00Z",
}

RAG: Mapping[str, Any] = {
    "answer": "Pass `frozen=True` to the decorator. [1]",
    "question": _QUESTION,
    "citations": [
        {
            "n": 1,
            "url": _URL,
            "title": _TITLE,
            "author": _AUTHOR,
            "document_id": _DOCUMENT,
            "revision": _REVISION,
            "span": [21495, 21566],
            "quote": _QUOTE,
            "score": 0.98,
        }
    ],
    "nearest": [],
    "unsupported": [],
    "grounded": True,
    "mode": "generated",
    "model": "openai:gpt-4o-mini",
    "usage": {"input_tokens": 873, "output_tokens": 12, "cost_usd": 0.0002},
    "timings_ms": {"retrieve": 31.0, "first_token": 940.2, "total": 1406.9},
    "degraded": [],
    "relaxed": [],
    "cached": False,
    "release": "3f9a1c07be52",
    "as_of": {"day": "2026-05-01", "documents": 526, "missing": 0, "missing_urls": []},
    "request_id": _REQUEST_ID,
}

RETRIEVE: Mapping[str, Any] = {
    "passages": [
        {
            "chunk_id": "2cbfdd5d-159e-5d9d-85d9-a965493439ee",
            "document_id": _DOCUMENT,
            "revision": _REVISION,
            "url": _URL,
            "title": _TITLE,
            "author": _AUTHOR,
            "platform": "docs.python.org",
            "published": "2025-10-07T00:00:00Z",
            "heading_path": ["Frozen instances"],
            "span": [21400, 21980],
            "text": _QUOTE,
            "scores": {"dense": 0.61, "sparse": 14.2, "fusion": 0.95},
        }
    ],
    "found_filters": _FILTERS,
    "relaxed": [],
    "variants": [],
    "degraded": [],
    "reranker": "ms-marco-minilm-l6",
    "timings_ms": {"total": 31.0},
    "request_id": _REQUEST_ID,
}

EXPLAIN: Mapping[str, Any] = {
    "url": _URL,
    "fate": "below k",
    "reason": "its best passage is number 5; k is 4",
    "stages": [
        {"stage": "fusion", "rank": 5, "of": 63, "score": 0.479, "note": "behind four others"}
    ],
    "filters": _FILTERS,
    "relaxed": [],
    "degraded": [],
}

FEEDBACK: Mapping[str, Any] = {"request_id": _REQUEST_ID}

DOCUMENTS: Mapping[str, Any] = {
    "documents": [
        {
            "id": _DOCUMENT,
            "revision": _REVISION,
            "url": _URL,
            "title": _TITLE,
            "author": _AUTHOR,
            "platform": "docs.python.org",
            "category": "articles",
            "published": "2025-10-07T00:00:00Z",
            "fetched_at": "2026-05-01T12:00:00Z",
        }
    ],
    "next": _DOCUMENT,
}

FORGOTTEN: Mapping[str, Any] = {
    "documents": [_DOCUMENT],
    "urls": [_URL],
    "holdings": [{"store": "documents", "kind": "revisions", "before": 1, "after": 0}],
    "copies_left": [],
    "tombstones": 1,
    "complete": True,
}

READY: Mapping[str, Any] = {
    "ready": True,
    "parts": [
        {
            "name": "chat model openai:gpt-4o-mini",
            "ok": False,
            "fatal": False,
            "detail": "failed the last times: openai:gpt-4o-mini",
            "ms": 0.1,
        }
    ],
}


def example(body: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Returns what OpenAPI says of the status 200 of a route that returns such a body."""
    return {200: {"content": {"application/json": {"example": body}}}}
