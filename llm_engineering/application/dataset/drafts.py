"""Question and answer read off a chunk: its headings ask, its first sentences answer."""

import re
from collections.abc import Iterator

from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.dataset import InstructDatasetSample

SENTENCES = 3
ANSWER_CHARACTERS = 320

# a full stop ends a sentence when a space or the end follows, unless one letter precedes ("e.g.")
_SENTENCE_END = re.compile(r"(?<![ .(][A-Za-z])[.!?][)\"'”\u2019`*]*(?=\s|$)")
_NOT_PROSE = re.compile(r"\s*([#|>*+-]|\d+[.)]\s|```|~~~|!\[)| {4}|\t")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\S\n]*$", re.MULTILINE | re.DOTALL)


def draft(chunk: Chunk) -> InstructDatasetSample | None:
    """Returns a sample whose answer stands word for word in the chunk, None without prose."""
    subject = (chunk.heading_path or (chunk.title,))[-1].strip()
    answer = opening(chunk.text)
    if not subject or not answer:
        return None
    where = "" if subject == chunk.title else f" in “{chunk.title}”"
    return InstructDatasetSample(
        instruction=f"What does the documentation say about {subject}{where}?",
        answer=answer,
        chunk_id=chunk.id,
        document_id=chunk.document_id,
    )


def opening(text: str) -> str:
    """Returns the first one to three whole sentences of the first paragraph of prose, or ``""``.

    Sentences are taken while the whole stays within `ANSWER_CHARACTERS`.
    """
    for paragraph in _paragraphs(text):
        ends = [match.end() for match in _SENTENCE_END.finditer(paragraph)][:SENTENCES]
        fitting = [end for end in ends if end <= ANSWER_CHARACTERS]
        if fitting and _begins_a_sentence(paragraph):
            return paragraph[: fitting[-1]]
    return ""


def _paragraphs(text: str) -> Iterator[str]:
    without_code = _FENCE.split(text)[::2]  # the odd pieces are the fences' marks
    for prose in without_code:
        for block in re.split(r"\n[^\S\n]*\n", prose):
            paragraph = block.strip("\n")
            if paragraph.strip() and not _NOT_PROSE.match(paragraph):
                yield paragraph.strip()


def _begins_a_sentence(paragraph: str) -> bool:
    return not paragraph[0].islower() and paragraph[0] not in ",;:.)"
