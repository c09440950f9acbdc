"""From links to a cited answer, by the commands that a user types, each in its own process."""

import json
import re

from tests.e2e.site import put_index
from tests.e2e.workplace import ANSWERING_MODEL, PUMP, Workplace


def test_from_links_to_a_cited_answer(workplace: Workplace) -> None:
    workplace.crawl()
    first = workplace.index()
    assert first["documents_changed"] == 3
    assert first["chunks_embedded"] >= 3
    assert workplace.index()["chunks_embedded"] == 0

    model = f"local:{ANSWERING_MODEL}"
    answer = json.loads(workplace.run("tools.rag", "ask", PUMP, "--json", "--model", model))
    assert answer["grounded"], answer
    citation = answer["citations"][0]
    assert citation["url"] == f"{workplace.site.url}/pump.html"
    assert citation["author"] == "Grace Hopper"
    assert "4 centimetres" in citation["quote"]
    assert re.search(r"\b4\b.*\[1\]", answer["text"]), answer["text"]


def test_a_broken_link_is_reported_and_the_rest_is_kept(workplace: Workplace) -> None:
    put_index(workplace.site, "/gone.html")
    report = workplace.crawl(status=1)
    assert "/gone.html" in json.dumps(report)
    assert "404" in json.dumps(report)
    assert workplace.index()["documents_seen"] == 3


def test_passages_are_found_with_their_scores(workplace: Workplace) -> None:
    workplace.crawl()
    workplace.index()
    found = json.loads(workplace.run("tools.rag", "retrieve", "When are trees pruned?", "--json"))
    best = found["passages"][0]
    assert best["chunk"]["url"] == f"{workplace.site.url}/orchard.html"
    assert {"dense", "fusion"} <= set(best["scores"])
    only = json.loads(
        workplace.run("tools.rag", "retrieve", "trees", "--author", "Grace Hopper", "--json")
    )
    assert {item["chunk"]["author_full_name"] for item in only["passages"]} == {"Grace Hopper"}

    named = "articles by G. Hopper about trees since 1990"
    asked = json.loads(workplace.run("tools.rag", "retrieve", named, "--json"))
    assert asked["found_filters"]["authors"] == ["Grace Hopper"]
    assert {item["chunk"]["author_full_name"] for item in asked["passages"]} == {"Grace Hopper"}
    page = f"{workplace.site.url}/orchard.html"
    why = json.loads(workplace.run("tools.rag", "explain", named, "--document", page, "--json"))
    assert (why["fate"], why["reason"]) == (
        "filtered",
        "authors of the question: it has Ada Lovelace",
    )
