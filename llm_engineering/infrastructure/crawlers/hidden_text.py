"""What a page holds and no reader sees: the way to smuggle instructions to a model."""

import re
from collections.abc import Iterator, Mapping, Sequence

from lxml import etree, html

_TAGS = (
    *("script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "audio"),
    *("video", "datalist"),
)
_HIDDEN = "descendant::*[@hidden or (self::dialog and not(@open))]"
_ARIA_HIDDEN = "descendant::*[@aria-hidden='true']"
_STYLED = "descendant::*[@style]"
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|vw|vh)?\s*(?:!important)?", re.I)
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16, "vw": 10.0, "vh": 10.0}
_UNREADABLE_PX = 2.0
_OFF_SCREEN_PX = -500.0
_WHITE = re.compile(
    r"(?:#f{3}(?:f{3})?|white|transparent|rgba?\(\s*255\s*,\s*255\s*,\s*255\b.*"
    r"|rgba\([^)]*,\s*0(?:\.0+)?\s*\)|hsl\([^)]*100%\s*\))\s*(?:!important)?",
    re.I,
)
# Classes by which frameworks hide text from the eye and leave it to screen readers.
_CLASSES = re.compile(
    r"(?:^|\s)(?:sr-only|screen-reader(?:-text|-only)?|visually-?hidden|u-hidden-visually|d-none)"
    r"(?=\s|$)",
    re.I,
)
_MAY_BE_OF_CLASS = (
    "descendant::*[contains(@class, 'hidden') or contains(@class, 'sr-only')"
    " or contains(@class, 'd-none') or contains(@class, 'screen-reader')]"
)
_SIMPLE = re.compile(r"[.#]-?[A-Za-z_][\w-]*")
# what a style must have in it to take text away; to read all of them would cost more
_HIDES = re.compile(
    r"none|hidden|collapse|font-size|:\s*-\d{3}|-\d{2,}(?:em|rem|vw|vh|%)|clip|scale|opacity|color",
    re.I,
)
_MARKS_OF_RULES = ("none", "hidden", "collapse", "font-size:0", "font-size:1px", "-999", "clip")
_MAX_RULES_CHARACTERS = 300_000
_MOST = 0.5

Styled = Sequence[tuple[html.HtmlElement, Mapping[str, str]]]


def hidden_elements(tree: html.HtmlElement) -> Sequence[html.HtmlElement]:
    """Returns the elements that a browser does not show, or shows so that nobody can read them.

    Marks that sites also put on what they reveal by script (`aria-hidden`, opacity, classes, rules
    in a `style` element) do not count on an element with most of the page's letters.
    """
    styled = [
        (node, declarations(style))
        for node in tree.xpath(_STYLED)
        if _HIDES.search(style := node.get("style"))
    ]
    certain = [node for node in tree.iter(*_TAGS) if "ld+json" not in node.get("type", "")]
    certain += tree.xpath(_HIDDEN)
    certain += [node for node, style in styled if is_unseen(style)]
    certain += [node for node, style in styled if _is_white_on_white(node, style)]
    claimed = [node for node in _claimed(tree, styled) if node.tag not in ("html", "body")]
    limit = _MOST * _letters(tree) if claimed else 0
    return [*certain, *(node for node in claimed if _letters(node) <= limit)]


def declarations(style: str) -> Mapping[str, str]:
    """Returns the properties of a style, in lower case."""
    pairs = (part.partition(":") for part in style.lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def is_unseen(style: Mapping[str, str]) -> bool:
    """Returns whether a style takes text away, off the screen or below a legible size."""
    if style.get("display", "").startswith("none"):
        return True
    if style.get("visibility", "").startswith(("hidden", "collapse")):
        return True
    size = _pixels(style.get("font-size"))
    if size is not None and size < _UNREADABLE_PX:
        return True
    shifts = (_pixels(style.get(name)) for name in ("text-indent", "left", "top", "right"))
    if any(shift is not None and shift < _OFF_SCREEN_PX for shift in shifts):
        return True
    return _is_cut_off(style)


def _is_cut_off(style: Mapping[str, str]) -> bool:
    """Returns whether a style leaves no room to show the text in."""
    if style.get("clip", "").replace(" ", "").startswith(("rect(0", "rect(1px")):
        return True
    if style.get("clip-path", "").startswith(("inset(50%", "inset(100%")):
        return True
    if style.get("transform", "").replace(" ", "").startswith("scale(0)"):
        return True
    names = ("height", "max-height", "width", "max-width")
    sizes = [_pixels(style.get(name)) for name in names]
    flat = any(size is not None and size <= 1 for size in sizes)
    return flat and style.get("overflow", "").startswith(("hidden", "clip"))


def _is_transparent(style: Mapping[str, str]) -> bool:
    opacity = _NUMBER.match(style.get("opacity", ""))
    return opacity is not None and float(opacity[1]) < 0.1  # noqa: PLR2004


def _pixels(value: str | None) -> float | None:
    """Returns a length in CSS pixels, at usual sizes of font and window; None for other values."""
    match = _NUMBER.fullmatch(value or "")
    return float(match[1]) * _PIXELS[match[2] or "px"] if match else None


def _is_white_on_white(node: html.HtmlElement, style: Mapping[str, str]) -> bool:
    """Returns whether text is in the colour of paper, and nothing around it may be a background."""
    if not _WHITE.fullmatch(style.get("color", "")):
        return False
    return not any(
        "background" in around.get("style", "") or around.get("bgcolor") or around.get("class")
        for around in (node, *node.iterancestors())
        if around.tag not in ("html", "body")
    )


def _claimed(tree: html.HtmlElement, styled: Styled) -> Iterator[html.HtmlElement]:
    yield from tree.xpath(_ARIA_HIDDEN)
    for node in tree.xpath(_MAY_BE_OF_CLASS):
        if _CLASSES.search(node.get("class")):
            yield node
    names = _names_hidden_by_rules(tree)
    for node in tree.iter(etree.Element) if names else ():
        label = node.get("class")
        own = {f".{name}" for name in label.split()} if label else set()
        if own & names or f"#{node.get('id')}" in names:
            yield node
    yield from (node for node, style in styled if _is_transparent(style))


def _names_hidden_by_rules(tree: html.HtmlElement) -> set[str]:
    """Returns the classes (".x") and ids ("#x") that `style` elements hide by a rule of their own.

    Rules for some media or in combination with other selectors are for states of the page.
    """
    names: set[str] = set()
    for style in tree.iter("style"):
        depth = 0
        for part in (style.text or "")[:_MAX_RULES_CHARACTERS].split("}"):
            if depth == 0 and any(mark in part for mark in _MARKS_OF_RULES):
                selectors, _, rule = part.rpartition("{")
                if is_unseen(declarations(rule)):
                    names.update(filter(_SIMPLE.fullmatch, map(str.strip, selectors.split(","))))
            depth = max(0, depth + part.count("{") - 1)
    return names


def _letters(node: html.HtmlElement) -> int:
    return sum(len(text.strip()) for text in node.itertext())
