"""Training samples made from the corpus."""

from uuid import UUID

from llm_engineering.domain.types import Frozen


class InstructDatasetSample(Frozen):
    """A question and its answer, with the chunk and document they were made from."""

    instruction: str
    answer: str
    chunk_id: UUID
    document_id: UUID


class InstructDataset(Frozen):
    """Samples split by document: no document has samples on both sides."""

    train: tuple[InstructDatasetSample, ...]
    test: tuple[InstructDatasetSample, ...]
