"""What can be released: an index generation, a registered model, and all that answers together."""

from pydantic import AwareDatetime, Field

from llm_engineering.domain.ids import fingerprint
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


class Release(Frozen):
    """What answers questions: the same release gives the same question the same chance.

    `index` names the live index generation, None before the first one; `embedder`, `reranker`,
    `retrieval` (the configuration) and `prompts` are fingerprints. `chat_models` are references,
    the first choice first, then what takes its place.
    """

    index: str | None
    embedder: str
    reranker: str | None
    retrieval: str
    prompts: str
    chat_models: tuple[str, ...] = Field(min_length=1)

    @property
    def id(self) -> str:
        """Returns its fingerprint: 12 hexadecimal digits."""
        return fingerprint(
            self.index or "",
            self.embedder,
            self.reranker or "",
            self.retrieval,
            self.prompts,
            self.chat_models,
        )
