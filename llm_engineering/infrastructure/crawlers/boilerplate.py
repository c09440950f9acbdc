"""Blocks that stand among the text of an article and are not part of it."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from lxml import html

from llm_engineering.infrastructure.crawlers.blocks import Block, Words, words_of

_TITLE_WORDS = 2  # a title of one word may well be a line of the text
_CAPTION_WORDS = 4
_SEPARATORS = (" | ", " - ", " \u2013 ", " \u2014 ", " :: ", " » ", " · ", " • ")
_APPENDIX_AFTER_WORDS = 60
_LABEL_CHARACTERS = 60
_MAX_LABELS = 20
_SMALLER_PART = 1 / 3
_NOTE_WORDS = 30
_DATE_WORDS = range(2, 17)
_CLASS_DEPTH = 3
_ALL_BUT_HALF = 0.5  # a rule that takes more of the text than this has met another kind of page

# Labels above what follows an article, as sites of large languages write them.
_APPENDIX = re.compile(
    r"\W*(?:related(?: (?:posts?|articles?|stories|content|news|topics|links|reading|coverage))?"
    r"|you (?:may|might|could) (?:also )?(?:like|enjoy|be interested in)|you'll also like"
    r"|more (?:\S+ ){0,3}(?:from|on) \S.*|more (?:stories|news|articles|posts)"
    r"|read (?:more|next|also)"
    r"|(?:recommended|popular|latest|recent|trending|similar)"
    r" (?:for you|posts?|articles?|stories|news|reading)"
    r"|comments?|leave a (?:reply|comment)|share this(?: (?:post|article|story))?|about the author"
    r"|\d+ (?:comments?|responses?|replies)"
    r"|ähnliche (?:beiträge|artikel)|auch interessant|mehr zum thema|kommentare?"
    r"|das könnte (?:sie|dich|ihnen|dir) auch (?:interessieren|gefallen)"
    r"|articles? (?:similaires|liés)|(?:à )?lire aussi|commentaires?"
    r"|(?:artículos|noticias|entradas|artigos|notícias|posts) relacionad[oa]s"
    r"|(?:también )?te puede (?:interesar|gustar)|lee también|comentarios?"
    r"|você (?:também )?(?:pode|vai) (?:também )?gostar|leia (?:também|mais)|veja também"
    r"|comentários?|potrebbe interessarti(?: anche)?|leggi anche|gerelateerd|lees ook)\W*",
    re.I,
)
_POINTER = re.compile(
    r"\W*(?:related(?: (?:posts?|articles?|story|stories|videos?))?|read (?:more|also|next)"
    r"|see also|also (?:read|see)|more|watch(?: now| more)?|lesen sie auch|mehr dazu"
    r"|(?:à )?lire aussi|lee también|leia (?:também|mais)|veja também|leggi anche|lees ook)"
    r"\s*[:>»|\u2013\u2014-]",
    re.I,
)
_NOTE_CLASS = re.compile(
    r"(?:^|[-_ ])(?:by-?line|date-?line|date|datetime|published|pub-?date|(?:post|entry|article)-?"
    r"(?:info|meta)|(?:estimated-?)?read(?:ing)?-?time|credits?|copyright|caption|shar(?:e|ing)"
    r"|social|related|newsletter|subscribe|breadcrumbs?|tags|author-?box)(?:[-_ ]|$)",
    re.I,
)
_TITLE_CLASS = re.compile(r"(?:^|[-_ ])(?:title|titulo|titre|headline)(?:$| )", re.I)
_BYLINE = re.compile(
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b"
    r"|(?:(?i:(?:written |posted |published )?by|von|(?:publicado )?por|par))"
    r"\s+[^\W\d_a-z][^.!?]*$)",
)
_RIGHTS = re.compile(
    r"all rights reserved|alle rechte vorbehalten|tous droits réservés"
    r"|todos los derechos reservados|todos os direitos reservados|tutti i diritti riservati",
    re.I,
)
_DATE_WORD = re.compile(
    r"\d{1,2}|\d{4}|(?:jan|feb|mar|apr|jun|jul|aug|sep|oct|okt|nov|dec|dez|mon|tue|wed|thu|fri"
    r"|sat|sun)[^\W\d]*|may|mai|[ap]m|[a-z]{2}t|gmt|utc|of|th|st|nd|rd|uhr|de|at|on|updated"
    r"|published|posted|last|modified",
    re.I,
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def without_boilerplate(blocks: Sequence[Block], elsewhere: Collection[Words]) -> Sequence[Block]:
    """Returns the blocks of an article without those that are not its text.

    The title goes (it is a field of its own), as do datelines, captions, credits, links that stand
    alone, and what comes below a label such as "Related articles".

    Args:
        blocks: what extractors took, in the order of the page.
        elsewhere: see `said_elsewhere`.
    """
    kept = _without(blocks, lambda block: _folded(block.words) in elsewhere, 1.0)
    kept = _without_head(kept)
    kept = _without_appendices(kept)
    for is_boilerplate in (_is_pointer, _is_note, _is_dateline, _is_bare_link):
        kept = _without(kept, is_boilerplate, _ALL_BUT_HALF)
    end = len(kept)
    while end > 1 and kept[end - 1].is_heading:  # of something that was not taken
        end -= 1
    return kept[:end]


def _without_head(blocks: Sequence[Block]) -> Sequence[Block]:
    """Drops titles, bylines and datelines above the first paragraph, if there is one."""
    start = next((i for i, block in enumerate(blocks) if len(block.words) > _NOTE_WORDS), 0)
    return [block for block in blocks[:start] if not _is_of_head(block)] + list(blocks[start:])


def _is_of_head(block: Block) -> bool:
    if block.element.tag == "h1" or _TITLE_CLASS.search(block.element.get("class", "")):
        return True
    return bool(_BYLINE.match(block.text.strip()))


def said_elsewhere(tree: html.HtmlElement) -> Collection[Words]:
    """Returns the lines that are no text wherever they stand, as case-folded words.

    They are the ways in which a page writes its title, and what it says of its images to those who
    do not see them: captions repeat it.
    """
    titles = {words for words in map(_folded, _titles(tree)) if len(words) >= _TITLE_WORDS}
    images = {_folded(words_of(text)) for text in tree.xpath("//img/@alt")}
    return titles | {words for words in images if len(words) >= _CAPTION_WORDS}


def _titles(tree: html.HtmlElement) -> Iterator[Words]:
    for heading in tree.xpath("(//h1)[position() <= 3]"):
        yield words_of("".join(heading.itertext()))
    paths = "//meta[@property='og:title' or @name='og:title' or @name='twitter:title']/@content"
    for title in (*tree.xpath(paths), *tree.xpath("//title[1]/text()")):
        yield words_of(title)
        for separator in _SEPARATORS:
            yield words_of(title.partition(separator)[0])
            yield words_of(title.rpartition(separator)[0])


def _folded(words: Words) -> Words:
    return tuple(word.casefold() for word in words)


def _without(
    blocks: Sequence[Block], drop: Callable[[Block], bool], most: float
) -> Sequence[Block]:
    """Returns the blocks that are not dropped, all when that would take too much of the words."""
    kept = [block for block in blocks if not drop(block)]
    lost = _word_count(blocks) - _word_count(kept)
    return kept if kept and lost <= most * _word_count(blocks) else blocks


def _word_count(blocks: Sequence[Block]) -> int:
    return sum(len(block.words) for block in blocks)


def _is_pointer(block: Block) -> bool:
    return block.linked > 0.3 * len(block.text) and bool(_POINTER.match(block.text.strip()))


def _is_note(block: Block) -> bool:
    if len(block.words) > _NOTE_WORDS:
        return False
    if _RIGHTS.search(block.text):
        return True
    for node in block.within(_CLASS_DEPTH):
        if node.tag in ("body", "article", "main"):
            return False
        if node.tag == "figcaption" or _NOTE_CLASS.search(node.get("class", "")):
            return True
    return False


def _is_dateline(block: Block) -> bool:
    words = block.words
    dated = len(words) in _DATE_WORDS and any(map(_YEAR.fullmatch, words))
    return dated and all(map(_DATE_WORD.fullmatch, words))


def _is_bare_link(block: Block) -> bool:
    return block.is_linked and not block.is_heading


def _without_appendices(blocks: Sequence[Block]) -> Sequence[Block]:
    """Drops each appendix: its label and what follows that in the same container.

    In a container that holds text of the article too, the label may be a line of it: there the
    appendix must be the smaller part of the page.
    """
    kept = list(blocks)
    for label in [block for block in blocks if _is_label(block)][:_MAX_LABELS]:
        if label not in kept:
            continue
        start = kept.index(label)
        container = label.element.getparent()
        follow = [block for block in kept[start:] if _is_inside(block, container)]
        shared = any(_is_inside(block, container) for block in kept[:start])
        small = _word_count(follow) <= _SMALLER_PART * _word_count(kept)
        if _word_count(kept[:start]) >= _APPENDIX_AFTER_WORDS and (small or not shared):
            kept = [block for block in kept if block not in follow]
    return kept


def _is_label(block: Block) -> bool:
    text = block.text.strip()
    return len(text) <= _LABEL_CHARACTERS and bool(_APPENDIX.fullmatch(text))


def _is_inside(block: Block, container: html.HtmlElement | None) -> bool:
    return container is not None and (
        block.element is container or container in block.element.iterancestors()
    )
