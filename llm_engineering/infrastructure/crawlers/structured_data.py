"""What a page says in JSON, read by the expressions of `page_specs.yaml`.

    tree = parse_raw(text, url)          # before hidden elements and comments are dropped
    found = read(tree, "article")        # the name of a spec
    found["title"]                       # (Value("How tides work", "json-ld"), ...), best first

A spec lists places in the order in which they are believed; each gives a list of JSON values (one
for each object of JSON-LD, one for each block elsewhere), and each field a list of JMESPath
expressions over that list. Every non-empty result counts, in the order of the file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import jmespath
import yaml
from jmespath.exceptions import JMESPathError
from lxml import html
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

Json = Any
JSON_LD = "json-ld"

_COMMENT = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.*?\*/|<!\[CDATA\[)\s*", re.S)
_STARTS_JSON = re.compile(r'\s*["{\[]')
_TYPE = re.compile(r"^(?:https?://)?(?:www\.)?schema\.org/|^schema:")
_MAX_DEPTH = 12  # of objects inside objects of JSON-LD


@dataclass(frozen=True)
class Value:
    """A value of the page's JSON, and the place that it stands in."""

    value: Json
    source: str


class _Place(BaseModel):
    """One `from` of a spec: where the JSON lies, and the expressions for each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["json-ld", "code", "script", "assignment"] = Field(alias="from")
    name: str = ""
    fields: Mapping[str, tuple[str, ...]]

    @field_validator("fields")
    @classmethod
    def _compiles(cls, fields: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        for expression in (text for texts in fields.values() for text in texts):
            try:
                jmespath.compile(expression)
            except JMESPathError as error:
                raise ValueError(f"{expression!r} is not JMESPath: {error}") from error
        return fields

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


@cache
def page_specs() -> Mapping[str, Sequence[_Place]]:
    """Returns the specs of `page_specs.yaml` by name."""
    text = (files(__package__) / "page_specs.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, tuple[_Place, ...]]).validate_python(yaml.safe_load(text))


def read(tree: html.HtmlElement, spec: str) -> Mapping[str, Sequence[Value]]:
    """Returns what the expressions of a spec find on a page, by field; empty results are left out.

    Raises:
        KeyError: there is no spec of that name.
    """
    found: dict[str, list[Value]] = {}
    for place in page_specs()[spec]:
        values = json_values(tree, place.kind, place.name)
        for field, expressions in place.fields.items() if values else ():
            for expression in expressions:
                for value in _results(expression, values):
                    found.setdefault(field, []).append(Value(value, place.label))
    return found


def _results(expression: str, values: Sequence[Json]) -> Sequence[Json]:
    try:
        result = jmespath.search(expression, values)
    except (JMESPathError, RecursionError):  # a function met a value of another type
        return ()
    several = result if isinstance(result, list) else [result]
    return [value for value in several if value not in (None, "", [], {})]


def json_values(tree: html.HtmlElement, kind: str, name: str = "") -> Sequence[Json]:
    """Returns the JSON of a page in the order of the page; what cannot be read is left out.

    Args:
        tree: the page; comments and hidden elements are needed for all kinds but `json-ld`.
        kind: `json-ld` (all objects, those inside others too, `@type` always a list of bare
            names, and `@kind` as in `page_specs.yaml`), `code` (`<code>` elements, in comments or
            not), `script` (the script with the id `name`, or all of type application/json),
            `assignment` (`name = {...}` in a script).
        name: see `kind`.
    """
    return list(_READERS[kind](tree, name))


def _json_ld(tree: html.HtmlElement, _: str) -> Iterator[Json]:
    for script in tree.iter("script"):
        if "ld+json" in script.get("type", "").lower():
            yield from _objects(_parsed(_COMMENT.sub("", script.text or "")))


def _objects(value: Json, depth: int = 0) -> Iterator[dict[str, Json]]:
    """Yields an object before the objects in it."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        if "@type" in value:
            types = value["@type"] if isinstance(value["@type"], list) else [value["@type"]]
            value["@type"] = [_TYPE.sub("", kind) for kind in types if isinstance(kind, str)]
            value["@kind"] = _kind_of(value["@type"])
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _objects(part, depth + 1)


def _kind_of(types: Sequence[str]) -> str:
    """Returns "article", "page", "name" (of a person, publisher or site) or "other"."""
    for kind in types:
        if kind.endswith(("Article", "Posting")) or kind == "Recipe":
            return "article"
        if kind.endswith("Page"):
            return "page"
        if kind == "Person" or kind.endswith(("Organization", "WebSite")):
            return "name"
    return "other"


def _code(tree: html.HtmlElement, name: str) -> Iterator[Json]:
    for code in tree.iter("code"):
        if name in ("", code.get("id", "")):
            inside = next(iter(code.iterchildren(html.etree.Comment)), None)
            text = "".join(code.itertext()) if inside is None else inside.text
            yield from _some(_parsed(text or ""))


def _script(tree: html.HtmlElement, name: str) -> Iterator[Json]:
    for script in tree.iter("script"):
        wanted = script.get("id") == name if name else script.get("type") == "application/json"
        if wanted:
            yield from _some(_parsed(_COMMENT.sub("", script.text or "")))


def _assignment(tree: html.HtmlElement, name: str) -> Iterator[Json]:
    start = re.compile(rf"(?<![\w.$]){re.escape(name)}\s*=\s*(?=[\[{{])")
    for script in tree.iter("script"):
        found = start.search(script.text or "")
        if found:
            yield from _some(_parsed(script.text[found.end() :]))


def _some(value: Json) -> Iterator[Json]:
    if value is not None:
        yield value


def _parsed(text: str) -> Json:
    """Returns the JSON that a text starts with, None when there is none; line breaks may be raw."""
    if not _STARTS_JSON.match(text):
        return None
    try:
        return json.JSONDecoder(strict=False).raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


_READERS: Mapping[str, Callable[[html.HtmlElement, str], Iterator[Json]]] = {
    JSON_LD: _json_ld,
    "code": _code,
    "script": _script,
    "assignment": _assignment,
}
