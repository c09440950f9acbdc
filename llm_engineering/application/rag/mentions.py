"""Authors of the catalogue that a question names as authors.

A name counts only if it is in the question and in the catalogue. `D. Knuth` or `Knuth, D. E.` is
one wherever it stands; `Knuth` alone only where the wording makes it an author's: Dijkstra's papers
are his, Dijkstra's algorithm is a subject.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from llm_engineering.application.rag.authors import AuthorCatalogue, Person
from llm_engineering.application.rag.wording import (
    EVERYDAY_WORDS,
    FUNCTION_WORDS,
    MONTH_NAMES,
    cites_an_example,
    says_author,
    says_subject,
)
from llm_engineering.domain.names import folded

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*['\u2019]?")
_POSSESSIVE = re.compile(r"['\u2019]s?$", re.I)
_JOINS_A_NAME = re.compile(r"[\s.\-]*")
_JOINS_NAMES = re.compile(r"[\s,]*(?:and|or|&|,)\s*(?:by\s+)?", re.I)
_ENDS_A_SENTENCE = re.compile(r"[.!?:]\s")
_NUMBER_NEXT = re.compile(r"\s+\d")
_MOST_GIVEN = 4


@dataclass(frozen=True)
class Word:
    """A word of the question: folded, and its span there without the possessive ending."""

    folded: str
    start: int
    end: int
    capital: bool
    possessive: bool

    @property
    def initial(self) -> bool:
        """Whether it is one capital letter."""
        return self.capital and self.end - self.start == 1


@dataclass(frozen=True)
class Mention:
    """A name at the words `first` to `last` (inclusive), and the persons it may be.

    `given`: whether given names or initials come with it; `exact`: whether it is spelled right.
    """

    first: int
    last: int
    persons: tuple[Person, ...]
    given: bool
    exact: bool


@dataclass(frozen=True)
class NamedAuthors:
    """Each mention's persons; and surnames of which the wording does not say what they are."""

    mentions: tuple[tuple[Person, ...], ...] = ()
    doubtful: tuple[tuple[Person, ...], ...] = ()


def named_authors(question: str, catalogue: AuthorCatalogue) -> NamedAuthors:
    """Returns the authors that a question names."""
    return _Reader(question, catalogue).read()


