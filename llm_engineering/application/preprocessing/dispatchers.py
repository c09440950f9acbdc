"""The three dispatchers: a category of documents to the functions that handle it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from llm_engineering.application.ports.models import EmbeddingModel, SparseEncoder
from llm_engineering.application.preprocessing.chunking import (
    Chunker,
    Splitter,
    article_pieces,
    post_pieces,
    repository_pieces,
)
from llm_engineering.application.preprocessing.cleaning import (
    clean_document,
    clean_repository_file,
)
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.embedding import embed_chunk
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import Document
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import EmbeddedQuery, Query
from llm_engineering.domain.types import DataCategory

Cleaner = Callable[[Document], CleanedDocument]
Handler = TypeVar("Handler")

CLEANERS: Mapping[DataCategory, Cleaner] = MappingProxyType(
    {
        DataCategory.ARTICLES: clean_document,
        DataCategory.POSTS: clean_document,
        DataCategory.REPOSITORIES: clean_repository_file,
    }
)
SPLITTERS: Mapping[DataCategory, Splitter] = MappingProxyType(
    {
        DataCategory.ARTICLES: article_pieces,
        DataCategory.POSTS: post_pieces,
        DataCategory.REPOSITORIES: repository_pieces,
    }
)


class CleaningDispatcher:
    """Cleans a document by the rules of its category."""

    def __init__(self, handlers: Mapping[DataCategory, Cleaner] = CLEANERS) -> None:
        self._handlers = handlers

    def dispatch(self, document: Document) -> CleanedDocument:
        """Returns the cleaned document.

        Raises:
            InvalidInput: its category has no handler.
        """
        return _handler(self._handlers, document.category)(document)


class ChunkingDispatcher:
    """Cuts a cleaned document by the structure that its category has.

    Raises:
        ConfigurationError: the configured chunks are longer than what the embedder reads.
    """

    def __init__(
        self,
        embedder: EmbeddingModel,
        config: ChunkingConfig,
        handlers: Mapping[DataCategory, Splitter] = SPLITTERS,
    ) -> None:
        self._chunker = Chunker(embedder, config)
        self._handlers = handlers

    @property
    def fingerprint(self) -> str:
        """Names the rules, the sizes and the tokenizer: the same ones give the same chunks."""
        return self._chunker.fingerprint

    def dispatch(self, document: CleanedDocument) -> Sequence[Chunk]:
        """Returns the chunks in order; none when the text is blank.

        Raises:
            InvalidInput: its category has no handler.
        """
        return self._chunker.chunks(document, _handler(self._handlers, document.category))


class EmbeddingDispatcher:
    """Gives chunks of every category, and questions, their vectors."""

    def __init__(self, model: EmbeddingModel, sparse: SparseEncoder) -> None:
        self._model = model
        self._sparse = sparse

    @property
    def fingerprint(self) -> str:
        """Names the model of the dense vectors."""
        return self._model.fingerprint

    def vectors(
        self, passages: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Sequence[tuple[float, ...]]:
        """Returns the dense vector of each passage."""
        return self._model.embed_passages(passages, on_done)

    def dispatch(
        self, chunks: Sequence[Chunk], vectors: Sequence[tuple[float, ...]] | None = None
    ) -> Sequence[EmbeddedChunk]:
        """Returns the chunks embedded; `vectors`, if given, are their dense ones already."""
        if vectors is None:
            vectors = self.vectors([chunk.passage for chunk in chunks])
        return [
            embed_chunk(chunk, vector, self._sparse, self.fingerprint)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

    def dispatch_query(self, query: Query) -> EmbeddedQuery:
        """Returns the question embedded."""
        return EmbeddedQuery(
            text=query.text,
            filters=query.filters,
            embedding=self._model.embed_query(query.text),
            sparse=self._sparse.encode_query(query.text),
        )


def _handler(handlers: Mapping[DataCategory, Handler], category: DataCategory) -> Handler:
    try:
        return handlers[category]
    except KeyError:
        known = ", ".join(sorted(handlers))
        raise InvalidInput(f"category {category!r} has no handler (known: {known})") from None
