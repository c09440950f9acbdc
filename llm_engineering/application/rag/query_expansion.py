"""Query expansion: the same question in other words finds what the first words miss."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig

from llm_engineering.domain.queries import Query

_TURN = """Write {n} other ways to ask the question below, for a search engine. Keep every name, \
number and identifier. One a line, nothing else.

Question: {question}"""
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])?\s*(?:question:\s*)?", re.I)
_ANNOUNCES = re.compile(r":\W*$")  # Here are two other ways:
_MAX_QUESTION = 2_000  # characters; a longer text says enough as it is


class QueryExpansion(Runnable[Query, Sequence[str]]):
    """Has the chat model rephrase a question `n` times."""

    def __init__(self, model: BaseChatModel, n: int) -> None:
        self._n = n
        self._writer = ChatPromptTemplate([("human", _TURN)]) | model | StrOutputParser()

    def invoke(
        self,
        input: Query,
        config: RunnableConfig | None = None,
        **_: Any,
    ) -> Sequence[str]:
        """Returns the question as it is, then at most `n` variants that differ from it.

        Raises:
            ModelError: the chat model failed.
        """
        question = input.text
        if not self._n or len(question) > _MAX_QUESTION:
            return [question]
        written = self._writer.invoke({"n": self._n, "question": question}, config)
        said = [line for line in written.splitlines() if not _ANNOUNCES.search(line)]
        lines = [_LIST_MARK.sub("", line).strip().strip('"') for line in said]
        distinct = {" ".join(line.casefold().split()): line for line in [question, *lines] if line}
        variants = [question, *list(distinct.values())[1:]]
        return variants[: self._n + 1]
