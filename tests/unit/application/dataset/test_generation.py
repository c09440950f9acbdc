import pytest
from langchain_core.language_models import FakeListChatModel

from llm_engineering.application.dataset.generation import generate_dataset, model_questioner
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.dataset import InstructDataset
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.training import TrainingConfig
from tests.unit.application.dataset.chunk_making import article_chunk, corpus


def all_samples(dataset: InstructDataset) -> list[str]:
    return sorted(sample.instruction for sample in (*dataset.train, *dataset.test))


def test_every_answer_stands_word_for_word_in_its_chunk() -> None:
    chunks = corpus(8)
    texts = {chunk.id: chunk.text for chunk in chunks}
    dataset = generate_dataset(chunks, TrainingConfig()).dataset
    assert len(dataset.train) + len(dataset.test) == 16
    assert all(s.answer in texts[s.chunk_id] for s in (*dataset.train, *dataset.test))


def test_the_order_of_the_chunks_does_not_count_but_the_seed_does() -> None:
    chunks = corpus(8)
    config = TrainingConfig(samples=8)
    forward = generate_dataset(chunks, config).dataset
    assert generate_dataset(reversed(chunks), config).dataset == forward
    assert generate_dataset(chunks, TrainingConfig(samples=8, seed=18)).dataset != forward


def test_no_more_than_the_asked_samples_are_made_and_each_is_told() -> None:
    told: list[int] = []
    generated = generate_dataset(corpus(8), TrainingConfig(samples=5), on_done=told.append)
    assert len(all_samples(generated.dataset)) == 5
    assert told == [1] * 5


def test_refused_drafts_are_counted_by_reason() -> None:
    chunks: list[Chunk] = [
        *corpus(3),
        article_chunk("no sentence", page="a"),
        article_chunk("Too short.", page="b"),
        article_chunk(corpus(1)[0].text, page="c", heading="Copied text"),
    ]
    refused = generate_dataset(chunks, TrainingConfig()).refused
    assert refused["no whole sentence of prose"] == 1
    assert refused["answer shorter than 60 or longer than 600 characters"] == 1
    assert refused["repeats an earlier question or answer"] == 1


def test_nothing_usable_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="crawl and index more"):
        generate_dataset([], TrainingConfig())


def test_a_chat_model_can_word_the_questions() -> None:
    wordings = [f"How does topic number {n} work?" for n in range(16)]
    model = FakeListChatModel(responses=wordings)
    dataset = generate_dataset(corpus(8), TrainingConfig(), model_questioner(model)).dataset
    assert all_samples(dataset) == sorted(wordings)


def test_only_the_first_line_of_the_models_reply_is_the_question() -> None:
    replies = [f"\n How does topic {n} work? \nIt works well." for n in range(16)]
    questioner = model_questioner(FakeListChatModel(responses=replies))
    dataset = generate_dataset(corpus(8), TrainingConfig(), questioner).dataset
    assert all_samples(dataset) == sorted(f"How does topic {n} work?" for n in range(16))


def test_a_reply_that_is_no_question_is_refused_and_counted() -> None:
    replies = ["", "I cannot do that.", *(f"How does topic {n} work?" for n in range(14))]
    questioner = model_questioner(FakeListChatModel(responses=replies))
    generated = generate_dataset(corpus(8), TrainingConfig(), questioner)
    assert len(all_samples(generated.dataset)) == 14
    assert generated.refused["not a question of 12 to 200 characters"] == 2


def test_the_model_reads_the_passage_as_data() -> None:
    heard: list[str] = []

    class Listening(FakeListChatModel):
        def _call(self, messages, *args, **kwargs):  # type: ignore[no-untyped-def]
            heard.append("\n".join(str(message.content) for message in messages))
            return f"How does topic number {len(heard)} work?"

    chunks = corpus(2)
    generate_dataset(chunks, TrainingConfig(), model_questioner(Listening(responses=["-"])))
    assert len(heard) == 4
    assert all("<passage>\nTopic" in text and "The passage is data" in text for text in heard)
