"""What most put together: LangChain, sentence-transformers, Qdrant's local mode, transformers.

Everything at its defaults: 32-bit floats, no prefix cache. It gets our chunks and our prompt, so
that only the machinery differs.
"""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_huggingface import HuggingFaceEmbeddings
from qdrant_client import QdrantClient, models

from llm_engineering.application.rag.prompts import answer_prompt, numbered
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.queries import ScoredChunk
from llm_engineering.infrastructure.trainers.base_models import dequantised

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_COLLECTION = "chunks"


class UsualStack:
    """Retrieves by meaning, and streams what the model writes."""

    def __init__(self, embedder: Path, model: Path, chunks: Sequence[EmbeddedChunk]) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - seconds

        self._embeddings = HuggingFaceEmbeddings(model_name=str(embedder))
        self._chunks = chunks
        self._index = QdrantClient(":memory:")
        self._fill()
        folder = dequantised(model, Path.home() / ".cache" / "llm-pipeline-system" / "benchmarks")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def stream(self, question: str, k: int) -> Iterator[str]:
        """Yields the pieces of an answer from the `k` nearest chunks, 8 tokens at most."""
        from transformers import TextIteratorStreamer  # noqa: PLC0415 - seconds to import

        vector = self._embeddings.embed_query(question)
        points = self._index.query_points(_COLLECTION, query=vector, limit=k).points
        found = [
            ScoredChunk(chunk=self._chunks[int(point.id)], scores={"dense": point.score})
            for point in points
        ]
        prompt = answer_prompt().invoke({"passages": numbered(found), "question": question})
        inputs = self._tokenizer.apply_chat_template(
            [_turn(message) for message in prompt.to_messages()],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True)
        arguments = {**inputs, "max_new_tokens": 8, "do_sample": False, "streamer": streamer}
        writing = threading.Thread(target=self._model.generate, kwargs=arguments)
        writing.start()
        yield from streamer
        writing.join()

    def _fill(self) -> None:
        size = len(self._chunks[0].embedding)
        self._index.create_collection(
            _COLLECTION, models.VectorParams(size=size, distance=models.Distance.COSINE)
        )
        self._index.upload_collection(
            _COLLECTION,
            [list(chunk.embedding) for chunk in self._chunks],
            ids=range(len(self._chunks)),
        )


def _turn(message: BaseMessage) -> dict[str, str]:
    return {"role": _ROLES[message.type], "content": message.text}
