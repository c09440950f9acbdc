"""The platform and the kind of text that a question restricts its sources to."""

import re
from collections.abc import Sequence

from llm_engineering.application.rag.wording import WORKS, speaks_of_works
from llm_engineering.domain.types import DataCategory

_NAMED = r"(?:github|gitlab|bitbucket|linkedin|medium)"
_HOST = r"(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|edu|gov|ai|co|info|blog|[a-z]{2})"
_ON = re.compile(
    rf"\b(?:on|from|at)\s+(?:the\s+|our\s+|my\s+)?(?:https?://)?(?:www\.)?"
    rf"(?P<platform>{_NAMED}(?:\.com)?|{_HOST})(?![\w-])",
    re.I,
)
_OF = re.compile(rf"\b(?P<platform>{_NAMED})\s+{WORKS}\b", re.I)
_TEXTS_BEFORE = re.compile(rf"\b{WORKS}\s+$", re.I)
_NO_NOUN_NEXT = re.compile(
    r"\s*(?:$|[?.,!;:]|(?:about|on|by|from|that|which|since|in|after|before)\b)", re.I
)

# what is asked for: `articles on tides`, and no `article 5`, `blog posts` or `post office`
_ASKED = (
    r"(?=\s+(?:(?:was|were|are|is)\s+)?(?:by|from|of|about|on|that|which|who|where|written|published"
    r"|posted|since|in|after|before|between|dealing|deals?|describing|describes?|discussing"
    r"|discuss(?:es)?|mention(?:s|ing)?|explain(?:s|ing)?|say|says|exist|have|has|for)\b|\s*[?.!,:]|\s*$)"
)
_CATEGORIES: tuple[tuple[DataCategory, re.Pattern[str]], ...] = (
    (
        DataCategory.POSTS,
        re.compile(
            rf"(?<!blog )(?<!medium )(?<!forum )\b(?:posts|linkedin\s+posts?){_ASKED}", re.I
        ),
    ),
    # "articles" alone is what people call any text
    (
        DataCategory.ARTICLES,
        re.compile(
            r"\b(?:only|just|solely)\s+(?:in\s+|from\s+)?(?:the\s+)?articles\b"
            r"|\barticles\s+(?:only|alone|not\s+(?:posts|code))\b",
            re.I,
        ),
    ),
    (
        DataCategory.REPOSITORIES,
        re.compile(
            rf"\b(?:repositories|repos){_ASKED}|\bsource\s+code\s+(?:of|for|that|which|where)\b"
            r"|\b(?:in|from|through|search)\s+(?:the|my|our|your|his|her|their)\s+"
            r"(?:(?:source\s+)?code|code\s?base|repository|repositories|repos?)\b"
            r"|\b(?:show|give|find)\s+(?:me\s+)?(?:the\s+)?code\s+(?:that|which|where|for|of)\b",
            re.I,
        ),
    ),
)


def named_platforms(question: str) -> Sequence[str]:
    """Returns the platforms that a question wants its sources from.

    `posts on LinkedIn` names one; `How do I open an issue on GitHub?` is about one. A host name
    (`articles on example.org`) is one, too.
    """
    found = [match["platform"] for match in _OF.finditer(question) if match[0][0] != "m"]
    if speaks_of_works(question):
        found += [match["platform"] for match in _ON.finditer(question) if _means_it(match)]
    names = [re.sub(rf"^({_NAMED})\.com$", r"\1", name.lower()) for name in found]
    return list(dict.fromkeys(names))


def _means_it(match: re.Match[str]) -> bool:
    """Returns whether it is the platform: `on medium heat` is none, `posts on medium` is one."""
    if match["platform"] != "medium":
        return True
    before, after = match.string[: match.start()], match.string[match.end() :]
    return bool(_TEXTS_BEFORE.search(before) and _NO_NOUN_NEXT.match(after))


def named_categories(question: str) -> Sequence[DataCategory]:
    """Returns the kinds of text that a question asks for."""
    return [category for category, pattern in _CATEGORIES if pattern.search(question)]