class _Reader:
    def __init__(self, question: str, catalogue: AuthorCatalogue) -> None:
        self._text = question
        self._catalogue = catalogue
        self._words = list(_words(question))

    def read(self) -> NamedAuthors:
        found = _without_overlaps(list(self._mentions()))
        accepted = {mention for mention in found if self._is_author(mention)}
        accepted |= {m for m in found if m.exact and self._in_a_list(m, found, accepted)}
        doubtful = [
            m.persons
            for m in found
            if m not in accepted
            and m.exact
            and self._capital(m)
            and not says_subject(self._before(m))
        ]
        ordered = [m.persons for m in found if m in accepted]
        return NamedAuthors(tuple(ordered), tuple(doubtful))

    def _mentions(self) -> Iterator[Mention]:
        place = 0
        while place < len(self._words):
            mention = self._mention_at(place)
            if mention:
                yield mention
            place = mention.last + 1 if mention else place + 1

    def _mention_at(self, start: int) -> Mention | None:
        for length in range(self._catalogue.longest_surname, 0, -1):
            last = start + length - 1
            if last >= len(self._words) or not self._joined(start, last):
                continue
            words = tuple(word.folded for word in self._words[start : last + 1])
            persons = self._catalogue.with_surname(words)
            mention = self._with_given(start, last, persons, exact=True) if persons else None
            if mention:
                return mention
        return self._misspelled(start)

    def _misspelled(self, place: int) -> Mention | None:
        word = self._words[place]
        if not word.capital or self._catalogue.with_surname((word.folded,)):
            return None
        first = self._given_before(place)
        span = Mention(first, place, (), given=first < place, exact=False)
        if word.folded in FUNCTION_WORDS or not self._says_author(span):
            return None
        persons = self._catalogue.similar(word.folded)
        return self._with_given(place, place, persons, exact=False) if persons else None

    def _with_given(
        self, start: int, last: int, persons: Sequence[Person], *, exact: bool
    ) -> Mention | None:
        """Returns the mention with the given names before or after it, None if they do not fit."""
        first = self._given_before(start)
        while first <= start:
            given = tuple(word.folded for word in self._words[first:start])
            fitting = _fitting(persons, given)
            if fitting and (given or self._may_stand_alone(start, last)):
                end = last if given else self._given_after(last)
                if end > last:
                    behind = tuple(word.folded for word in self._words[last + 1 : end + 1])
                    narrowed = _fitting(persons, behind)
                    fitting, end = (narrowed, end) if narrowed else (fitting, last)
                return Mention(first, end, fitting, given=bool(given) or end > last, exact=exact)
            if first == start or not self._begins_a_sentence(first):
                return None
            first += 1  # a sentence's first word is not written small, name or not
        return None

    def _given_before(self, start: int) -> int:
        first = start
        while (
            first > 0
            and start - first < _MOST_GIVEN
            and self._joined(first - 1, first)
            and self._like_a_name(first - 1)
        ):
            first -= 1
        return first

    def _given_after(self, last: int) -> int:
        """Returns the last of the initials in `Knuth, D. E.`; `last` when there are none."""
        end = last
        if last + 1 < len(self._words) and re.fullmatch(r",\s*", self._gap(last)):
            while (
                end + 1 < len(self._words)
                and end - last < _MOST_GIVEN
                and self._words[end + 1].initial
                and (end == last or self._joined(end, end + 1))
            ):
                end += 1
        return end

    def _like_a_name(self, place: int) -> bool:
        word = self._words[place]
        if word.possessive or not word.capital:
            return False
        return word.initial or word.folded not in FUNCTION_WORDS

    def _may_stand_alone(self, start: int, last: int) -> bool:
        word = self._words[last]
        return last > start or (word.folded not in FUNCTION_WORDS and word.end - word.start > 1)

    def _is_author(self, mention: Mention) -> bool:
        if self._says_author(mention):
            return True
        return (
            mention.given
            and mention.exact
            and self._capital(mention)
            and not says_subject(self._before(mention))
            and not self._in_an_example(mention)
        )

    def _in_an_example(self, mention: Mention) -> bool:
        first, last = self._words[mention.first], self._words[mention.last]
        return cites_an_example(self._text[: first.start], self._text[last.end :])

    def _says_author(self, mention: Mention) -> bool:
        word = self._words[mention.last]
        small = not self._capital(mention)
        if small and word.folded in EVERYDAY_WORDS | FUNCTION_WORDS:
            return False
        after = self._text[word.end :]
        if word.folded in MONTH_NAMES and _NUMBER_NEXT.match(after):
            return False
        if word.possessive:
            after = _POSSESSIVE.sub("", after[:2]) + after[2:]
        return says_author(
            self._before(mention), after, possessive=word.possessive, spelled_small=small
        )

    def _in_a_list(
        self, mention: Mention, found: Sequence[Mention], accepted: set[Mention]
    ) -> bool:
        """Returns whether only names and `and`, `or` or commas are around it, up to an author."""
        if not self._capital(mention):
            return False
        place = found.index(mention)
        for step in (-1, 1):
            here = place
            while 0 <= here + step < len(found) and self._adjacent(found, here, here + step):
                here += step
                if found[here] in accepted:
                    return True
        return False

    def _adjacent(self, found: Sequence[Mention], one: int, other: int) -> bool:
        left, right = found[min(one, other)], found[max(one, other)]
        between = self._text[self._words[left.last].end : self._words[right.first].start]
        return bool(_JOINS_NAMES.fullmatch(between))

    def _capital(self, mention: Mention) -> bool:
        return self._words[mention.last].capital

    def _before(self, mention: Mention) -> str:
        return self._text[
            max(0, self._words[mention.first].start - 80) : self._words[mention.first].start
        ]

    def _gap(self, place: int) -> str:
        return self._text[self._words[place].end : self._words[place + 1].start]

    def _joined(self, first: int, last: int) -> bool:
        return all(
            not self._words[place].possessive and _JOINS_A_NAME.fullmatch(self._gap(place))
            for place in range(first, last)
        )

    def _begins_a_sentence(self, place: int) -> bool:
        return place == 0 or bool(_ENDS_A_SENTENCE.search(self._gap(place - 1)))


def _without_overlaps(mentions: Sequence[Mention]) -> list[Mention]:
    """Returns the mentions without those that are given names of the next: Gerard of G. Salton."""
    pairs = zip_longest(mentions, mentions[1:])
    return [m for m, following in pairs if following is None or m.last < following.first]


def _words(text: str) -> Iterator[Word]:
    shouted = text.upper() == text  # capital letters say nothing then
    for match in _WORD.finditer(text):
        ending = _POSSESSIVE.search(match[0])
        bare = match[0][: ending.start()] if ending else match[0]
        if bare:
            yield Word(
                folded=folded(bare),
                start=match.start(),
                end=match.start() + len(bare),
                capital=bare[0].isupper() and not shouted,
                possessive=ending is not None,
            )


def _fitting(persons: Sequence[Person], given: tuple[str, ...]) -> tuple[Person, ...]:
    """Returns the persons whose given names agree: the very same ones, if there are any.

    Of mere initials, those count first that are neither more nor fewer.
    """
    fitting = [person for person in persons if _agree(given, person.name.given)]
    same = [person for person in fitting if given and person.name.given == given]
    if not same and given and all(len(name) == 1 for name in given):
        same = [person for person in fitting if len(person.name.given) == len(given)]
    return tuple(same or fitting)


def _agree(asked: Sequence[str], known: Sequence[str]) -> bool:
    if asked and not known:
        return False
    return all(
        one == other or (1 in (len(one), len(other)) and one[:1] == other[:1])
        for one, other in zip(asked, known, strict=False)
    )
