"""From a question to a cited answer."""

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from llm_engineering.application.rag.citations import CitationChecker
from llm_engineering.application.rag.context import estimated_tokens, within_budget
from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.application.rag.extractive import extract, nearest
from llm_engineering.application.rag.fallbacks import COST, MODEL, SKIPPED
from llm_engineering.application.rag.judging import LOG_PROBABILITY, judged
from llm_engineering.application.rag.output_filter import OutputFilter
from llm_engineering.application.rag.prompts import REFUSAL, answer_prompt, numbered
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage, Verification
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """The passages that were found, best first. Always the first event."""

    retrieval: Retrieval

    @property
    def found(self) -> Sequence[ScoredChunk]:
        """The passages."""
        return self.retrieval.passages


@dataclass(frozen=True)
class Token:
    """A piece of the model's own text, before its claims are checked; it links nowhere."""

    text: str


@dataclass(frozen=True)
class Done:
    """The checked answer. Always the last event."""

    answer: Answer


Event = Sources | Token | Done


@dataclass
class _Written:
    """What the model wrote so far, as it came and as it may be shown."""

    pieces: list[AIMessageChunk] = field(default_factory=list)
    begun: bool = False
    shown: str = ""
    failed: bool = False

    @cached_property
    def message(self) -> AIMessageChunk:
        """All of it, once it is complete: adding piece to piece would copy what came before."""
        return add_ai_message_chunks(*self.pieces) if self.pieces else AIMessageChunk(content="")

    @property
    def skipped(self) -> tuple[str, ...]:
        """The models that should have written it."""
        return tuple(self.message.response_metadata.get(SKIPPED, ()))

    @property
    def log_probability(self) -> float:
        """How likely the model held its text (0.0 or less); 0.0 where it does not say."""
        return float(self.message.response_metadata.get(LOG_PROBABILITY, 0.0))

    def author(self, asked: str) -> str:
        """Returns the reference of the model that wrote it."""
        return str(self.message.response_metadata.get(MODEL, asked))

    def add(self, piece: AIMessage) -> None:
        self.pieces.append(_as_chunk(piece))
        self.begun = self.begun or bool(piece.text)


class PassageFinder(Protocol):
    """What finds the passages: ContextRetriever."""

    def warm_up(self) -> None:
        """Loads what is needed."""
        ...

    def retrieve(self, query: Query, k: int | None = None) -> Retrieval:
        """Returns the passages for a question, best first."""
        ...


