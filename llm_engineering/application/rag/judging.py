"""What becomes of what a model wrote: it stands, or the passages are quoted, or it is a refusal.

A small model answers when it should not, and repeats the question or copies a sentence beside it
when it should answer. So its words count for what the passages say to them:

- nothing in them is supported: a refusal;
- they only repeat the question, or rest on sentences that are beside it, while another sentence
  bears on it well: that sentence is quoted;
- the passages that they rest on lack a name or number of the question, or say the opposite: a
  refusal;
- they refuse, and the model held that hardly likelier than an answer: the sentence that bears on
  the question well is quoted.
"""

import math
import re

from llm_engineering.application.rag.citations import CitationChecker, CitedText, without_marks
from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.application.rag.extractive import extract
from llm_engineering.application.rag.opposites import says_opposite
from llm_engineering.application.rag.prompts import REFUSAL
from llm_engineering.application.rag.sentences import sentence_spans
from llm_engineering.domain.answers import AnswerMode, Verification

# counts up when what becomes of the same words changes: answers given before are given up then
RULES_VERSION = 2
# the relevance that a sentence needs to be quoted instead of what the model wrote, and more of it
# where that is a refusal; as the next, chosen on questions of SQuAD 2.0, see docs/benchmarks.md
QUOTE_MIN = 0.53
DOUBT_QUOTE_MIN = 0.6
# a refusal that the model held less likely (natural logarithm) is one in doubt
SURE_MIN = math.log(0.25)
# where a chat model's metadata say how likely it held all that it wrote (natural logarithm)
LOG_PROBABILITY = "log_probability"

_REFUSES = re.compile(r"\b(sources|passages)\b.{0,20}\bdo(es)? not (say|answer|mention)", re.I)
_REFUSED = (CitedText(""), AnswerMode.REFUSED)


def judged(
    checker: CitationChecker,
    evidence: Evidence,
    text: str,
    verify: Verification,
    log_probability: float = 0.0,
) -> tuple[CitedText, AnswerMode]:
    """Returns the answer that the passages carry, and how it came to be.

    `log_probability` is the model's, of the whole text; 0.0 where it does not say.
    """
    if not _REFUSES.search(text):
        cited, mode = _cited(checker, evidence, text, verify)
    elif without_marks(text) == REFUSAL and log_probability < SURE_MIN:
        cited, mode = extract(evidence, DOUBT_QUOTE_MIN), AnswerMode.EXTRACTIVE
    else:
        return _REFUSED
    answers = cited.citations and evidence.names_what_is_asked(cited.sources)
    return (cited, mode) if answers and not _of_opposite(evidence, cited) else _REFUSED


def _cited(
    checker: CitationChecker, evidence: Evidence, text: str, verify: Verification
) -> tuple[CitedText, AnswerMode]:
    """Returns the text with its citations, or what bears on the question more."""
    cited = checker.cite(evidence, text, verify)
    bare = without_marks(text)
    claims = [bare[start:end] for start, end in sentence_spans(bare)]
    beside = cited.citations and not evidence.bears_on_question(cited.sources)
    if beside or (claims and evidence.repeats_question(claims)):
        return extract(evidence, QUOTE_MIN), AnswerMode.EXTRACTIVE
    return cited, AnswerMode.GENERATED


def _of_opposite(evidence: Evidence, cited: CitedText) -> bool:
    """Returns whether what is said, or all that it rests on, is of the opposite of the question."""
    said = without_marks(cited.text)
    return says_opposite(evidence.question, said) or all(
        says_opposite(evidence.question, one.text) for one in cited.sources
    )
