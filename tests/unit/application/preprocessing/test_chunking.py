from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_engineering.application.preprocessing.chunking import Chunker
from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
)
from llm_engineering.domain.chunks import ArticleChunk, Chunk, PostChunk, RepositoryChunk
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from tests.documents import make_article, make_file, make_post

SMALL = ChunkingConfig(chunk_tokens=24, heading_tokens=8)
MODEL = HashingEmbeddingModel(max_tokens=64)


class LetterTokenizer(HashingEmbeddingModel):
    """Counts letters, and one more token wherever a text begins: cuts make tokens."""

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        spans = [(i, i + 1) for i, letter in enumerate(text) if not letter.isspace()]
        return [(0, 0), *spans] if text else spans


def chunked(document: Document, config: ChunkingConfig = SMALL) -> Sequence[Chunk]:
    return ChunkingDispatcher(MODEL, config).dispatch(CleaningDispatcher().dispatch(document))


def texts(document: Document, config: ChunkingConfig = SMALL) -> list[str]:
    return [chunk.text for chunk in chunked(document, config)]


def assert_covers(text: str, chunks: Sequence[Chunk]) -> None:
    """Every visible character is in a chunk, and the chunks are spans of the text, in order."""
    position = 0
    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert not text[position : chunk.start].strip()
        assert chunk.end > position
        position = chunk.end
    assert not text[position:].strip()
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert {chunk.total for chunk in chunks} <= {len(chunks)}


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# One",
            "## Two\n",
            "### Three ###",
            "Under\n=====",
            "word " * 30,
            "A sentence. Another!\n",
            "- item",
            "  more of it",
            "```py\nx = 1\n\n\ny = 2\n```",
            "~~~",
            "| a | b |",
            "",
            "\n",
            "verylongword" * 40,
            "\u65e5\u672c\u8a9e\u3002" * 9,
            "\U0001f469\u200d\U0001f4bb",
            "    code = 1",
            "def f(x):\n    return x\n",
            "class A:\n\n    def g(self):\n        pass\n",
            "}",
        ]
    )
    | st.text(max_size=60),
    max_size=25,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(MARKDOWN, st.sampled_from([make_article, make_post, make_file]))
def test_spans_cover_the_text_within_the_limit_and_come_out_the_same_again(
    content: str, make: type
) -> None:
    document = make(content)
    cleaned = CleaningDispatcher().dispatch(document)
    chunks = chunked(document)
    assert_covers(cleaned.content, chunks)
    for chunk in chunks:
        assert len(MODEL.token_spans(chunk.passage)) <= SMALL.chunk_tokens
    assert chunks == chunked(document)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@settings(max_examples=100, deadline=None)
@given(MARKDOWN)
def test_the_limit_holds_even_where_cutting_makes_tokens(content: str) -> None:
    model = LetterTokenizer()
    config = ChunkingConfig(chunk_tokens=16, heading_tokens=6)
    cleaned = CleaningDispatcher().dispatch(make_post(content))
    chunks = ChunkingDispatcher(model, config).dispatch(cleaned)
    assert_covers(cleaned.content, chunks)
    assert all(len(model.token_spans(chunk.passage)) <= 16 for chunk in chunks)


@settings(max_examples=60, deadline=None)
@given(MARKDOWN)
def test_overlap_repeats_text_and_never_breaks_the_limit(content: str) -> None:
    config = ChunkingConfig(chunk_tokens=24, heading_tokens=4, overlap_tokens=5)
    cleaned = CleaningDispatcher().dispatch(make_article(content))
    covered = 0
    for chunk in chunked(make_article(content), config):
        assert chunk.text == cleaned.content[chunk.start : chunk.end]
        assert not cleaned.content[covered : chunk.start].strip()
        assert len(MODEL.token_spans(chunk.passage)) <= 24
        covered = max(covered, chunk.end)
    assert not cleaned.content[covered:].strip()


