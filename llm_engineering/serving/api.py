"""The HTTP application: routes by topic, each behind the same entrance and limits."""

from collections.abc import Callable

from fastapi import FastAPI

from llm_engineering.serving.access import Entrance
from llm_engineering.serving.answer_routes import answer_router
from llm_engineering.serving.answering import Answering
from llm_engineering.serving.asking import Asking
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.document_routes import document_router
from llm_engineering.serving.envelope import Envelope
from llm_engineering.serving.feedback_routes import feedback_router
from llm_engineering.serving.limits import MAX_BODY_BYTES
from llm_engineering.serving.openai_api import openai_router
from llm_engineering.serving.problems import add_problem_handlers
from llm_engineering.serving.readiness import readiness_router
from llm_engineering.serving.ui.actions import Actions
from llm_engineering.serving.ui.gate import PATH, Gate

__all__ = ["Answering", "create_app"]


def create_app(
    service: Callable[[], Answering], deployment: Callable[[], Deployment] | None = None
) -> FastAPI:
    """Returns the application.

    Args:
        service: who answers; asked for at every request, never before.
        deployment: what is allowed and kept, likewise; None: everybody may ask everything.
    """
    if deployment is None:
        open_house = Deployment()
        deployment = lambda: open_house  # noqa: E731
    app = FastAPI(
        title="LLM Pipeline System",
        summary="Questions answered from your own corpus, with citations",
        version="1",
    )
    entrance = Entrance(deployment)
    asking = Asking(service, deployment)
    app.include_router(answer_router(asking, entrance))
    app.include_router(openai_router(asking, entrance))
    app.include_router(feedback_router(deployment, entrance))
    app.include_router(document_router(deployment, entrance))
    app.include_router(readiness_router(lambda: deployment().readiness))
    app.mount(PATH, Gate(Actions(asking, entrance)))
    add_problem_handlers(app)
    app.add_middleware(
        Envelope,
        max_body_bytes=MAX_BODY_BYTES,
        observe=lambda *seen: deployment().observe(*seen),
    )
    return app
