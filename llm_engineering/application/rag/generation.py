"""From a question to a cited answer."""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from time import perf_counter

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from llm_engineering.application.rag.citations import CitationChecker
from llm_engineering.application.rag.prompts import REFUSAL, answer_prompt, numbered
from llm_engineering.application.rag.retriever import ContextRetriever
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk

_REFUSES = re.compile(r"\b(sources|passages)\b.{0,20}\bdo(es)? not (say|answer|mention)", re.I)


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
    """A piece of the model's own text, before its claims are checked."""

    text: str


@dataclass(frozen=True)
class Done:
    """The checked answer. Always the last event."""

    answer: Answer


Event = Sources | Token | Done


class AnswerGenerator:
    """Retrieves, lets the chat model write, and checks what it wrote against the passages.

    `model_name` is the reference of the model, such as `local:qwen2.5-coder-1.5b-instruct`;
    `timer` returns seconds.
    """

    def __init__(
        self,
        retriever: ContextRetriever,
        model: BaseChatModel,
        model_name: str,
        checker: CitationChecker,
        timer: Callable[[], float] = perf_counter,
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._writer = answer_prompt() | model
        self._model_name = model_name
        self._checker = checker
        self._timer = timer

    def warm_up(self, *, model_in_process: bool) -> None:
        """Loads the models; has a chat model in this process read what every prompt begins with.

        Then the first question waits for nothing else. Raises what `answer` raises.
        """
        self._retriever.warm_up()
        if model_in_process:
            reader = answer_prompt() | self._model.bind(max_tokens=1)
            reader.invoke({"passages": "", "question": "warm up"})

    def answer(self, request: AnswerRequest) -> tuple[Answer, Sequence[ScoredChunk]]:
        """Returns the checked answer and the passages that were found.

        Raises:
            StoreUnavailable: the index cannot be reached.
            ModelError: the embedder or the chat model failed.
        """
        found: Sequence[ScoredChunk] = ()
        for event in self.stream(request):
            match event:
                case Sources():
                    found = event.found
                case Done():
                    return event.answer, found
        raise AssertionError("a stream ends with Done")

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens as the model writes them, and Done. Raises what `answer` raises.

        Closing the iterator stops the model.
        """
        began = self._timer()
        query = request.query
        retrieval = self._retriever.retrieve(query, request.k)
        found = retrieval.passages
        timings = {"retrieve": self._since(began)}
        yield Sources(retrieval)
        written = AIMessageChunk(content="")
        if found:
            asked = self._timer()
            for piece in self._writer.stream({"passages": numbered(found), "question": query.text}):
                if piece.text and "first_token" not in timings:
                    timings["first_token"] = self._since(asked)
                written = add_ai_message_chunks(written, _as_chunk(piece))
                if piece.text:
                    yield Token(piece.text)
            timings["generate"] = self._since(asked)
        checked = self._timer()
        answer = self._checked(query, written, found)
        timings |= {"check": self._since(checked), "total": self._since(began)}
        seen = {
            "question": query.text,
            "degraded": tuple(retrieval.degraded),
            "relaxed": retrieval.relaxed,
        }
        yield Done(answer.model_copy(update={**seen, "timings_ms": timings}))

    def _checked(
        self, query: Query, written: AIMessageChunk, found: Sequence[ScoredChunk]
    ) -> Answer:
        usage = written.usage_metadata
        counted = (
            Usage(input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"])
            if usage
            else Usage()
        )
        text = written.text.strip()
        cited = None if _REFUSES.search(text) else self._checker.cite(query.text, text, found)
        if cited is None or not cited.citations:
            return Answer(
                text=REFUSAL,
                grounded=False,
                mode=AnswerMode.REFUSED,
                model=self._model_name,
                usage=counted,
            )
        return Answer(
            text=cited.text,
            citations=cited.citations,
            grounded=True,
            mode=AnswerMode.GENERATED,
            model=self._model_name,
            usage=counted,
        )

    def _since(self, began: float) -> float:
        return round((self._timer() - began) * 1000, 2)


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    """Returns a piece of a stream; models that cannot stream yield one whole message."""
    if isinstance(message, AIMessageChunk):
        return message
    return AIMessageChunk(content=message.content, usage_metadata=message.usage_metadata)
