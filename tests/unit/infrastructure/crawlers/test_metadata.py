import json
from datetime import UTC, datetime

import pytest

from llm_engineering.infrastructure.crawlers.html_tree import parse
from llm_engineering.infrastructure.crawlers.metadata import Facts, facts_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "https://seablog.example/tides"
TEXT = "<p>The tide comes in twice a day and goes out again.</p>"


def facts(head: str = "", body: str = TEXT, *, url: str = URL, in_text: bool = True) -> Facts:
    page = f'<html lang="en-GB"><head>{head}</head><body>{body}</body></html>'
    return facts_of(parse(page, url), url, NOW, in_text=in_text)


def ld(**fields: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(fields)}</script>'


def meta(**fields: str) -> str:
    return "".join(f'<meta name="{n.replace("__", ":")}" content="{v}">' for n, v in fields.items())


ARTICLE = {
    "@type": "NewsArticle",
    "headline": "How tides work",
    "author": {"name": "Mary Somerville"},
    "datePublished": "2024-03-09T23:30:00-05:00",
    "dateModified": "2024-04-01",
}


def test_what_json_ld_says_of_the_article() -> None:
    found = facts(ld(**ARTICLE))
    assert (found.title, found.author) == ("How tides work", "Mary Somerville")
    assert found.published is not None
    assert found.published.isoformat() == "2024-03-09T23:30:00-05:00"
    assert found.modified == datetime(2024, 4, 1, tzinfo=UTC)
    assert found.language == "en"
    assert found.sources == {
        **dict.fromkeys(("title", "author", "published", "modified"), "json-ld"),
        "language": "html lang",
    }


def test_meta_elements_say_it_where_json_ld_does_not() -> None:
    head = meta(
        og__title="How tides work",
        author="Mary Somerville",
        article__published_time="2024-03-09T08:00:00Z",
        article__modified_time="2024-04-01T08:00:00Z",
    )
    found = facts(head)
    assert (found.title, found.author) == ("How tides work", "Mary Somerville")
    assert found.published == datetime(2024, 3, 9, 8, tzinfo=UTC)
    assert found.modified == datetime(2024, 4, 1, 8, tzinfo=UTC)
    assert found.sources["title"] == "meta og:title"
    assert found.sources["published"] == "meta article:published_time"


def test_the_article_is_believed_before_the_page_that_it_is_on() -> None:
    page = ld(**{"@type": "WebPage", "datePublished": "2015-01-01", "name": "Sea Blog"})
    found = facts(page + meta(article__published_time="2024-03-09"))
    assert found.published == datetime(2024, 3, 9, tzinfo=UTC)
    assert facts(page).sources["published"] == "json-ld"


def test_an_author_by_reference() -> None:
    graph = {
        "@graph": [
            {**ARTICLE, "author": {"@id": "#m"}},
            {"@type": "Person", "@id": "#m", "name": "Mary Somerville"},
        ]
    }
    assert facts(ld(**graph)).author == "Mary Somerville"


def test_people_come_before_the_site_and_the_site_before_nobody() -> None:
    site = meta(og__site_name="Sea Blog", author="Sea Blog")
    assert facts(site + ld(**{**ARTICLE, "author": "Sea Blog"})).author == "Sea Blog"
    assert facts(site, f"<p class=byline>By Mary Somerville</p>{TEXT}").author == "Mary Somerville"


def test_authors_for_a_preview() -> None:
    head = meta(twitter__label1="Written by", twitter__data1="Mary", twitter__label2="Est. time")
    assert facts(head).author == "Mary"
    assert facts(meta(twitter__label1="Price", twitter__data1="Ten")).author is None


def test_several_authors_in_several_elements() -> None:
    head = '<meta name="citation_author" content="Mary"><meta name="citation_author" content="Ada">'
    assert facts(head).author == "Mary, Ada"


@pytest.mark.parametrize("value", ["https://facebook.com/mary", "@mary", "admin", ""])
def test_what_is_no_name_is_no_author(value: str) -> None:
    assert facts(meta(author=value)).author is None


def test_meta_elements_of_what_the_page_cites_do_not_count() -> None:
    cited = '<div><meta itemprop="datePublished" content="1999-01-01"></div>'
    found = facts(meta(article__published_time="2024-03-09"), TEXT + cited)
    assert found.published == datetime(2024, 3, 9, tzinfo=UTC)


def test_microdata_and_the_address_give_dates() -> None:
    shown = '<time itemprop="datePublished" datetime="2024-03-09">9 March</time>'
    assert facts(body=shown + TEXT).sources["published"] == "itemprop datePublished"
    dated = facts(url="https://seablog.example/2024/03/09/tides")
    assert (dated.published, dated.sources["published"]) == (
        datetime(2024, 3, 9, tzinfo=UTC),
        "address",
    )


def test_a_date_in_the_text_is_searched_for_last() -> None:
    body = f"<p>Published on March 9, 2024</p>{TEXT}"
    found = facts(body=body)
    assert (found.published, found.sources["published"]) == (
        datetime(2024, 3, 9, tzinfo=UTC),
        "trafilatura",
    )
    assert facts(body=body, in_text=False).published is None


def test_dates_that_cannot_be_are_not_believed() -> None:
    head = ld(**{**ARTICLE, "datePublished": "2031-01-01", "dateModified": "0001-01-01"})
    found = facts(head + meta(article__published_time="2024-03-09"))
    assert found.published == datetime(2024, 3, 9, tzinfo=UTC)
    assert found.modified is None


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ('<html lang="de-CH">', "de"),
        ('<html><meta property="og:locale" content="pt_BR">', "pt"),
        ('<html><meta http-equiv="x" name="content-language" content="fr">', "fr"),
        ('<html lang="english">', None),
        ("<html>", None),
    ],
)
def test_the_language(page: str, language: str | None) -> None:
    assert facts_of(parse(f"{page}<body>{TEXT}", URL), URL, NOW).language == language


def test_the_page_is_not_changed() -> None:
    from lxml import html

    tree = parse(f"<html><head>{ld(**ARTICLE)}</head><body>{TEXT}</body></html>", URL)
    before = html.tostring(tree)
    facts_of(tree, URL, NOW)
    assert html.tostring(tree) == before
