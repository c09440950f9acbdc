"""What can be released: an index generation, a registered model."""

from pydantic import AwareDatetime, Field

from llm_engineering.domain.types import Frozen


class Generation(Frozen):
    """An index generation: all chunks cut by one chunker and embedded by one embedder.

    `dimension` is the length of its dense vectors.
    """

    embedder: str
    chunker: str
    dimension: int = Field(gt=0)

    @property
    def name(self) -> str:
        """Returns the name of its collection."""
        return f"chunks-{self.embedder}-{self.chunker}"


class RegisteredModel(Frozen):
    """A version of a registered model. `files` maps each relative path to its SHA-256."""

    name: str
    version: int = Field(ge=1)
    aliases: tuple[str, ...] = ()
    files: dict[str, str]
    metrics: dict[str, float] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime
