"""Questions that follow on earlier turns, made to stand alone: search sees no conversation."""

import logging
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompt_values import PromptValue

from llm_engineering.application.rag.fallbacks import COST
from llm_engineering.application.rag.prompts import conversation_prompt, shown_turns
from llm_engineering.domain.answers import Turn, Usage
from llm_engineering.domain.errors import ModelError

_log = logging.getLogger(__name__)

CONVERSATION = "conversation"  # the stage, as `degraded` and `timings_ms` name it

_LONGEST_QUESTION = 400  # characters
_FEWEST_WORDS = 4

# words that stand for something said before
_REFERS = re.compile(
    r"\b(it|its|itself|they|them|their|theirs|he|him|his|she|her|hers|this|these|those"
    r"|that(?=\s*(?:[?.!,]|$|is|was|does|did|work|mean|one))|the (?:same|former|latter|first|second"
    r"|third|last|other|others|one|ones|previous|above)"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )there(?! (?:is|are|was|were)\b)"
    r"|one(?=\s*(?:[?.!,]|$))|such|instead|otherwise|else)\b",
    re.I,
)
# beginnings that go on with something
_GOES_ON = re.compile(
    r"\s*(and|but|or|so|then|also|ok(?:ay)?|yes|no|what about|how about|why(?: not)?\s*[?.!]*$"
    r"|how so|in what way|for example|such as|what if|which one|who else|what else|anything)\b",
    re.I,
)
_LABEL = re.compile(r"^\s*(?:standalone\s+)?question\s*:\s*", re.I)
_CLAIM = re.compile(r"\d[\d.,:]*\d|\d|(?<!^)(?<![.?!] )\b[A-Z]\w+")

_WORD = re.compile(r"\w{4,}")
_STEM = 4  # letters
# long words that ask for nothing
_COMMON = re.compile(
    r"about|also|could|does|else|from|have|into|just|know|like|more|much|okay|only|please|show"
    r"|should|some|tell|than|then|they|what|when|where|which|will|with|would|your",
    re.I,
)


@dataclass(frozen=True)
class Standalone:
    """The question to search for. `failed`: it should have been rewritten and could not be."""

    text: str
    usage: Usage = field(default_factory=Usage)
    failed: bool = False


def follows_on(question: str) -> bool:
    """Returns whether a question, asked after others, may not be understood alone.

    A rule, not a model: words that stand for others, beginnings that go on, or too few words.
    """
    return bool(
        len(question.split()) < _FEWEST_WORDS
        or _REFERS.search(question)
        or _GOES_ON.match(question)
    )


class QuestionRewriter:
    """Makes a question stand alone with the chat model, only where it follows on earlier turns.

    Args:
        model: rewrites; None leaves every question as it is.
    """

    def __init__(self, model: BaseChatModel | None) -> None:
        self._model = model

    def standalone(self, question: str, history: Sequence[Turn]) -> Standalone:
        """Returns the question to search for: the same one, if it stands alone or the model fails.

        What the model writes counts only if every name and number in it was said before, and it
        still asks for what the question asked for.
        """
        if not history or not follows_on(question):
            return Standalone(question)
        if self._model is None:
            return Standalone(question, failed=True)
        try:
            text, usage = self._written(self._model, question, history)
        except ModelError as error:
            _log.warning("asking the question as it is: %s", error)
            return Standalone(question, failed=True)
        said = "\n".join((question, *(turn.text for turn in history)))
        if not (text and _invents_nothing(text, said) and _asks_the_same(text, question)):
            return Standalone(question, usage, failed=True)
        return Standalone(text, usage)

    def _written(
        self, model: BaseChatModel, question: str, history: Sequence[Turn]
    ) -> tuple[str, Usage]:
        """Returns the first line that the model writes, empty if it does not end."""
        shown = conversation_prompt().invoke({"turns": shown_turns(history), "question": question})
        text, usage = "", Usage()
        with closing(_pieces(model, shown)) as pieces:
            for piece in pieces:
                text += piece.text
                if counted := piece.usage_metadata:
                    usage = Usage(
                        input_tokens=usage.input_tokens + counted["input_tokens"],
                        output_tokens=usage.output_tokens + counted["output_tokens"],
                        cost_usd=piece.response_metadata.get(COST),
                    )
                if "\n" in text.lstrip() or len(text) > 2 * _LONGEST_QUESTION:
                    break
        line = _LABEL.sub("", text.strip().partition("\n")[0]).strip("\"'“” ")
        return (line if len(line) <= _LONGEST_QUESTION else ""), usage


def _pieces(model: BaseChatModel, shown: PromptValue) -> Generator[AIMessage, None, None]:
    yield from model.stream(shown)


def _invents_nothing(text: str, said: str) -> bool:
    known = said.casefold()
    return all(found[0].casefold() in known for found in _CLAIM.finditer(text))


def _asks_the_same(text: str, question: str) -> bool:
    """Returns whether half of the question's own words are in the text, in whatever form."""
    words = _WORD.findall(_REFERS.sub("", question))
    own = [word.casefold()[:_STEM] for word in words if not _COMMON.fullmatch(word)]
    return 2 * sum(word in text.casefold() for word in own) >= len(own)
