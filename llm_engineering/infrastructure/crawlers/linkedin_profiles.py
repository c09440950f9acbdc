"""Profiles of LinkedIn as Markdown, section by section."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bs4 import BeautifulSoup, Tag
from lxml import html

from llm_engineering.infrastructure.crawlers.structured_data import read

_SECTIONS = ("experience", "education", "certifications", "projects", "skills")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_NAME = "h1.top-card-layout__title, main section h1"
_HEADLINE = "h2.top-card-layout__headline, main section .text-body-medium"
_SECTION = "main section"
_ENTRY = (
    "li.artdeco-list__item, li.profile-section-card, li.experience-item, li.education__list-item"
)


@dataclass(frozen=True)
class Profile:
    """Whose profile it is, and what it says, as Markdown."""

    name: str
    text: str


def profile_of(tree: html.HtmlElement, soup: BeautifulSoup, slug: str) -> Profile | None:
    """Returns the profile `/in/<slug>` from the page's JSON, else from its elements."""
    return _from_json(tree, slug) or _from_elements(soup)


def _from_json(tree: html.HtmlElement, slug: str) -> Profile | None:
    found = read(tree, "linkedin_profile")
    people = [value.value for value in found.get("person", ())]
    person = next((each for each in people if each.get("slug") in (slug, None)), None)
    if not person or not person.get("name"):
        return None
    owner = str(person.get("urn") or "").rpartition(":")[2]
    parts = list(_opening(person))
    for section in _SECTIONS:
        entries = [
            value.value
            for value in found.get(section, ())
            if not owner or not value.value.get("urn") or owner in value.value["urn"]
        ]
        if entries:
            parts.append(f"## {section.capitalize()}")
            parts += _listed(entries) if section == "skills" else map(_entry, entries)
    return Profile(person["name"].strip(), "\n\n".join(parts)) if len(parts) > 1 else None


def _opening(person: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {person['name'].strip()}"
    about = [person.get("headline"), person.get("place")]
    if any(about):
        yield "\n\n".join(str(each).strip() for each in about if each)
    if person.get("about"):
        yield f"## About\n\n{str(person['about']).strip()}"


def _listed(entries: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    return ["\n".join(f"- {entry['title']}" for entry in entries if entry.get("title"))]


def _entry(entry: Mapping[str, Any]) -> str:
    """Returns one position, school or project: heading, time and place, description.

    What guests may not see is there as asterisks, and left out.
    """
    named = (entry.get(key) for key in ("title", "field", "organisation"))
    heading = ", ".join(str(name) for name in named if name and set(str(name)) - set("* "))
    when = _span(entry.get("start"), entry.get("end"))
    facts = " · ".join(str(each) for each in (when, entry.get("place")) if each)
    text = str(entry.get("about") or "").strip()
    parts = (f"### {heading}" if heading else "", facts, text)
    return "\n\n".join(part for part in parts if part)


def _span(start: object, end: object) -> str:
    begun, ended = _month(start), _month(end)
    if not begun:
        return ended
    return f"{begun} to {ended or 'present'}"


def _month(date: object) -> str:
    """Returns a date of LinkedIn's entities, `{"year": 2019, "month": 3}`, or one of JSON-LD."""
    if not isinstance(date, dict):
        return str(date or "")
    month = date.get("month")
    name = _MONTHS[month - 1] if isinstance(month, int) and 1 <= month <= len(_MONTHS) else ""
    return f"{name} {date.get('year') or ''}".strip()


def _from_elements(soup: BeautifulSoup) -> Profile | None:
    name, headline = soup.select_one(_NAME), soup.select_one(_HEADLINE)
    if name is None:
        return None
    parts = [f"# {_words(name)}", _words(headline) if headline else ""]
    for section in soup.select(_SECTION):
        title = section.find("h2")
        text = _section_text(section, title) if title else ""
        if title and text:
            parts.append(f"## {_words(title)}\n\n{text}")
    text = "\n\n".join(part for part in parts if part)
    return Profile(_words(name), text) if "## " in text else None


def _section_text(section: Tag, title: Tag) -> str:
    entries = section.select(_ENTRY)
    if entries:
        return "\n".join(f"- {_words(entry)}" for entry in entries if not entry.find_parent("li"))
    return _words(section).removeprefix(_words(title)).strip()


def _words(element: Tag) -> str:
    """Returns the text once: LinkedIn repeats it, hidden, for screen readers."""
    pieces = (
        str(piece)
        for piece in element.find_all(string=True)
        if not piece.find_parent(class_="visually-hidden")
        and not piece.find_parent(["button", "script", "code", "style"])
    )
    return " ".join(" ".join(pieces).split())
