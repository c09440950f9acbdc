"""The English by which a question says that it is after the texts of somebody."""

import re

# What people write. With a possessive, or `by`, it turns a name into an author's.
WORKS = (
    r"(?:papers?|articles?|posts?|works?|writings?|books?|essays?|blogs?|publications?|talks?"
    r"|reports?|notes?|thesis|dissertations?|repository|repositories|repos?|newsletters?|columns?"
    r"|texts?|pieces?|tutorials?|lectures?|documents?|docs|letters?|reviews?|views?|opinions?"
    r"|advice|thoughts|code|projects?|abstracts?)"
)
_WRITTEN = r"(?:(?:co-?)?authored|written|published|posted|penned|contributed|maintained|edited)"
_WRITES = (
    r"(?:wrote|writes|written|publishe[sd]|posted|authored|argue[sd]|says|said|claim(?:s|ed)"
    r"|recommend(?:s|ed)|explain(?:s|ed)|describe[sd]|discusse[sd]|thinks|thought)"
)
_WRITE = (
    r"(?:write|publish|post|author|say|argue|claim|recommend|explain|describe|discuss|think"
    r"|blog|suggest|advise|mean|mention)"
)
_TITLE = r"(?:(?:either|both|the|authors?|mr|mrs|ms|dr|prof|professor)\.?\s+)*"
_DONE = r"(?:\w+ed|given|made|found|built|known|shown|taught|done|held|led|driven|taken|drawn)"

_BY = re.compile(rf"\bby\s+{_TITLE}$", re.I)
_DONE_BY = re.compile(rf"\b(?!{_WRITTEN}\s){_DONE}\s+by\s+{_TITLE}$", re.I)
_WORKS_BY = re.compile(
    rf"\b(?:{WORKS}|{_WRITTEN})\s+(?:either\s+)?(?:by|from|of)\s+{_TITLE}$", re.I
)
_AUTHOR = re.compile(r"\b(?:authors?\s*(?:is|are|was|were|[:=])?|according\s+to)\s*$", re.I)
_DID = re.compile(r"\b(?:did|does|do|has|have|had|would|can)\s+$", re.I)
_ABOUT = re.compile(
    r"\b(?:about|of|on|like|named|called|after|regarding|concerning|to|for|citing|cites?"
    r"|who(?:['\u2019]s|\s+(?:is|was|are|were)))\s+$",
    re.I,
)
_OWN_WORKS = re.compile(rf"\s+(?:[\w-]+\s+){{0,2}}?{WORKS}\b", re.I)
_OWN_WORKS_NEXT = re.compile(rf"\s+{WORKS}\b", re.I)
_THEN_WRITES = re.compile(rf"\s+(?:(?:has|have|had|also|once)\s+)*{_WRITES}\b", re.I)
_THEN_WRITE = re.compile(rf"\s+(?:ever\s+|also\s+)*(?:{_WRITE}|{_WRITES})\b", re.I)
_PLAINLY_WORKS = re.compile(
    r"\b(?:papers?|articles?|posts|blogs?|essays?|publications?|writings|newsletters?|tutorials?"
    r"|talks|repositories|repos|written|wrote|published|posted|authored)\b"
    r"|\b(?:did|does|has|have)\b[^?]{1,80}\b(?:write|publish|post|blog)\b",
    re.I,
)
_SENTENCE_BEFORE = re.compile(r"\w{3}[)\"'\u2019\u201d]?[.?!]\s")
_TITLE_NEXT = re.compile(  # only names up to a title in quotation marks
    r"(?:[\s,;:.&'\u2019-]|\b(?:and|or|et\s+al|[A-Z\u00c0-\u00de]\w*)\b)*[\"\u201c\u00ab]"
)
_REACH = 60  # characters around a name that are looked at

# Never a name by themselves, however they are written.
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after all also am an and any are as at be been before between both but by can
        could did do does dr during each either every find for from give had has have he her
        here him his how i if in into is it its just latest list many me more most mr mrs ms
        much my neither new no not of off on or other our over please prof professor put recent
        say search see shall she should show since sir so some tell than that the their them
        then there these they this those to too under until up us was we were what when where
        whether which while who whom whose why with would you your""",
    )
)
MONTH_NAMES = frozenset(("march", "april", "may", "june", "july", "august"))
# Surnames that are everyday words: names only when they are written like names.
EVERYDAY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """age april august author baker banks bell best bill black bloom book bright brown bush
        case cash category chase church code cook cross date day dean default early english
        field fish fox frank french gates good grant gray green grey group hand hands head heart
        high hill hope hour hunter joy june key king knight lake lane last law light little long
        love low march mark marsh may mean means median miller moon name near north number page
        pages park part paul piece place pope power price rate reader rice rich ring rose rule
        sharp short size small snow south sparks spring steel stone strong summer swift time
        title topic type user week west white will wise wolf wood woods word worth year young""",
    )
)


def says_author(before: str, after: str, *, possessive: bool, spelled_small: bool) -> bool:
    """Returns whether the words around a name make it an author's.

    `spelled_small`: the name has no capital letter, so that only the plainest wording counts.
    """
    before, after = before[-_REACH:], after[:_REACH]
    if spelled_small:
        own = possessive and _OWN_WORKS_NEXT.match(after)
        return bool(own or _WORKS_BY.search(before))
    return bool(
        (_BY.search(before) and not _DONE_BY.search(before))
        or _WORKS_BY.search(before)
        or _AUTHOR.search(before)
        or (possessive and _OWN_WORKS.match(after))
        or (not possessive and _THEN_WRITES.match(after))
        or (not possessive and _DID.search(before) and _THEN_WRITE.match(after))
    )


def says_subject(before: str) -> bool:
    """Returns whether the words before a name make it what a text is about."""
    before = before[-_REACH:]
    return bool(_DONE_BY.search(before) or _ABOUT.search(before))


def speaks_of_works(question: str) -> bool:
    """Returns whether a question plainly speaks of texts, or of writing them."""
    return bool(_PLAINLY_WORKS.search(question))


def cites_an_example(before: str, after: str) -> bool:
    """Returns whether a name belongs to a work that is cited after saying what is asked for.

    `Articles about maps. One on the subject is A. Author, "A title"` is not after that author's.
    """
    return bool(_SENTENCE_BEFORE.search(before) and _TITLE_NEXT.match(after))
