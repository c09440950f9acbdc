"""Quality gates: which drafts may teach a model."""

from llm_engineering.domain.dataset import InstructDatasetSample

QUESTION_CHARACTERS = (12, 200)
ANSWER_CHARACTERS = (60, 600)
QUESTION_MARKS = ("?", "\uff1f", "\u061f")  # of Latin, of Chinese and Japanese, of Arabic script


def fault(sample: InstructDatasetSample, source: str) -> str | None:
    """Returns why the sample is refused, None when it passes.

    `source` is the text of the chunk that the sample was made from.
    """
    question, answer = sample.instruction, sample.answer
    if not _within(question, QUESTION_CHARACTERS) or not question.endswith(QUESTION_MARKS):
        return "not a question of 12 to 200 characters"
    if not _within(answer, ANSWER_CHARACTERS):
        return "answer shorter than 60 or longer than 600 characters"
    if answer not in source:
        return "answer does not stand in its chunk"
    if _key(question) in _key(answer) or _key(answer) in _key(question):
        return "question and answer repeat each other"
    return None


class Seen:
    """Remembers the questions and answers that were let through; spacing and case do not count."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def repeats(self, sample: InstructDatasetSample) -> bool:
        """Returns whether question or answer was there before, and remembers both."""
        keys = {f"q:{_key(sample.instruction)}", f"a:{_key(sample.answer)}"}
        repeated = not self._keys.isdisjoint(keys)
        if not repeated:
            self._keys |= keys
        return repeated


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _within(text: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(text) <= bounds[1]
