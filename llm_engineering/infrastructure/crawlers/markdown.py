"""HTML elements to Markdown, with code exactly as it stands in the page."""

import copy
import re
from collections.abc import Sequence
from urllib.parse import quote, urljoin

import html2text
from lxml import html

_NOT_CONTENT = (
    "nav | .//aside[not(contains(@class, 'footnote'))] | .//footer | .//form"
    " | .//button | .//select | .//dialog"
    " | .//*[@role='navigation' or @role='search' or @role='complementary'"
    " or @role='banner' or @role='contentinfo' or @aria-hidden='true']"
    " | .//*[contains(concat(' ', normalize-space(@class), ' '), ' sphinxsidebar ')]"
)
_URL_CHARACTERS = ":/?#@!$&'*+,;=%~-._"  # those of RFC 3986 but the brackets, which end a link
_SPACE_AFTER_MARK = re.compile(r"(?<=\S\*) (?=[,;:])")  # html2text puts it after emphasis
_TABLE_RULE = re.compile(r"---(?:\|---)*")
_CELL_END = re.compile(r"(?<!\\)\|")
_CODE_MARK = "CODEBLOCK{}MARK"
_CODE_MARKS = re.compile(r"CODEBLOCK(\d+)MARK")
_FENCED = re.compile(r"^(?P<fence>```+)[^\n`]*\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
_LANGUAGE = re.compile(r"\b(?:highlight|language|lang)-(?!none|default|text)([\w+#]+)")


def to_markdown(element: html.HtmlElement, base: str | None = None) -> str:
    """Returns an element as Markdown: headings, lists, tables, definitions and code.

    Navigation, forms and the like inside it are left out, images become nothing. Terms of
    definition lists are lines of their own above what they mean.

    Args:
        element: it is not changed.
        base: the address that links are relative to; without it links become their text. Links
            inside the page, and to anything but http and https, always do.
    """
    root = copy.deepcopy(element)
    root.tail = None
    for node in root.xpath(f".//{_NOT_CONTENT}"):
        if node.getparent() is not None:
            node.drop_tree()
    return rendered(root, base)


def rendered(root: html.HtmlElement, base: str | None = None) -> str:
    """Returns all of an element as Markdown, see `to_markdown`. The element is used up."""
    blocks = _take_code_out(root)
    _flatten_definitions(root)
    _unlink(root, base)
    _loosen_emphasis(root)
    _escape_pipes(root)
    markdown = _converter().handle(html.tostring(root, encoding="unicode"))
    return tidy(_put_code_back(_with_framed_tables(markdown), blocks))


def _with_framed_tables(markdown: str) -> str:
    """Returns Markdown with the rows of html2text's tables, `a| b`, as `| a | b |`."""
    lines = markdown.split("\n")
    inside = False
    for place, line in enumerate(lines):
        head = place + 1 < len(lines) and bool(_TABLE_RULE.fullmatch(lines[place + 1].strip()))
        inside = (inside or head) and bool(line.strip())
        if inside:
            cells = (cell.strip() for cell in _CELL_END.split(line.strip()))
            lines[place] = f"| {' | '.join(cells)} |"
    return "\n".join(lines)


def _escape_pipes(root: html.HtmlElement) -> None:
    for cell in root.iter("td", "th"):
        for node in cell.iter():
            node.text = node.text and node.text.replace("|", "\\|")
            if node is not cell:
                node.tail = node.tail and node.tail.replace("|", "\\|")


def _loosen_emphasis(root: html.HtmlElement) -> None:
    """Takes emphasis off where html2text would lose the space before an element in it."""
    for mark in list(root.iter("em", "i", "b", "strong", "u")):
        if len(mark) and mark.text and mark.text[-1:].isspace():
            mark.drop_tag()


def _unlink(root: html.HtmlElement, base: str | None) -> None:
    """Makes links absolute, and takes away those that a Markdown reader could not follow."""
    for link in list(root.iter("a")):
        address = _address(link, base) if base else None
        if address is None:
            link.drop_tag()
        else:
            link.attrib.clear()
            link.set("href", address)


def _address(link: html.HtmlElement, base: str | None) -> str | None:
    href = (link.get("href") or "#").strip()
    text = "".join(link.itertext())
    if href.startswith("#") or not text.strip() or "[" in text or "]" in text:
        return None
    try:
        address = urljoin(base or "", href)
    except ValueError:
        return None
    if not address.startswith(("http://", "https://")):
        return None
    return quote(address, safe=_URL_CHARACTERS)


def _converter() -> html2text.HTML2Text:
    converter = html2text.HTML2Text(bodywidth=0)
    converter.use_automatic_links = False
    converter.ignore_images = True
    converter.ul_item_mark = "-"
    converter.emphasis_mark = "*"  # `_word_` would be one word to a search
    return converter


def _take_code_out(root: html.HtmlElement) -> Sequence[str]:
    blocks: list[str] = []
    for pre in root.xpath("descendant-or-self::pre"):
        block = _fence(code_of(pre), _language(pre))
        for child in list(pre):
            pre.remove(child)
        pre.tag, pre.text = "p", _CODE_MARK.format(len(blocks)) if block else None
        blocks.append(block)
    return blocks


def code_of(pre: html.HtmlElement) -> str:
    """Returns the code of a `pre` element, its line breaks and indentation kept."""
    for line_break in pre.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return "".join(pre.itertext()).replace("\r\n", "\n").strip("\n").rstrip()


def _fence(code: str, language: str) -> str:
    if not code.strip():
        return ""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def _language(pre: html.HtmlElement) -> str:
    around = [pre, *pre.iterfind("code"), *list(pre.iterancestors())[:2]]
    for element in around:
        found = _LANGUAGE.search(element.get("class", ""))
        if found:
            return {"python3": "python", "pycon3": "pycon"}.get(found.group(1), found.group(1))
    return ""


def _put_code_back(markdown: str, blocks: Sequence[str]) -> str:
    return _CODE_MARKS.sub(lambda mark: f"\n\n{blocks[int(mark.group(1))]}\n\n", markdown)


def _flatten_definitions(root: html.HtmlElement) -> None:
    """Indented definitions would read as code in Markdown."""
    for term in root.iter("dt"):
        signature = "sig" in term.get("class", "").split()
        text = " ".join("".join(term.itertext()).split())
        term.clear()
        term.tag = "p"
        html.etree.SubElement(term, "code" if signature else "strong").text = text
    for definition in root.iter("dd", "dl"):
        definition.tag = "div"


def tidy(markdown: str) -> str:
    """Returns Markdown without trailing spaces and runs of empty lines, code left as it is."""
    pieces: list[str] = []
    end = 0
    for block in _FENCED.finditer(markdown):
        pieces += [_tidy_prose(markdown[end : block.start()]), block[0]]
        end = block.end()
    pieces.append(_tidy_prose(markdown[end:]))
    return "\n\n".join(piece for piece in pieces if piece)


def _tidy_prose(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    lines = _SPACE_AFTER_MARK.sub("", lines)
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")
