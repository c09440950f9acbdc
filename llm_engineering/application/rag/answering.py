"""From a request to an answer: made to stand alone, given before, or generated."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from time import perf_counter

from llm_engineering.application.rag.answer_cache import GivenAnswers
from llm_engineering.application.rag.conversation import CONVERSATION, QuestionRewriter, Standalone
from llm_engineering.application.rag.generation import (
    AnswerGenerator,
    Done,
    Event,
    Sources,
    Token,
    concluded,
)
from llm_engineering.domain.answers import Answer, AnswerRequest, Usage
from llm_engineering.domain.queries import Retrieval, ScoredChunk


class AnswerPipeline:
    """Rewrites a question that follows on others, looks for the answer, and else has it written.

    Args:
        generator: retrieves, writes and checks.
        rewriter: makes questions stand alone.
        given: answers given before; None: every answer is written.
        timer: returns seconds.
    """

    def __init__(
        self,
        generator: AnswerGenerator,
        rewriter: QuestionRewriter,
        given: GivenAnswers | None = None,
        timer: Callable[[], float] = perf_counter,
    ) -> None:
        self._generator = generator
        self._rewriter = rewriter
        self._given = given
        self._timer = timer

    def warm_up(self, *, model_in_process: bool) -> None:
        """Loads the models; see AnswerGenerator.warm_up."""
        self._generator.warm_up(model_in_process=model_in_process)

    def answer(self, request: AnswerRequest) -> tuple[Answer, Sequence[ScoredChunk]]:
        """Returns the checked answer and the passages that were found.

        Raises:
            StoreUnavailable: the index cannot be reached.
            ModelError: the embedder failed, or the chat model in the middle of its answer.
        """
        return concluded(self.stream(request))

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens and Done. Raises what `answer` raises.

        Closing the iterator stops the model. An answer given before is one Token.
        """
        began = self._timer()
        question = self._rewriter.standalone(request.query.text, request.history)
        query = request.query.model_copy(update={"text": question.text})
        asked = request.model_copy(update={"query": query, "history": ()})
        timings = {CONVERSATION: self._since(began)} if request.history else {}
        key = self._given.key(asked) if self._given else None
        looked = self._timer()
        before = self._given.find(key) if self._given and key else None
        timings |= {"cache": self._since(looked)} if before else {}
        events = _again(*before) if before else self._written(asked, key)
        with closing(events):
            for event in events:
                if isinstance(event, Done):
                    own = {} if before else event.answer.timings_ms
                    timings |= {**own, "total": self._since(began)}
                    yield Done(_completed(event.answer, question, timings))
                else:
                    yield event

    def _written(self, request: AnswerRequest, key: str | None) -> Generator[Event, None, None]:
        """Yields what the generator yields; keeps the answer before a reader may hang up."""
        found: Retrieval | None = None
        with closing(self._generator.stream(request)) as events:
            for event in events:
                if isinstance(event, Sources):
                    found = event.retrieval
                if isinstance(event, Done) and self._given and key and found:
                    self._given.keep(key, event.answer, found)
                yield event

    def _since(self, began: float) -> float:
        return round((self._timer() - began) * 1000, 2)


def _again(answer: Answer, found: Retrieval) -> Generator[Event, None, None]:
    """Yields the events of an answer given before."""
    yield Sources(found)
    yield Token(answer.text)
    yield Done(answer)


def _completed(answer: Answer, question: Standalone, timings: dict[str, float]) -> Answer:
    """Returns the answer with what was asked, and what making it stand alone took."""
    failed = (CONVERSATION,) if question.failed else ()
    return answer.model_copy(
        update={
            "question": question.text,
            "usage": _sum(question.usage, answer.usage),
            "timings_ms": timings,
            "degraded": (*failed, *answer.degraded),
        }
    )


def _sum(one: Usage, other: Usage) -> Usage:
    costs = [usage.cost_usd for usage in (one, other) if usage.cost_usd is not None]
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cost_usd=sum(costs) if costs else None,
    )
