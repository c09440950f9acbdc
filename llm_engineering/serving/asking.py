"""One way from a request to the events of its answer, whatever the route is called."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from llm_engineering.application.rag.generation import Event, Sources
from llm_engineering.application.rag.history import Past
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.serving.access import Caller
from llm_engineering.serving.answering import Answering
from llm_engineering.serving.deployment import Deployment


@dataclass(frozen=True)
class Asking:
    """Asks the service on behalf of callers: within their ties, the limits and the models allowed.

    `service` and `deployment` are asked for at every request, never before.
    """

    service: Callable[[], Answering]
    deployment: Callable[[], Deployment]

    def events(self, request: AnswerRequest, caller: Caller) -> AsyncGenerator[Past | Event, None]:
        """Returns the events of an answer; closing it stops the model.

        They are those of `Answering.stream`, after the Past if `as_of` was asked for.

        Raises:
            Refusal: too much is worked on already, the key does not allow it, or it took too long.
            InvalidInput: the model is not one that may be named.
            StoreUnavailable, ModelError: at once, or when it comes to that.
        """
        deployment = self.deployment()
        if request.model is not None and request.model not in deployment.models:
            allowed = ", ".join(deployment.models) or "none"
            raise InvalidInput(f"model: {request.model!r} may not be named (allowed: {allowed})")
        request = request.model_copy(update={"query": caller.narrowed(request.query)})
        return deployment.workshop.stream(lambda: self._events(request, caller, deployment))

    def _events(
        self, request: AnswerRequest, caller: Caller, deployment: Deployment
    ) -> Generator[Past | Event, None, None]:
        """Yields the events, on a thread of its own."""
        past = _past(request, caller, deployment)
        if past:
            yield past
            request = request.model_copy(update={"query": past.narrowed(request.query)})
        with closing(self.service().stream(request)) as events:
            for event in events:
                if past and isinstance(event, Sources):
                    past.check(event.found)
                yield event


def _past(request: AnswerRequest, caller: Caller, deployment: Deployment) -> Past | None:
    if request.as_of is None:
        return None
    if deployment.history is None:
        raise InvalidInput("as_of: this service keeps no history")
    return deployment.history.at(request.as_of, caller.may_know if caller.tied else None)
