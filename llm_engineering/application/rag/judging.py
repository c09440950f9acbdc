"""What becomes of what a model wrote: it stands, or the passages are quoted, or it is a refusal.

A small model answers when it should not, and repeats the question or copies a sentence beside it
when it should answer. So its words count for what the passages say to them:

- nothing in them is supported: a refusal;
- they only repeat the question, or rest on sentences that are beside it, while another sentence
  bears on it well: that sentence is quoted;
- the passages that they rest on lack a name or number of the question: a refusal.
"""

import re

from llm_engineering.application.rag.citations import CitationChecker, CitedText, without_marks
from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.application.rag.extractive import extract
from llm_engineering.application.rag.sentences import sentence_spans
from llm_engineering.domain.answers import AnswerMode, Verification

# the relevance that a sentence needs to be quoted against what the model wrote
QUOTE_MIN = 0.5

_REFUSES = re.compile(r"\b(sources|passages)\b.{0,20}\bdo(es)? not (say|answer|mention)", re.I)
_REFUSED = (CitedText(""), AnswerMode.REFUSED)


def judged(
    checker: CitationChecker, evidence: Evidence, text: str, verify: Verification
) -> tuple[CitedText, AnswerMode]:
    """Returns the answer that the passages carry, and how it came to be."""
    if _REFUSES.search(text):
        return _REFUSED
    cited, mode = checker.cite(evidence, text, verify), AnswerMode.GENERATED
    bare = without_marks(text)
    claims = [bare[start:end] for start, end in sentence_spans(bare)]
    beside = cited.citations and not evidence.bears_on_question(cited.sources)
    if beside or (claims and evidence.repeats_question(claims)):
        cited, mode = extract(evidence, QUOTE_MIN), AnswerMode.EXTRACTIVE
    if not cited.citations or not evidence.names_what_is_asked(cited.sources):
        return _REFUSED
    return cited, mode
