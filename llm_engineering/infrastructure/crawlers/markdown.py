"""HTML elements to Markdown, with code exactly as it stands in the page."""

import copy
import re
from collections.abc import Mapping, Sequence

import html2text
from lxml import html

_NOT_CONTENT = (
    "nav | .//aside[not(contains(@class, 'footnote'))] | .//footer | .//form"
    " | .//button | .//select | .//dialog"
    " | .//*[@role='navigation' or @role='search' or @role='complementary'"
    " or @role='banner' or @role='contentinfo' or @aria-hidden='true']"
    " | .//*[contains(concat(' ', normalize-space(@class), ' '), ' sphinxsidebar ')]"
)
_CODE_MARK = "CODEBLOCK{}MARK"
_CODE_MARKS = re.compile(r"CODEBLOCK(\d+)MARK")
_FENCED = re.compile(r"^(?P<fence>```+)[^\n`]*\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
_LANGUAGE = re.compile(r"\b(?:highlight|language|lang)-(?!none|default|text)([\w+#]+)")


def to_markdown(element: html.HtmlElement) -> str:
    """Returns an element as Markdown: headings, lists, tables, definitions and code.

    Navigation, forms and the like inside it are left out, links and images become their text.
    Terms of definition lists are lines of their own above what they mean.
    """
    root = copy.deepcopy(element)
    root.tail = None
    for node in root.xpath(f".//{_NOT_CONTENT}"):
        if node.getparent() is not None:
            node.drop_tree()
    blocks = _take_code_out(root)
    _flatten_definitions(root)
    return tidy(
        _put_code_back(_converter().handle(html.tostring(root, encoding="unicode")), blocks)
    )


def _converter() -> html2text.HTML2Text:
    converter = html2text.HTML2Text(bodywidth=0)
    converter.ignore_links = True
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


def with_code_repaired(markdown: str, codes: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Returns Markdown whose code blocks read as in the page, and the codes that are not in it.

    Extractors drop empty lines inside code. Blocks are recognised by everything but spacing.
    """
    known: Mapping[str, str] = {_squeezed(code): code for code in codes}
    found: set[str] = set()

    def repair(block: re.Match[str]) -> str:
        key = _squeezed(block["code"])
        if key not in known:
            return block[0]
        found.add(key)
        return f"\n{_fence(known[key], '')}\n"

    repaired = _FENCED.sub(repair, markdown)
    return tidy(repaired), [code for key, code in known.items() if key not in found]


def _squeezed(code: str) -> str:
    return "".join(code.split())


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
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")
