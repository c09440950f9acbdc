"""What one running service allows, knows of itself and keeps: made once, by who starts it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from llm_engineering.application.corpus.forgetting import Forgetting
from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.application.ports.storage import DocumentStore, GenerationStatus
from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.application.rag.history import History
from llm_engineering.application.tracking.served import Rated
from llm_engineering.serving.access import KeyRing, OpenTo
from llm_engineering.serving.limits import Limits, TokenBuckets
from llm_engineering.serving.readiness import Check, Readiness
from llm_engineering.serving.working import Workshop


@dataclass
class Deployment:
    """Without arguments it is open to all, as an application inside another one is.

    `models` are the references that a request may name. `release` names what answers: a change of
    index, models or prompt changes it. `generations` are those of the index, `checks` of the parts
    that it stands on. `rated` is told of feedback that was kept, `observe` of path, status and
    seconds of each request. `embedder`, by the name `embedder_name`, embeds what callers send.
    """

    limits: Limits = field(default_factory=Limits)
    open_to: OpenTo = OpenTo.ALL
    keys: KeyRing | None = None
    models: tuple[str, ...] = ()
    release: Callable[[], str] = lambda: "unreleased"
    history: History | None = None
    documents: DocumentStore | None = None
    generations: Callable[[], Sequence[GenerationStatus]] = tuple
    forgetting: Forgetting | None = None
    answers: AnswerRecorder | None = None
    checks: tuple[Check, ...] = ()
    rated: Callable[[Rated], None] = field(default=lambda _: None)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    embedder: EmbeddingModel | None = None
    embedder_name: str = "embedding"
    observe: Callable[[str, int, float], None] = field(default=lambda *_: None)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @cached_property
    def workshop(self) -> Workshop:
        """Where requests are worked on."""
        return Workshop(self.limits)

    @cached_property
    def buckets(self) -> TokenBuckets:
        """How often each key may ask."""
        return TokenBuckets(self.limits.per_minute)

    @cached_property
    def readiness(self) -> Readiness:
        """Whether its parts work."""
        return Readiness(self.checks)
