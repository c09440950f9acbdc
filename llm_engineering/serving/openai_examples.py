"""What the OpenAPI page shows as responses in OpenAI's format."""

from collections.abc import Mapping
from typing import Any

from llm_engineering.serving.examples import RAG

_CHECKED = {
    name: RAG[name]
    for name in (
        "question", "citations", "nearest", "unsupported", "grounded", "mode", "degraded",
        "relaxed", "cached", "release", "as_of", "request_id",
    )
}  # fmt: skip
_COMPLETION = {"id": f"chatcmpl-{RAG['request_id']}", "created": 1777636800, "model": "rag"}

COMPLETION: Mapping[str, Any] = {
    **_COMPLETION,
    **_CHECKED,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": RAG["answer"],
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {
                            "url": RAG["citations"][0]["url"],
                            "title": RAG["citations"][0]["title"],
                            "start_index": 37,
                            "end_index": 40,
                        },
                    }
                ],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 873, "completion_tokens": 12, "total_tokens": 885},
}

CHUNKS = (
    'data: {"id": "chatcmpl-5f0c1a3e", "object": "chat.completion.chunk", "created": 1777636800,'
    ' "model": "rag", "choices": [{"index": 0, "delta": {"content": "Pass "},'
    ' "finish_reason": null}], "usage": null}\n\n'
    "data: [DONE]\n\n"
)

EMBEDDINGS: Mapping[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.6, -0.8]}],
    "model": "sentence-transformers/all-MiniLM-L6-v2",
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}

MODEL: Mapping[str, Any] = {
    "id": "rag",
    "object": "model",
    "created": 1777636800,
    "owned_by": "llm-pipeline-system",
}

MODELS: Mapping[str, Any] = {"object": "list", "data": [MODEL]}
