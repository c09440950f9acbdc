"""Which document says nothing that another one does not say: a copy, which need not be indexed.

What a reader could miss decides, and in doubt both stay:

- Category and author agree, or the copy has no author: a search for either finds the original.
- Both have at least `min_words` words: short texts say the same by chance.
- The same sentences: the titles have the same numbers ("Guide 1.2" is no copy of "Guide 1.3").
- Almost the same sentences, as when two sites print one article: the resemblance is at least
  `resemblance`, the titles agree but for the name of a site, and the sentences both have are one
  unbroken run. Before and after it each site may have furniture of its own, but no sentence there
  may be an edited version of one of the other's. So a number, a name or a "not" that differs keeps
  both.
- Files of repositories: the very same text at the same path. Files that speak of their repository
  (licences, authors, changes) are no copies, whatever they say: each is the answer for its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain, product

from llm_engineering.application.preprocessing.config import DuplicatesConfig
from llm_engineering.application.preprocessing.shingles import (
    Sentence,
    exact_key,
    minhash_keys,
    resemblance,
    sentences,
    shingles,
)
from llm_engineering.domain.cleaned_documents import CleanedDocument, CleanedRepositoryDocument

_ABOUT_THE_REPOSITORY = re.compile(
    r"(?:licen[cs]e|copying|copyright|notice|authors|contributors|maintainers|codeowners|changelog"
    r"|changes|history|version|security|code_of_conduct)\b.*",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s+[-|\u2013\u2014\u00b7\u00bb:]+\s+")
_EDITED = 0.5  # two sentences of which half the words are the same are versions of one another
_SHORT = 8  # words; furniture of two sites is alike ("More from …"), so short ones need more
_NEGATIONS = frozenset({"not", "no", "never", "none", "without"})
_SITE_WORDS = 6  # a title may have so many more: " | The Example Weekly"


@dataclass(frozen=True)
class Text:
    """A cleaned document with what comparing it needs, each worked out once."""

    document: CleanedDocument

    @cached_property
    def sentences(self) -> Sequence[Sentence]:
        """The sentences of the text."""
        return sentences(self.document.content)

    @cached_property
    def shingles(self) -> set[int]:
        """The shingles of the text."""
        return shingles(list(chain.from_iterable(self.sentences)))

    @cached_property
    def words(self) -> int:
        """How many words the text has."""
        return sum(map(len, self.sentences))

    @cached_property
    def title(self) -> Sentence:
        """The words of the title."""
        return _words(self.document.title)

    @cached_property
    def bare_title(self) -> Sentence:
        """The words of the title without its last part, which often names the site."""
        parts = _SEPARATOR.split(self.document.title)
        return _words(" ".join(parts[:-1] or parts))


def keys_of(text: Text, config: DuplicatesConfig) -> tuple[int, ...]:
    """Returns the keys by which possible copies of a text are found; none: it has no copies."""
    document = text.document
    if text.words < config.min_words:
        return ()
    if isinstance(document, CleanedRepositoryDocument):
        name = document.path.rpartition("/")[2]
        if _ABOUT_THE_REPOSITORY.fullmatch(name):
            return ()
        return (exact_key(document.path, document.content),)
    return minhash_keys(text.shingles)


def is_copy(text: Text, original: Text, config: DuplicatesConfig) -> bool:
    """Returns whether the index may do without `text` once it has `original`.

    Both have keys; see `keys_of`.
    """
    one, other = text.document, original.document
    if one.category != other.category or one.author_id not in (None, other.author_id):
        return False
    if isinstance(one, CleanedRepositoryDocument) and isinstance(other, CleanedRepositoryDocument):
        return (one.path, one.content) == (other.path, other.content)
    if _numbers(text.title) != _numbers(original.title):
        return False
    if text.sentences == original.sentences:
        return True
    return (
        _titles_agree(text, original)
        and resemblance(text.shingles, original.shingles) >= config.resemblance
        and _differ_in_furniture_only(text.sentences, original.sentences)
    )


def _numbers(words: Sentence) -> list[str]:
    return sorted(word for word in words if any(character.isdigit() for character in word))


def _negations(words: Sentence) -> int:
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words)


def _titles_agree(one: Text, other: Text) -> bool:
    if one.bare_title == other.bare_title:
        return True
    shorter, longer = sorted((set(one.title), set(other.title)), key=len)
    return bool(shorter) and shorter <= longer and len(longer - shorter) <= _SITE_WORDS


def _words(title: str) -> Sentence:
    return tuple(chain.from_iterable(sentences(title)))


def _differ_in_furniture_only(one: Sequence[Sentence], other: Sequence[Sentence]) -> bool:
    """Returns whether the two have one common run, and no versions of one sentence beside it."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    run = matcher.find_longest_match()
    own = [*one[: run.a], *one[run.a + run.size :]]
    others = [*other[: run.b], *other[run.b + run.size :]]
    return not any(_are_versions(a, b) for a, b in product(own, others))


def _are_versions(one: Sentence, other: Sentence) -> bool:
    """Returns whether one sentence is the other one, edited."""
    if resemblance(set(one), set(other)) < _EDITED:
        return False
    if min(len(one), len(other)) > _SHORT:
        return True
    return _numbers(one) != _numbers(other) or _negations(one) != _negations(other)
