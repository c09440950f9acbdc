import pytest

from llm_engineering.application.preprocessing.config import ChunkingConfig
from llm_engineering.application.preprocessing.gauge import Gauge
from llm_engineering.application.preprocessing.pieces import Role
from llm_engineering.application.preprocessing.source_code import code_pieces
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel

CONFIG = ChunkingConfig(chunk_tokens=24, heading_tokens=12)


def pieces(text: str) -> list[tuple[str, tuple[str, ...], Role]]:
    found = code_pieces("f", Gauge(text, HashingEmbeddingModel(), CONFIG))
    return [(text[p.start : p.end].strip("\n"), p.headings, p.role) for p in found]


def test_top_level_definitions_are_pieces() -> None:
    text = "import a\nimport b\n\n\ndef f():\n    pass\n\n    return 1\n\nX = 1\n"
    assert [piece for piece, _, _ in pieces(text)] == [
        "import a\nimport b",
        "def f():\n    pass\n\n    return 1",
        "X = 1",
    ]


def test_definitions_without_a_gap_between_them_are_pieces_too() -> None:
    text = "def f(): pass\ndef g(): pass\n# about h\ndef h(): pass\n"
    assert [piece for piece, _, _ in pieces(text)] == [
        "def f(): pass",
        "def g(): pass\n# about h\ndef h(): pass",
    ]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("class Thing(Base):", "class Thing"),
        ("@decorated\nasync def work(x):", "def work"),
        ("export default class Page {", "class Page"),
        ("pub fn solve() {", "fn solve"),
        ("// explains\nfunction go() {", "function go"),
        ("impl Shape {", "impl Shape"),
        ("while True:", ""),
    ],
)
def test_what_is_inside_knows_what_it_is_inside_of(header: str, name: str) -> None:
    body = "".join(f"\n    step({n}, with_something, else)\n" for n in range(6))
    first, *rest = pieces(f"{header}\n{body}")
    assert (first[1], first[2]) == (("f",), Role.OPENING)
    assert rest
    assert {headings for _, headings, _ in rest} == {("f", name) if name else ("f",)}


def test_nested_definitions_add_up() -> None:
    body = "".join(f"\n        line({n}, some, more, words)\n" for n in range(5))
    text = f"class A:\n\n    x = 1\n\n    def m(self):\n{body}\n    def n(self): pass\n"
    found = {piece.strip().split("\n")[0]: headings for piece, headings, _ in pieces(text)}
    assert found["class A:"] == ("f",)
    assert found["def m(self):"] == ("f", "class A")
    assert found["line(4, some, more, words)"] == ("f", "class A", "def m")
    assert found["def n(self): pass"] == ("f", "class A")


def test_flat_data_is_cut_between_lines() -> None:
    text = "\n".join(f"{n},{n + 1},{n + 2}" for n in range(30))
    found = pieces(text)
    assert [piece for piece, _, _ in found] == text.split("\n")
    assert [role for *_, role in found] == [Role.OPENING] + [Role.CONTINUATION] * 29


def test_one_long_line_is_cut_too() -> None:
    found = pieces("x = [" + ", ".join(map(str, range(100))) + "]")
    assert len(found) > 5
    assert "".join(piece for piece, *_ in found).replace(" ", "").startswith("x=[0,1,2")


def test_a_stair_of_indentation_is_not_followed_forever() -> None:
    text = "".join(" " * n + f"if a{n}:\n\n" for n in range(300))
    assert "".join(piece.strip() for piece, *_ in pieces(text)).count("if") == 300


@pytest.mark.parametrize("text", ["", "\n\n", "   \n"])
def test_nothing_to_say_makes_no_words(text: str) -> None:
    assert not "".join(piece for piece, *_ in pieces(text)).strip()
