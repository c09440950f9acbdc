import pytest

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.gauge import Gauge
from llm_engineering.application.preprocessing.markdown import markdown_pieces
from llm_engineering.application.preprocessing.pieces import Piece, Role
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel

CONFIG = ChunkingConfig(chunk_tokens=16, heading_tokens=8)


def pieces(text: str, title: str = "") -> list[Piece]:
    return list(markdown_pieces(title, Gauge(text, HashingEmbeddingModel(), CONFIG)))


def test_each_section_that_fits_is_one_piece_below_the_headings_above_it() -> None:
    text = "intro\n\n# A\none\n\n## B\ntwo\n\n# C\nthree"
    found = [(text[p.start : p.end].strip(), p.headings) for p in pieces(text)]
    assert found == [
        ("intro", ()),
        ("# A\none", ()),
        ("## B\ntwo", ("A",)),
        ("# C\nthree", ()),
    ]


def test_the_title_stands_above_everything_unless_it_is_the_first_heading() -> None:
    assert [piece.headings for piece in pieces("text", title="T")] == [("T",)]
    assert [piece.headings for piece in pieces("# t\n\ntext", title="T")] == [()]


def test_a_section_that_is_only_a_heading_says_so() -> None:
    assert [piece.role for piece in pieces("# A\n\n## B\n\ntext")] == [Role.HEADING, Role.WHOLE]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# Plain", "Plain"),
        ("## Closed ##", "Closed"),
        ("# About C#", "About C#"),
        ("   ### Moved in", "Moved in"),
        ("# `code` and *more*", "`code` and *more*"),
        ("###### Six", "Six"),
    ],
)
def test_headings_are_read_as_commonmark_says(line: str, heading: str) -> None:
    assert pieces(f"{line}\n\n{'word ' * 30}")[-1].headings == (heading,)


@pytest.mark.parametrize(
    "line", ["#hashtag", "####### Seven", "    # indented", "| a |\n---", "- item\n---", "\n---"]
)
def test_what_looks_like_a_heading_is_none(line: str) -> None:
    assert pieces(f"{line}\n\n{'word ' * 30}")[-1].headings == ()


def test_a_loose_list_is_one_part_and_a_paragraph_after_it_is_not() -> None:
    text = "- one two three\n\n- four five\n  six\n\n" + "word " * 15
    first, *rest = pieces(text)
    assert text[first.start : first.end].strip() == "- one two three\n\n- four five\n  six"
    assert (first.role, rest[0].role) == (Role.OPENING, Role.CONTINUATION)


def test_an_unclosed_fence_reaches_to_the_end() -> None:
    assert {piece.headings for piece in pieces("```\n# no\n\n# heading\n" * 8)} == {()}


@pytest.mark.parametrize(
    "line", ["# a" + " " * 100_000 + "b", "#" * 100_000, "- " * 50_000, "." * 100_000]
)
@pytest.mark.timeout(20)
def test_odd_lines_take_linear_time(line: str) -> None:
    assert pieces(f"{line}\n\ntext")
