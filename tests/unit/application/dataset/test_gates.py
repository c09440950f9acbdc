import pytest

from llm_engineering.application.dataset.drafts import draft
from llm_engineering.application.dataset.gates import Seen, fault
from llm_engineering.domain.dataset import InstructDatasetSample
from tests.unit.application.dataset.chunk_making import PROSE, article_chunk


@pytest.fixture
def sample() -> InstructDatasetSample:
    made = draft(article_chunk())
    assert made is not None
    return made


def test_a_good_sample_has_no_fault(sample: InstructDatasetSample) -> None:
    assert fault(sample, PROSE) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instruction": "Tell me about it."}, "not a question"),
        ({"instruction": "Why?"}, "not a question"),
        ({"instruction": "W" + "h" * 200 + "y?"}, "not a question"),
        ({"answer": "Too short."}, "answer shorter"),
        ({"answer": "x" * 601}, "answer shorter"),
        ({"answer": PROSE.replace("yields", "returns")}, "does not stand in its chunk"),
    ],
)
def test_each_fault_is_named(
    sample: InstructDatasetSample, change: dict[str, str], reason: str
) -> None:
    found = fault(sample.model_copy(update=change), PROSE + "x" * 601)
    assert found is not None
    assert reason in found


def test_an_answer_that_holds_the_question_is_refused(sample: InstructDatasetSample) -> None:
    asking = "What is a generator? " + PROSE
    echo = sample.model_copy(update={"instruction": "What is a GENERATOR?", "answer": asking})
    assert fault(echo, asking) == "question and answer repeat each other"


def test_the_same_question_or_answer_is_let_through_once(sample: InstructDatasetSample) -> None:
    seen = Seen()
    other_case = sample.model_copy(
        update={"instruction": sample.instruction.upper(), "answer": "another answer"}
    )
    other_spacing = sample.model_copy(
        update={"instruction": "another?", "answer": sample.answer.replace(" ", "\n")}
    )
    fresh = sample.model_copy(update={"instruction": "new?", "answer": "new"})
    assert [seen.repeats(s) for s in (sample, other_case, other_spacing, fresh)] == [
        False,
        True,
        True,
        False,
    ]
