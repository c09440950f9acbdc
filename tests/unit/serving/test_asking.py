import asyncio
from contextlib import aclosing

import pytest

from llm_engineering.application.rag.generation import Done, Sources, Token
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.queries import Query
from llm_engineering.serving.access import Caller
from llm_engineering.serving.asking import Asking
from llm_engineering.serving.deployment import Deployment
from tests.unit.serving.oracle import Oracle

TOLD: dict[bool, list[type]] = {True: [Sources, Token, Token, Done], False: [Sources, Done]}


@pytest.mark.parametrize("words", [True, False])
def test_who_waits_for_the_whole_answer_hears_no_words(words: bool) -> None:
    oracle, deployment = Oracle(), Deployment()
    asking = Asking(lambda: oracle, lambda: deployment)
    request = AnswerRequest(query=Query(text="When?"))

    async def told() -> list[type]:
        async with aclosing(asking.events(request, Caller(), words=words)) as events:
            return [type(event) async for event in events]

    assert asyncio.run(told()) == TOLD[words]
