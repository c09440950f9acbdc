import pytest

from llm_engineering.application.rag.evidence import Evidence
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from tests.unit.application.rag.test_citations import passages

QUESTION = "When does the pump of the boat run?"
PUMPS = "The pump wakes above 4 centimetres. It rests after two minutes. A lamp shows it."
LONG = " ".join(f"Rope number {n} lies in locker {n} of the fore deck." for n in range(40))


@pytest.fixture
def model() -> HashingEmbeddingModel:
    return HashingEmbeddingModel(dimension=256)


def evidence(model: HashingEmbeddingModel, *texts: str, question: str = QUESTION) -> Evidence:
    return Evidence(question, passages(*texts), model, WordSparseEncoder())


def test_a_quotation_is_known_without_comparing_meanings(model: HashingEmbeddingModel) -> None:
    (best,) = evidence(model, LONG, PUMPS).supporting(["The pump wakes above 4 centimetres."])
    assert best is not None
    source, score = best
    assert (source.passage, source.text) == (1, "The pump wakes above 4 centimetres.")
    assert score == pytest.approx(1.0)
    assert model.embedded == 0


def test_a_paraphrase_is_compared_with_few_sentences(model: HashingEmbeddingModel) -> None:
    claim = "The pump wakes above 4 centimetres, rests after two minutes, shows a lamp."
    (best,) = evidence(model, LONG, PUMPS).supporting([claim])
    assert best is not None
    assert best[0].passage == 1
    assert 0 < model.embedded <= 6, "the claim and at most five sentences"


def test_words_from_two_sentences_are_no_quotation(model: HashingEmbeddingModel) -> None:
    source = evidence(model, PUMPS)
    (best,) = source.supporting(["The pump rests above 4 centimetres."])
    assert best is None or best[1] < 1.0
    assert model.embedded > 0


@pytest.mark.parametrize(
    "claim",
    [
        "The pump wakes above 5 centimetres.",  # another number
        "The pump of Grace Hopper wakes above 4 centimetres.",  # a name that nobody mentions
        "Whales sing in spring, far from any harbour.",
    ],
)
def test_what_no_passage_says_is_not_supported(model: HashingEmbeddingModel, claim: str) -> None:
    assert evidence(model, LONG, PUMPS).supporting([claim]) == [None]


def test_each_claim_gets_its_own_support(model: HashingEmbeddingModel) -> None:
    claims = ["It rests after two minutes.", "Pigs fly over Rome.", "The pump wakes, a lamp shows."]
    carried = evidence(model, PUMPS).supporting(claims)
    assert [one is not None for one in carried] == [True, False, True]
    assert carried[0] is not None
    assert carried[0][0].text == "It rests after two minutes."


def test_the_sentences_that_bear_on_the_question_come_first(model: HashingEmbeddingModel) -> None:
    ranked = evidence(model, LONG, PUMPS).ranked
    assert ranked[0][0].text == "The pump wakes above 4 centimetres."
    assert [score for _, score in ranked] == sorted((s for _, s in ranked), reverse=True)
    assert model.embedded <= 8


def test_what_has_half_the_words_of_the_question_is_worth_reading(
    model: HashingEmbeddingModel,
) -> None:
    texts = (LONG, "The pump of the boat.", "A boat, a pump.", "Whales sing.", "When it runs.")
    read = evidence(model, *texts).worth_reading()
    assert [one.chunk.text for one in read] == [LONG, "The pump of the boat.", "A boat, a pump."]
    assert model.embedded == 0


def test_where_no_passage_has_the_words_all_are_read(model: HashingEmbeddingModel) -> None:
    read = evidence(model, LONG, PUMPS, question="Quis custodiet?").worth_reading()
    assert [one.chunk.text for one in read] == [LONG, PUMPS]
    assert evidence(model).worth_reading() == []


def test_without_passages_nothing_is_supported(model: HashingEmbeddingModel) -> None:
    empty = evidence(model)
    assert empty.supporting(["The pump wakes."]) == [None]
    assert empty.supporting([]) == []
    assert empty.ranked == []


def bears(model: HashingEmbeddingModel, claim: str, *texts: str) -> bool:
    source = evidence(model, *texts, question="When does the pump start after a storm?")
    (found,) = source.supporting([claim])
    assert found is not None
    embedded, answer = model.embedded, source.bears_on_question([found[0]])
    assert model.embedded == embedded, "only words count"
    return answer


STORM = "The pump does start an hour after a storm. It hums loudly. Gulls sit on the mast, too."


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("An hour after.", True),
        ("It hums loudly.", True),  # as relevant as what "it" is
        ("Gulls sit on the mast, too.", False),
    ],
)
def test_what_shares_little_with_the_question_is_beside_it(
    model: HashingEmbeddingModel, claim: str, expected: bool
) -> None:
    assert bears(model, claim, LONG, STORM) is expected


def test_a_pronoun_at_the_beginning_of_a_passage_stands_for_nothing(
    model: HashingEmbeddingModel,
) -> None:
    assert not bears(model, "It hums loudly.", STORM.partition(" It ")[0], "It hums loudly.")


def test_nothing_bears_on_a_question_without_known_words(model: HashingEmbeddingModel) -> None:
    source = evidence(model, PUMPS, question="Quis custodiet?")
    (found,) = source.supporting(["A lamp shows it."])
    assert found is not None
    assert not source.bears_on_question([found[0]])


def test_a_claim_that_adds_nothing_to_the_question_says_nothing(
    model: HashingEmbeddingModel,
) -> None:
    source = evidence(model, PUMPS)
    claim = "The pump of the boat does run."
    assert source.supporting([claim]) == [None]
    assert source.repeats_question([claim])
    assert not source.repeats_question([claim, "It rests."])


def test_among_equal_quotations_the_one_that_the_question_is_about_is_cited(
    model: HashingEmbeddingModel,
) -> None:
    source = evidence(
        model, "Noon is bright.", "The ferry sails at noon.", question="When does the ferry sail?"
    )
    (found,) = source.supporting(["Noon."])
    assert found is not None
    assert found[0].passage == 1


@pytest.mark.parametrize(
    "claim",
    [
        "It wakes above 4 centimetres, as stated in the passage.",
        "According to the sources, it wakes above 4 centimetres.",
        "It wakes above 4 centimetres, based on the provided text.",
    ],
)
def test_words_about_the_passages_need_no_source(model: HashingEmbeddingModel, claim: str) -> None:
    (found,) = evidence(model, LONG, PUMPS).supporting([claim])
    assert found is not None
    assert found[0].text == "The pump wakes above 4 centimetres."


def test_what_is_based_on_something_else_does(model: HashingEmbeddingModel) -> None:
    source = evidence(model, PUMPS)
    assert source.supporting(["According to the harbour master, gulls sing."]) == [None]
    assert source.repeats_question(["The pump of the boat, as shown by the source."])