class AnswerGenerator:
    """Retrieves, lets the chat model write, and checks what it wrote against the passages.

    When the model fails before its first word, the answer is quoted from the passages instead.

    Args:
        retriever: finds the passages.
        model: writes; None when there is none, then every answer is quoted.
        model_name: its reference, such as `local:qwen2.5-coder-1.5b-instruct`.
        checker: looks the claims up.
        context_tokens: the passages that the model reads have at most so many tokens.
        count_tokens: of a text, in the model's own tokens where its tokenizer is at hand.
        timer: returns seconds.
    """

    def __init__(
        self,
        retriever: PassageFinder,
        model: BaseChatModel | None,
        model_name: str,
        checker: CitationChecker,
        context_tokens: int = 3000,
        count_tokens: Callable[[str], int] = estimated_tokens,
        timer: Callable[[], float] = perf_counter,
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._prompt = answer_prompt()
        self._model_name = model_name
        self._checker = checker
        self._context_tokens = context_tokens
        self._count_tokens = count_tokens
        self._timer = timer

    def warm_up(self, *, model_in_process: bool) -> None:
        """Loads the models; has a chat model in this process read what every prompt begins with.

        Then the first question waits for nothing else. Raises what `answer` raises.
        """
        self._retriever.warm_up()
        if model_in_process and self._model:
            read = self._prompt.invoke({"passages": "", "question": "warm up"})
            self._model.invoke(read, max_tokens=1)

    def answer(self, request: AnswerRequest) -> tuple[Answer, Sequence[ScoredChunk]]:
        """Returns the checked answer and the passages that were found.

        Raises:
            StoreUnavailable: the index cannot be reached.
            ModelError: the embedder failed, or the chat model in the middle of its answer.
        """
        return concluded(self.stream(request))

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens as the model writes them, and Done. Raises what `answer` raises.

        Closing the iterator stops the model.
        """
        began = self._timer()
        retrieval = self._retriever.retrieve(request.query, request.k)
        yield from self._events(request, retrieval, {"retrieve": self._since(began)}, began)

    def answer_from(self, request: AnswerRequest, retrieval: Retrieval) -> Answer:
        """Returns the checked answer from passages that were found already.

        Raises:
            ModelError: the embedder failed, or the chat model in the middle of its answer.
        """
        for event in self._events(request, retrieval, {}, self._timer()):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("a stream ends with Done")

    def _events(
        self, request: AnswerRequest, retrieval: Retrieval, timings: dict[str, float], began: float
    ) -> Generator[Event, None, None]:
        yield Sources(retrieval)
        question = request.query.text
        written = _Written()
        evidence = self._checker.evidence(question, self._read(retrieval.passages))
        # without a name of the question in them, whatever a model writes is refused
        if evidence.may_answer() or (evidence.found and self._model is None):
            yield from self._written(question, evidence.worth_reading(), written, timings)
        checked = self._timer()
        answer = self._checked(evidence, written, request.verify)
        timings |= {"check": self._since(checked), "total": self._since(began)}
        failed = (self._model_name,) if written.failed else written.skipped
        seen = {
            "question": question,
            "degraded": (*retrieval.degraded, *failed),
            "relaxed": retrieval.relaxed,
            "timings_ms": timings,
        }
        yield Done(answer.model_copy(update=seen))

    def _read(self, found: Sequence[ScoredChunk]) -> Sequence[ScoredChunk]:
        """Returns what of it the model can read; counting may load the model, and so fail."""
        try:
            return within_budget(found, self._context_tokens, self._count_tokens)
        except ModelError:
            return within_budget(found, self._context_tokens, estimated_tokens)

    def _written(
        self,
        question: str,
        read: Sequence[ScoredChunk],
        written: _Written,
        timings: dict[str, float],
    ) -> Generator[Token, None, None]:
        """Yields what the model writes, filtered, and notes it down; a late start is a failure."""
        if self._model is None:
            written.failed = True
            return
        asked = self._timer()
        shown = OutputFilter({passage.chunk.url for passage in read})
        prompt = self._prompt.format_prompt(passages=numbered(read), question=question)
        try:
            for piece in self._model.stream(prompt):
                if piece.text and not written.begun:
                    timings["first_token"] = self._since(asked)
                written.add(piece)
                if text := shown.feed(piece.text):
                    written.shown += text
                    yield Token(text)
        except ModelError as error:
            if written.begun:  # a reader has seen half of another answer
                raise
            _log.warning("answering from the passages alone: %s", error)
            written.failed = True
        if text := shown.flush():
            written.shown += text
            yield Token(text)
        timings["generate"] = self._since(asked)

    def _checked(self, evidence: Evidence, written: _Written, verify: Verification) -> Answer:
        if written.failed:
            cited, mode = extract(evidence), AnswerMode.EXTRACTIVE
        else:
            text = written.shown.strip()
            cited, mode = judged(self._checker, evidence, text, verify, written.log_probability)
        usage = _usage(written.message)
        if not cited.citations:
            return Answer(
                text=REFUSAL,
                nearest=nearest(evidence),
                grounded=False,
                mode=AnswerMode.REFUSED,
                model=written.author(self._model_name),
                usage=usage,
            )
        return Answer(
            text=cited.text,
            citations=cited.citations,
            unsupported=cited.unsupported,
            grounded=True,
            mode=mode,
            model=written.author(self._model_name),
            usage=usage,
        )

    def _since(self, began: float) -> float:
        return round((self._timer() - began) * 1000, 2)


def concluded(events: Iterable[Event]) -> tuple[Answer, Sequence[ScoredChunk]]:
    """Returns the answer that a stream ends with, and the passages that were found for it."""
    found: Sequence[ScoredChunk] = ()
    for event in events:
        match event:
            case Sources():
                found = event.found
            case Done():
                return event.answer, found
    raise AssertionError("a stream ends with Done")


def _usage(message: AIMessageChunk) -> Usage:
    counted = message.usage_metadata
    if not counted:
        return Usage()
    return Usage(
        input_tokens=counted["input_tokens"],
        output_tokens=counted["output_tokens"],
        cost_usd=message.response_metadata.get(COST),
    )


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    """Returns a piece of a stream; models that cannot stream yield one whole message."""
    if isinstance(message, AIMessageChunk):
        return message
    return AIMessageChunk(content=message.content, usage_metadata=message.usage_metadata)
