"""Chunking: a cleaned document becomes consecutive spans that the embedder reads whole."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from llm_engineering.application.ports.models import EmbeddingModel, TextTokenizer
from llm_engineering.application.preprocessing.cleaning import CLEANER
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.gauge import Gauge
from llm_engineering.application.preprocessing.markdown import markdown_pieces
from llm_engineering.application.preprocessing.pieces import PackedSpan, Piece, pack
from llm_engineering.application.preprocessing.source_code import code_pieces
from llm_engineering.domain.chunks import CHUNK_TYPES, Chunk
from llm_engineering.domain.cleaned_documents import CleanedDocument, CleanedRepositoryDocument
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.domain.ids import chunk_id, fingerprint
from llm_engineering.domain.names import NAME_RULES

PROSE_SUFFIXES = frozenset({"", ".adoc", ".ipynb", ".markdown", ".md", ".mdx", ".rst", ".txt"})
Splitter = Callable[[CleanedDocument, Gauge], Iterable[Piece]]


def article_pieces(document: CleanedDocument, gauge: Gauge) -> Iterable[Piece]:
    """Returns the pieces of a page, below its title."""
    return markdown_pieces(document.title, gauge)


def post_pieces(_: CleanedDocument, gauge: Gauge) -> Iterable[Piece]:
    """Returns the pieces of a post: one where it fits. Its title is but its first words."""
    return markdown_pieces("", gauge)


def repository_pieces(document: CleanedDocument, gauge: Gauge) -> Iterable[Piece]:
    """Returns the pieces of a file, as prose or as code by its suffix, below its path."""
    path = document.path if isinstance(document, CleanedRepositoryDocument) else document.title
    if PurePosixPath(path).suffix.lower() in PROSE_SUFFIXES:
        return markdown_pieces(path, gauge)
    return code_pieces(path, gauge)


class Chunker:
    """Cuts documents for one embedder.

    Raises:
        ConfigurationError: the chunks would be longer than what the embedder reads.
    """

    def __init__(self, embedder: EmbeddingModel, config: ChunkingConfig) -> None:
        if config.chunk_tokens > embedder.max_tokens:
            raise ConfigurationError(
                f"chunking.chunk_tokens: {config.chunk_tokens} is more than the "
                f"{embedder.max_tokens} tokens that the embedder reads"
            )
        self._tokenizer: TextTokenizer = embedder
        self._config = config
        self.fingerprint = fingerprint(
            "chunker-1", CLEANER, NAME_RULES, config.model_dump_json(), embedder.fingerprint
        )

    def chunks(self, document: CleanedDocument, splitter: Splitter) -> list[Chunk]:
        """Returns the chunks in order; none when the text is blank."""
        gauge = Gauge(document.content, self._tokenizer, self._config)
        spans = [
            part
            for packed in pack(splitter(document, gauge), gauge)
            for part in self._fitted(self._overlapping(packed, gauge), gauge)
        ]
        return [
            self._chunk(document, span, position, len(spans)) for position, span in enumerate(spans)
        ]

    def _overlapping(self, span: PackedSpan, gauge: Gauge) -> PackedSpan:
        """Returns the span with the end of the one before, if it goes on with the same section."""
        if not (span.continues and self._config.overlap_tokens):
            return span
        start = gauge.back(span.start, self._config.overlap_tokens)
        return PackedSpan(start, span.end, span.headings, span.continues)

    def _fitted(self, span: PackedSpan, gauge: Gauge) -> Iterator[PackedSpan]:
        """Yields the span without the blank around it, halved while it is too long after all.

        Cutting inside a word, or next to the headings, may make tokens that were not there before.
        """
        span = _stripped(span, gauge)
        text = gauge.text[span.start : span.end]
        if not text:
            return
        passage = "\n".join([" > ".join(span.headings), text]) if span.headings else text
        too_long = len(self._tokenizer.token_spans(passage)) > self._config.chunk_tokens
        if not too_long or len(text) == 1:
            yield span
            return
        middle = (span.start + span.end) // 2
        middle = gauge.text.rfind(" ", span.start + len(text) // 4, middle) + 1 or middle
        yield from self._fitted(PackedSpan(span.start, middle, span.headings, False), gauge)
        yield from self._fitted(PackedSpan(middle, span.end, span.headings, True), gauge)

    def _chunk(
        self, document: CleanedDocument, span: PackedSpan, position: int, total: int
    ) -> Chunk:
        kind = CHUNK_TYPES[document.category]
        return kind(
            id=chunk_id(document.document_id, document.revision, self.fingerprint, position),
            document_id=document.document_id,
            revision=document.revision,
            category=document.category,
            position=position,
            total=total,
            start=span.start,
            end=span.end,
            text=document.content[span.start : span.end],
            heading_path=span.headings,
            url=document.url,
            platform=document.platform,
            title=document.title,
            author_id=document.author_id,
            author_full_name=document.author_full_name,
            published=document.published,
            language=document.language,
        )


def _stripped(span: PackedSpan, gauge: Gauge) -> PackedSpan:
    """Returns the span with its headings capped, without blank lines before and space after."""
    text = gauge.text[span.start : span.end]
    end = span.start + len(text.rstrip())
    first = len(text) - len(text.lstrip())
    start = max(span.start, gauge.text.rfind("\n", span.start, span.start + first) + 1)
    return PackedSpan(min(start, end), end, gauge.capped(span.headings), span.continues)
