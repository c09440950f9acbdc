import json

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from pydantic import ValidationError

from llm_engineering.infrastructure.crawlers.html_tree import drop_hidden, parse, parse_raw
from llm_engineering.infrastructure.crawlers.structured_data import (
    _Place,
    json_values,
    page_specs,
    read,
)

URL = "https://blog.example/tides"


def raw(body: str) -> html.HtmlElement:
    return parse_raw(f"<html><body>{body}</body></html>", URL)


def ld(*blocks: str) -> str:
    return "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)


def test_the_fields_of_an_article_come_best_first_with_their_place() -> None:
    block = """{"@context": "https://schema.org", "@graph": [
      {"@type": "WebPage", "name": "Blog: tides", "datePublished": "2024-01-01"},
      {"@type": ["https://schema.org/BlogPosting", "Thing"], "headline": "How tides work",
       "author": {"@id": "#mary"}, "datePublished": "2024-03-09", "dateModified": "2024-04-01"},
      {"@type": "Person", "@id": "#mary", "name": "Mary Somerville"}]}"""
    found = read(raw(ld(block)), "article")
    assert [value.value for value in found["title"]] == ["How tides work"]
    assert [value.value for value in found["published"]] == ["2024-03-09"]
    assert [value.value for value in found["page_title"]] == ["Blog: tides"]
    assert [value.value for value in found["page_published"]] == ["2024-01-01"]
    assert found["modified"][0].value == "2024-04-01"
    assert found["author"][0].value == {"@id": "#mary"}
    assert found["named"][0].value["name"] == "Mary Somerville"
    assert {value.source for values in found.values() for value in values} == {"json-ld"}


def test_objects_inside_objects_are_found_and_types_are_bare_names() -> None:
    tree = raw(ld('{"@type": "schema:WebPage", "mainEntity": {"@type": "NewsArticle"}}'))
    types = [value["@type"] for value in json_values(tree, "json-ld")]
    assert types == [["WebPage"], ["NewsArticle"]]


@pytest.mark.parametrize(
    "block",
    [
        '<!-- {"@type": "Article", "headline": "Tides"} -->',
        '//<![CDATA[\n{"@type": "Article", "headline": "Tides"}\n//]]>',
        '/* seo */ {"@type": "Article", "headline": "Tides"};',
        '{"@type": "Article",\n "description": "two\nlines", "headline": "Tides"}',
        '[{"@type": "Article", "headline": "Tides"}]',
    ],
)
def test_json_ld_is_read_as_sites_write_it(block: str) -> None:
    assert [value.value for value in read(raw(ld(block)), "article")["title"]] == ["Tides"]


@pytest.mark.parametrize("block", ["", "nothing", "{", '{"@type": 3}', "[" * 5000, "42", '"x"'])
def test_what_is_no_json_ld_is_left_out_and_the_next_block_counts(block: str) -> None:
    tree = raw(ld(block, '{"@type": "Article", "headline": "Tides"}'))
    assert read(tree, "article")["title"][0].value == "Tides"


def test_deep_objects_end() -> None:
    deep = '{"@type": "A", "part": ' * 300 + "1" + "}" * 300
    assert 0 < len(json_values(raw(ld(deep)), "json-ld")) < 20


def test_json_in_code_elements_in_comments_or_not() -> None:
    tree = raw(
        """<code id="a" style="display: none"><!--{"name": "Mary"}--></code>
        <code id="b">{&quot;name&quot;: &quot;Jo &amp; Meg&quot;}</code>
        <code id="c">x = {"a": 1}</code>"""
    )
    assert json_values(tree, "code") == [{"name": "Mary"}, {"name": "Jo & Meg"}]
    assert json_values(tree, "code", "b") == [{"name": "Jo & Meg"}]
    assert json_values(tree, "code", "c") == []


def test_json_in_scripts_by_id_and_by_type() -> None:
    tree = raw(
        """<script id="__NEXT_DATA__" type="application/json">{"n": 1}</script>
        <script type="application/json">{"n": 2}</script><script>{"n": 3}</script>"""
    )
    assert json_values(tree, "script", "__NEXT_DATA__") == [{"n": 1}]
    assert json_values(tree, "script") == [{"n": 1}, {"n": 2}]


def test_json_that_a_script_assigns() -> None:
    tree = raw(
        """<script>window.x = 1; window.__STATE__ = {"n": "a;}"}; go();</script>
        <script>other.window.__STATE__ = {"n": 2}</script>"""
    )
    assert json_values(tree, "assignment", "window.__STATE__") == [{"n": "a;}"}]


def test_json_ld_in_a_hidden_element_survives_and_other_json_does_not() -> None:
    block = ld('{"@type": "Article"}')
    tree = raw(f"<div hidden>{block}</div><code><!--{{}}--></code>tail")
    drop_hidden(tree)
    assert len(json_values(tree, "json-ld")) == 1
    assert json_values(tree, "code") == []
    assert "tail" in tree.text_content()


def test_parse_is_parse_raw_and_drop_hidden() -> None:
    block = ld('{"@type": "Article"}')
    page = f"<p>a<!-- x -->b</p><script>1</script><p hidden>c</p>{block}"
    tree = parse_raw(page, URL)
    drop_hidden(tree)
    assert html.tostring(tree) == html.tostring(parse(page, URL))


def test_an_expression_of_another_type_than_the_value_finds_nothing() -> None:
    tree = raw(ld('{"@type": "Article", "headline": "", "author": [], "datePublished": null}'))
    assert read(tree, "article") == {}


def test_an_unknown_spec_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        read(raw(""), "nowhere")


def test_every_expression_of_the_file_compiles() -> None:
    specs = page_specs()
    assert "article" in specs
    for places in specs.values():
        for place in places:
            for expressions in place.fields.values():
                for expression in expressions:
                    jmespath.search(expression, [])


@pytest.mark.parametrize(
    "place",
    [
        {"from": "xml", "fields": {}},
        {"from": "code", "fields": {"a": ["[?"]}},
        {"from": "code", "fields": {}, "path": "x"},
    ],
)
def test_a_wrong_spec_is_refused(place: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _Place.model_validate(place)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["@type", "author", "x"]), inner)
    ),
    max_leaves=8,
)


@given(_JSON)
def test_no_json_ld_breaks_the_reader(value: object) -> None:
    block = json.dumps(value).replace("</", "<\\/")
    read(raw(ld(block)), "article")
