"""An exchange grows with the events of its answer."""

from llm_engineering.application.rag.generation import Done, Sources, Token
from llm_engineering.domain.answers import Turn
from llm_engineering.serving.ui.exchange import Exchange, turns_of
from tests.unit.serving.oracle import ANSWER, CHUNK, FOUND
from tests.unit.serving.ui.exchanges import exchange

_BEGUN = Exchange(1, "When?", "request-1")


def test_it_grows() -> None:
    read = _BEGUN.after(Sources(FOUND))
    assert read.passages == (CHUNK,)
    written = read.after(Token("It ")).after(Token("turns."))
    assert (written.written, written.answer) == ("It turns.", None)
    done = written.after(Done(ANSWER))
    assert (done.answer, done.passages) == (ANSWER, (CHUNK,))


def test_turns_are_those_that_were_answered_and_not_too_many() -> None:
    answered = [exchange(f"Answer {n}") for n in range(12)]
    turns = turns_of([*answered, _BEGUN.failed("late")])
    assert len(turns) == 20
    assert turns[:2] == (
        Turn(role="user", text="How often?"),
        Turn(role="assistant", text="Answer 2"),
    )
    assert turns[-1].text == "Answer 11"
    assert turns_of(()) == ()