def test_a_short_text_is_one_chunk() -> None:
    (chunk,) = chunked(make_post("Just a few words."))
    assert (chunk.text, chunk.heading_path, chunk.total) == ("Just a few words.", (), 1)


def test_a_text_without_any_words_has_no_chunks() -> None:
    assert chunked(make_article(" \n\n\t")) == []


def test_a_heading_opens_a_chunk_and_stands_above_what_follows() -> None:
    prose = "Many words about it stand here. " * 3
    document = make_article(f"Intro.\n\n# First\n\n{prose}\n\n## Inner\n\n{prose}", title="Title")
    chunks = chunked(document)
    starts = {chunk.text.split("\n")[0]: chunk.heading_path for chunk in chunks}
    assert starts["# First"] == ("Title",)
    assert starts["## Inner"] == ("Title", "First")
    continued = [c for c in chunks if c.heading_path == ("Title", "First", "Inner")]
    assert continued and all("Inner" not in chunk.text for chunk in continued)


def test_small_sections_below_the_same_heading_share_a_chunk() -> None:
    document = make_article("# T\n\n## A\n\nOne.\n\n## B\n\nTwo.", title="T")
    assert texts(document) == ["# T\n\n## A\n\nOne.\n\n## B\n\nTwo."]


def test_a_small_section_does_not_run_on_into_the_next_chapter() -> None:
    document = make_article(
        "# A\n\n## Inner\n\n" + "word " * 20 + "\n\nend.\n\n# B\n\nTwo.", title="A"
    )
    assert texts(document)[-1] == "# B\n\nTwo."


def test_a_heading_is_not_left_at_the_end_of_a_chunk() -> None:
    body = "- " + "word " * 18
    document = make_article(f"# T\n\n## A\n\n{body}\n\n{body}", title="T")
    assert all(not text.rstrip().endswith(("# T", "## A")) for text in texts(document))


@pytest.mark.parametrize(
    "block",
    [
        "```python\nfor x in y:\n    print(x)\n\n\nwhile True: pass\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "- one item\n\n- another item\n  goes on",
    ],
)
def test_fences_tables_and_lists_that_fit_stay_whole(block: str) -> None:
    prose = "Words before it, quite a few. " * 2
    document = make_article(f"{prose}\n\n{block}\n\n{prose}", title="")
    assert sum(block in text for text in texts(document)) == 1


def test_a_fence_that_is_too_long_is_cut_between_lines() -> None:
    code = "\n".join(f"value_{n} = compute({n})" for n in range(20))
    for text in texts(make_article(f"```\n{code}\n```", title="")):
        assert all(line.startswith(("value_", "```")) for line in text.split("\n"))
        assert all(line.endswith((")", "```")) for line in text.split("\n"))


def test_a_hash_inside_a_fence_is_no_heading() -> None:
    content = "```sh\n# not a heading\nls\n```\n\n" + "word " * 30
    assert all(c.heading_path == () for c in chunked(make_article(content, title="")))


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    content = " ".join(f"Sentence number {n} has exactly these words." for n in range(12))
    for text in texts(make_article(content, title="")):
        assert text.startswith("Sentence") and text.endswith("words.")


def test_a_long_sentence_is_cut_between_words() -> None:
    assert " ".join(texts(make_post("word " * 100))).split() == ["word"] * 100


def test_one_endless_word_does_not_become_one_endless_chunk() -> None:
    pieces = texts(make_post("a" * 10_000))
    assert "".join(pieces) == "a" * 10_000
    assert max(map(len, pieces)) <= 24 * 16


def test_underlined_headings_are_headings() -> None:
    prose = "Many words about it stand here. " * 3
    chunks = chunked(make_article(f"Part\n====\n\nPiece\n-----\n\n{prose}{prose}", title=""))
    assert chunks[-1].heading_path == ("Part", "Piece")


