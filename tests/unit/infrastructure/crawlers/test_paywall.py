"""Pages that say that they are not the whole text."""

import json

import pytest

from llm_engineering.infrastructure.crawlers.html_tree import parse
from llm_engineering.infrastructure.crawlers.paywall import why_locked

URL = "https://harbour.example/tides"
PAYWALL = "behind a paywall: the page says that its text is not free to read"
MEDIUM = "for members of Medium only: the page is a preview"


def reason(head: str) -> str | None:
    page = f"<html><head>{head}</head><body><p>The water rises.</p></body></html>"
    return why_locked(page, parse(page, URL))


def json_ld(thing: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


def apollo(preview: str) -> str:
    content = f'{{"__typename":"PostContent","isLockedPreviewOnly":{preview}}}'
    return f'<script>window.__APOLLO_STATE__ = {{"Post:1":{{"content({{}})":{content}}}}}</script>'


@pytest.mark.parametrize("kind", ["NewsArticle", "BlogPosting", ["Article"], "WebPage"])
@pytest.mark.parametrize("word", [False, "False", "false", "http://schema.org/False"])
def test_schema_org_says_that_an_article_is_paid(kind: object, word: object) -> None:
    assert reason(json_ld({"@type": kind, "isAccessibleForFree": word})) == PAYWALL
    nested = {"@graph": [{"@type": "Person"}, {"@type": kind, "isAccessibleForFree": word}]}
    assert reason(json_ld(nested)) == PAYWALL


@pytest.mark.parametrize(
    "head",
    [
        "",
        json_ld({"@type": "NewsArticle"}),
        json_ld({"@type": "NewsArticle", "isAccessibleForFree": True}),
        json_ld({"@type": "NewsArticle", "isAccessibleForFree": "True"}),
        json_ld({"@type": "Museum", "isAccessibleForFree": False}),
        json_ld({"isAccessibleForFree": False}),
        '<script type="application/ld+json">{"isAccessibleForFree": fal</script>',
        '<meta name="x" content="isAccessibleForFree false">',
    ],
)
def test_other_pages_are_free(head: str) -> None:
    assert reason(head) is None


def test_medium_says_whether_it_sent_a_preview() -> None:
    paid = json_ld({"@type": "NewsArticle", "isAccessibleForFree": "False"})
    assert reason(apollo("true")) == MEDIUM
    assert reason(apollo("true") + paid) == MEDIUM
    assert reason(apollo("false") + paid) is None, "a friend link gives all of it"


def test_words_in_the_text_of_a_page_are_no_sign() -> None:
    assert reason("<title>&quot;isLockedPreviewOnly&quot;:true</title>") is None
