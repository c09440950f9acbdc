"""What can be chosen about the feature pipeline."""

from typing import Self

from pydantic import Field, model_validator

from llm_engineering.domain.types import Frozen


class ChunkingConfig(Frozen):
    """Sizes of chunks, in tokens of the embedder.

    `chunk_tokens` is the most that a passage has, headings included; of these `heading_tokens`
    may go to the headings, and `overlap_tokens` to the end of the chunk before.
    """

    chunk_tokens: int = Field(default=220, ge=16, le=8_192)
    overlap_tokens: int = Field(default=0, ge=0)
    heading_tokens: int = Field(default=32, ge=0)

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if 2 * (self.overlap_tokens + self.heading_tokens) > self.chunk_tokens:
            raise ValueError(
                f"overlap_tokens {self.overlap_tokens} and heading_tokens {self.heading_tokens} "
                f"may take at most half of chunk_tokens {self.chunk_tokens}"
            )
        return self


class DuplicatesConfig(Frozen):
    """When a document counts as a copy of another one, and is not indexed.

    `resemblance` is the least Jaccard index of their five-word shingles, 0.5 to 1.0; .8 is what
    Lee et al. (2022) and most web corpora since take for near-duplicates. Below 0.5 candidates
    would be missed. A text of fewer than `min_words` words is never a copy.
    """

    enabled: bool = True
    resemblance: float = Field(default=0.8, ge=0.5, le=1.0)
    min_words: int = Field(default=50, ge=5)


class FeatureConfig(Frozen):
    """`configs/feature.yaml`.

    `batch_size`: passages that are embedded, or written to the index, together.
    `batch_documents`: documents that a worker gets at a time.
    `commit_documents`: changed documents after which the index is committed; a run that is killed
    goes on from there.
    `keep_generations`: index generations kept besides the live one when a new one goes live.
    """

    chunking: ChunkingConfig = ChunkingConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    batch_size: int = Field(default=256, ge=1, le=65_536)
    batch_documents: int = Field(default=128, ge=1, le=65_536)
    commit_documents: int = Field(default=200, ge=1)
    keep_generations: int = Field(default=1, ge=0)
