"""The catalogue of authors, in the shape in which questions are compared with it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from rapidfuzz.distance import OSA

from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.names import PersonName, parsed_name, person_names

_SHORTEST_FUZZY = 5  # letters; shorter surnames are too much alike
_LETTERS_A_TYPO = 4  # one slip is forgiven for so many letters after the first four


@dataclass(frozen=True)
class Person:
    """An author: the name taken apart, and its spellings in the stored documents."""

    name: PersonName
    spellings: tuple[str, ...]

    def spelled(self, question: str) -> str:
        """Returns the spelling that the question comes closest to; else the longest one."""
        return max(
            self.spellings, key=lambda s: (s.partition(",")[2].strip() in question, len(s), s)
        )


class AuthorCatalogue:
    """Finds persons by surname. A surname of several words is found by its last one, too."""

    def __init__(self, stored_authors: Iterable[str]) -> None:
        spellings: dict[PersonName, dict[str, None]] = {}
        for stored in stored_authors:
            for spelling in person_names(stored):
                spellings.setdefault(parsed_name(spelling), {})[spelling] = None
        persons = [Person(name, tuple(found)) for name, found in spellings.items()]
        self._by_surname: dict[tuple[str, ...], list[Person]] = {}
        for person in persons:
            surname = person.name.surname
            for alias in {surname, surname[-1:] if person.name.given else surname}:
                self._by_surname.setdefault(alias, []).append(person)
        self._longest = max(map(len, self._by_surname), default=0)
        self._by_initial: dict[str, list[str]] = {}
        for surname in self._by_surname:
            if len(surname) == 1:
                self._by_initial.setdefault(surname[0][:1], []).append(surname[0])

    @property
    def longest_surname(self) -> int:
        """Returns the number of words of the longest surname."""
        return self._longest

    def with_surname(self, words: tuple[str, ...]) -> Sequence[Person]:
        """Returns the persons of a folded surname."""
        return self._by_surname.get(words, [])

    def similar(self, word: str) -> Sequence[Person]:
        """Returns the persons whose surname a folded word most likely misspells.

        The first letter is right, and few slips (a letter wrong, missing, too many, or two
        swapped) lead to the one surname that is closest.
        """
        if len(word) < _SHORTEST_FUZZY:
            return []
        slips = max(1, len(word) // _LETTERS_A_TYPO - 1)
        close = [
            (distance, surname)
            for surname in self._by_initial.get(word[:1], [])
            if len(surname) >= _SHORTEST_FUZZY
            and (distance := OSA.distance(word, surname, score_cutoff=slips)) <= slips
        ]
        best = [surname for distance, surname in close if distance == min(close)[0]]
        return self.with_surname((best[0],)) if len(best) == 1 else []


class CachedCatalogue:
    """The catalogue of the document store, read again when it is older than `max_age_s`.

    An old one serves on while the store is out of reach. Safe to call from several threads.
    """

    def __init__(
        self,
        store: DocumentStore,
        max_age_s: float = 60.0,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._max_age_s = max_age_s
        self._timer = timer
        self._held: AuthorCatalogue | None = None
        self._names: frozenset[str] = frozenset()
        self._read_at = 0.0

    def __call__(self) -> AuthorCatalogue:
        """Returns the catalogue.

        Raises:
            StoreUnavailable: it was never read, and cannot be.
        """
        held = self._held
        if held is None or self._timer() - self._read_at > self._max_age_s:
            held = self._refreshed(held)
        return held

    def _refreshed(self, held: AuthorCatalogue | None) -> AuthorCatalogue:
        try:
            names = frozenset(user.full_name for user in self._store.users())
        except StoreUnavailable:
            if held is None:
                raise
            names = self._names
        if held is None or names != self._names:
            held = AuthorCatalogue(sorted(names))
        self._held, self._names, self._read_at = held, names, self._timer()
        return held
