import pytest

from llm_engineering.application.rag.opposites import says_opposite


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which pump is the weakest?", "The bilge pump is the strongest of all."),
        ("Who was the former keeper?", "Anna Holm is currently the keeper."),
        ("What lies on the Southern shore?", "On the northern shore lies Skar."),
        ("Who wrote metrical music for bells?", "Nils Berg wrote ametrical music for bells."),
        ("Which flags are legal there?", "Red flags are illegal there."),
        ("Who was a dependent keeper?", "Anna Holm was an in-dependent keeper."),
        ("Where is a bell, by the disagreement?", "By the agreement there is a bell in Skar."),
        ("Which is the unpopular harbour?", "Lomma is a popular harbour."),
        ("Which is the busiest port?", "Lomma is the second busiest port."),
        ("Which is the most costly boat?", "The Alma is the 3rd most costly boat."),
        ("What did the guild prove?", "The guild could not prove that the bell rang."),
        ("What did the guild prove?", "The guild didn't really prove that the bell rang."),
    ],
)
def test_what_says_the_opposite(question: str, text: str) -> None:
    assert says_opposite(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which pump is the weakest?", "The bilge pump is the weakest, the other the strongest."),
        ("Which pump is the weakest?", "It fills ten buckets an hour."),
        ("Which harbour is unpopular?", "Lomma is unpopular, Skar is popular."),
        ("Which form do I need?", "Ask for information about the form."),
        ("Which coming of fog was covered?", "The incoming fog was discovered late."),
        ("Who swam cross the bay?", "Anna Holm swam across the bay."),
        ("Which is the busiest port?", "Lomma is the busiest port, Skar the second busiest."),
        ("Which is the second busiest port?", "Lomma is the second busiest port."),
        ("What did the guild not prove?", "The guild could not prove that the bell rang."),
        ("Who rang the bell?", "Anna Holm rang it and did not stop."),
        ("What came after the fog?", "The fog came before the storm."),
        ("", ""),
    ],
)
def test_what_does_not(question: str, text: str) -> None:
    assert not says_opposite(question, text)
