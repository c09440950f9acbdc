import pytest
from lxml import html

from llm_engineering.infrastructure.crawlers import voting
from llm_engineering.infrastructure.crawlers.blocks import Words, blocks_of, words_of
from llm_engineering.infrastructure.crawlers.voting import elected

LINES = {
    "a": "The tide comes in twice a day on every coast.",
    "b": "The moon pulls at the water that is nearest to it.",
    "c": "Springs are higher than neaps in all of the harbours.",
    "short": "Spring tides",
}
PAGE = "".join(f"<p>{line}</p>" for line in LINES.values())


def ballot(names: str) -> list[Words]:
    return [words_of(LINES[name]) for name in names.split()]


def vote(
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    readability: str,
    recall: str = "",
    page: str = PAGE,
) -> tuple[list[str], str, list[bool]]:
    """Returns what is elected when the three choose so, the voters, and who was asked."""
    asked: list[bool] = []

    def trafilatura(tree: html.HtmlElement, *, precise: bool) -> list[Words]:
        asked.append(precise)
        return ballot(precision if precise else recall)

    monkeypatch.setattr(voting, "_trafilatura", trafilatura)
    monkeypatch.setattr(voting, "_readability", lambda _: ballot(readability))
    tree = html.document_fromstring(f"<html><body>{page}</body></html>")
    chosen, voters = elected(tree, blocks_of(tree))
    names = {text: name for name, text in LINES.items()}
    return [names.get(block.text, block.text) for block in chosen], voters, asked


def test_what_two_agree_on_needs_no_third(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, voters, asked = vote(monkeypatch, "a b short", "a b short")
    assert chosen == ["a", "b", "short"]
    assert voters == "trafilatura+readability"
    assert asked == [True]


def test_where_two_differ_the_majority_of_three_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, _, asked = vote(monkeypatch, "a b", "b c", "c short")
    assert chosen == ["b", "c"]
    assert asked == [True, False]


def test_a_line_that_the_careful_one_leaves_out_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = f"{PAGE}<p>{LINES['a']} {LINES['b']} {LINES['c']}</p>" * 2
    whole = f"{LINES['a']} {LINES['b']} {LINES['c']}"
    monkeypatch.setitem(LINES, "whole", whole)
    careful = "a b c whole a b c whole"
    assert "short" not in vote(monkeypatch, careful, f"{careful} short", "short", page)[0]


def test_who_has_nothing_does_not_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vote(monkeypatch, "a b", "", "b c")[0] == ["a", "b"]
    assert vote(monkeypatch, "a b", "", "")[:2] == (["a", "b"], "trafilatura")
    assert vote(monkeypatch, "", "b", "")[:2] == (["b"], "readability")
    assert vote(monkeypatch, "", "", "")[0] == []


def test_a_short_block_must_be_a_line_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"{PAGE}<p>the moon</p>"
    assert vote(monkeypatch, "a b", "a b", page=page)[0] == ["a", "b"]


def test_half_of_a_sentence_is_not_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"<p>{LINES['a'][:-12]} unlike here it would seem to be</p>{PAGE}"
    assert vote(monkeypatch, "a b", "a b", page=page)[0] == ["a", "b"]


def test_of_copies_the_one_in_the_text_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    filler = "".join(f"<p>teaser number {n}</p>" for n in range(9))
    tree = html.document_fromstring(
        f"<html><body><h6>{LINES['b']}</h6>{filler}{PAGE}{filler}</body></html>"
    )
    monkeypatch.setattr(voting, "_trafilatura", lambda *_, **__: ballot("a b c"))
    monkeypatch.setattr(voting, "_readability", lambda _: ballot("a b c"))
    chosen, _ = elected(tree, blocks_of(tree))
    assert [block.element.tag for block in chosen] == ["p", "p", "p"]


def test_a_refrain_stays_as_often_as_an_extractor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"<p>{LINES['a']}</p><p>{LINES['b']}</p><p>{LINES['a']}</p>"
    assert vote(monkeypatch, "a b a", "a b a", page=page)[0] == ["a", "b", "a"]
    assert vote(monkeypatch, "a b", "a b", page=page)[0] in (["a", "b"], ["b", "a"])


def test_the_extractors_themselves_agree_on_a_plain_article() -> None:
    text = " ".join(LINES.values())
    body = (
        f"<nav><a href=/>Home</a></nav><article>{f'<p>{text}</p>' * 1}<p>{text[::-1]}</p></article>"
    )
    tree = html.document_fromstring(f"<html><body>{body}</body></html>")
    before = html.tostring(tree)
    chosen, voters = elected(tree, blocks_of(tree))
    assert [block.text for block in chosen] == [text, text[::-1]]
    assert voters == "trafilatura+readability"
    assert html.tostring(tree) == before


def test_an_extractor_that_fails_leaves_the_vote_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import trafilatura.readability_lxml

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(trafilatura.readability_lxml.Document, "summary", fail)
    tree = html.document_fromstring(f"<html><body><article>{PAGE * 2}</article></body></html>")
    chosen, voters = elected(tree, blocks_of(tree))
    assert voters == "trafilatura"
    assert chosen