def test_headings_are_capped_to_their_budget_the_innermost_first() -> None:
    headings = "\n".join(f"{'#' * n} level {n}" for n in range(1, 6))
    *_, last = chunked(make_article(f"{headings}\n\n" + "word " * 60, title="top"))
    assert last.heading_path == ("top", "level 4", "level 5")


def test_definitions_that_fit_stay_whole_and_know_their_class() -> None:
    method = '    def {0}(self) -> None:\n        """Does it."""\n        act("{0}")\n\n'
    content = "import os\n\n\nclass Big:\n" + "".join(map(method.format, ["a", "b", "c"]))
    chunks = chunked(
        make_file(content, path="m.py"), ChunkingConfig(chunk_tokens=36, heading_tokens=10)
    )
    assert [chunk.heading_path for chunk in chunks][:2] == [("m.py",), ("m.py",)]
    for name in "bc":
        (home,) = [chunk for chunk in chunks if f"def {name}(" in chunk.text]
        assert f'act("{name}")' in home.text
        assert home.heading_path[-1] == "class Big"


def test_code_keeps_its_indentation_at_the_start_of_a_chunk() -> None:
    content = "class A:\n\n" + "\n".join(f"    value_{n} = {n}" for n in range(30))
    later = texts(make_file(content))[1:]
    assert later and all(text.startswith("    value_") for text in later)


def test_a_decorator_stays_with_its_function() -> None:
    functions = "".join(f"@cached\ndef f{n}(x):\n    return x + {n}\n\n\n" for n in range(8))
    for text in texts(make_file(functions)):
        assert text.startswith("@cached")


def test_a_readme_of_a_repository_is_cut_as_prose() -> None:
    content = "# Name\n\n" + "Words of a sentence. " * 12
    chunks = chunked(make_file(content, path="docs/README.md"))
    assert chunks[-1].heading_path == ("docs/README.md", "Name")


def test_chunks_know_where_they_come_from() -> None:
    article = make_article("word " * 60)
    for chunk in chunked(article):
        assert isinstance(chunk, ArticleChunk)
        assert (chunk.document_id, chunk.revision) == (article.id, article.revision)
        assert (chunk.author_full_name, chunk.language) == ("Ada Lovelace", "en")
        assert (chunk.url, chunk.published) == (article.url, article.published)
    assert isinstance(chunked(make_post("hello"))[0], PostChunk)
    assert isinstance(chunked(make_file("x = 1"))[0], RepositoryChunk)


def test_equal_text_in_two_documents_has_two_ids() -> None:
    (one,) = chunked(make_article("same", url="https://example.org/1"))
    (two,) = chunked(make_article("same", url="https://example.org/2"))
    assert one.id != two.id
    assert one.passage_hash == two.passage_hash


def test_other_sizes_or_another_embedder_make_another_chunker() -> None:
    fingerprints = {
        Chunker(model, config).fingerprint
        for model in (MODEL, HashingEmbeddingModel(dimension=16))
        for config in (SMALL, ChunkingConfig(chunk_tokens=25, heading_tokens=8))
    }
    assert len(fingerprints) == 4


def test_chunks_longer_than_the_embedder_reads_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"chunk_tokens: 100 is more than the 64 tokens"):
        Chunker(MODEL, ChunkingConfig(chunk_tokens=100))


def test_a_large_text_is_tokenized_about_twice() -> None:
    class CountingModel(HashingEmbeddingModel):
        characters = 0

        def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
            self.characters += len(text)
            return super().token_spans(text)

    model = CountingModel(max_tokens=256)
    lines = (f"# Heading {n}\n\nSome words, and some more of them.\n" for n in range(6_000))
    cleaned = CleaningDispatcher().dispatch(make_article("\n".join(lines)))
    chunks = ChunkingDispatcher(model, ChunkingConfig()).dispatch(cleaned)
    assert_covers(cleaned.content, chunks)
    assert model.characters < 2.5 * len(cleaned.content)
