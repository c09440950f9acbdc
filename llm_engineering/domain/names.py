"""Names of authors: which persons a stored name means, and when two names are the same one's.

`Donald E. Knuth`, `D. E. KNUTH`, `Knuth, D.E.`: case, accents, dots and the order aside, the first
is not known to be the second, the last two are the same.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Part of the chunker's fingerprint: an index holds the keys that the rules below gave.
NAME_RULES = "names-1"

# letters that Unicode does not take apart
_LETTERS = str.maketrans(
    dict(zip("øłđðæœþı", ("o", "l", "d", "d", "ae", "oe", "th", "i"), strict=True))
)
_APOSTROPHE = re.compile("['\u2019\u02bc]")
_WORD = re.compile(r"[^\W_]+")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-\s]*){1,4}\.*")
_INITIAL = re.compile(r"\b([^\W\d_]\.)(?=[^\W\d_])")
_SEVERAL = re.compile(r"\s*[;\n]\s*|\s*,?\s+(?:and|&)\s+", re.IGNORECASE)
_AFFIXES = frozenset(re.findall(r"\w+", "jr sr ii iii iv dr prof mr mrs ms capt lt phd md"))
_PARTICLES = frozenset(
    re.findall(
        r"\w+",
        "van von de den der del della di da das do dos du la le ter ten zu al el bin ibn st",
    )
)


@dataclass(frozen=True)
class PersonName:
    """A name taken apart: folded words of the surname, and given names or initials in order."""

    surname: tuple[str, ...]
    given: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Returns what all spellings of the name share."""
        return ", ".join(filter(None, (" ".join(self.surname), " ".join(self.given))))


def folded(text: str) -> str:
    """Returns the text without case, accents and apostrophes."""
    if text.isascii():  # what follows would change nothing but apostrophes
        return text.lower().replace("'", "")
    apart = unicodedata.normalize("NFKD", _APOSTROPHE.sub("", text.casefold()).translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def folded_words(text: str) -> tuple[str, ...]:
    """Returns the words of a text, folded."""
    return tuple(_WORD.findall(folded(text)))


def parsed_name(name: str) -> PersonName:
    """Returns a person's name taken apart, from `Given Surname` or `Surname, Given`.

    What holds no word at all is its own surname.
    """
    surname, _, given = name.partition(",")
    if folded(given).strip(" .") in _AFFIXES | {""}:  # no comma, or one before Jr.
        surname, given = _in_reading_order(surname)
    words = tuple(word for word in folded_words(surname) if word not in _AFFIXES)
    first = tuple(word for word in folded_words(given) if word not in _AFFIXES)
    return PersonName(words, first) if words else PersonName(first or (folded(name).strip(),))


def _in_reading_order(name: str) -> tuple[str, str]:
    """Returns surname and given names of `Given Surname` or, with initials last, of the reverse."""
    spaced = _INITIAL.sub(r"\1 ", name)  # J.S.Pliskin
    words = [word for word in spaced.split() if folded(word).strip(".") not in _AFFIXES]
    if len(words) <= 1:
        return " ".join(words), ""
    if is_initials(words[-1]) and not is_initials(words[0]):
        return words[0], " ".join(words[1:])
    start = len(words) - 1
    while start > 1 and folded(words[start - 1]) in _PARTICLES:
        start -= 1
    return " ".join(words[start:]), " ".join(words[:start])


def is_initials(text: str) -> bool:
    """Returns whether a text is initials alone: `D. E.`, `J.-P.`, `K`."""
    return bool(_INITIALS.fullmatch(text.strip())) and (len(text.strip()) == 1 or "." in text)


def person_names(stored: str | None) -> Sequence[str]:
    """Returns the persons that a stored author names, in order.

    `A. Smith, B. Jones and C. Li` are three, `Smith, J.; Jones, K.` two, `Knuth, D. E.` is one.
    """
    names = [name for part in _SEVERAL.split(stored or "") for name in _by_commas(part)]
    return list(dict.fromkeys(names))


def _by_commas(part: str) -> list[str]:
    pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
    names: list[str] = []
    paired = len(pieces) % 2 == 0 and all(_is_surname(piece) for piece in pieces[::2])
    for place, piece in enumerate(pieces):
        if names and folded(piece).strip(".") in _AFFIXES:
            continue
        second = place > 0 and ((paired and place % 2 == 1) or is_initials(piece))
        if second and names and "," not in names[-1] and not is_initials(names[-1]):
            names[-1] = f"{names[-1]}, {piece}"
        else:
            names.append(piece)
    return names


def _is_surname(piece: str) -> bool:
    words = [word for word in folded(piece).split() if word.strip(".") not in _AFFIXES | _PARTICLES]
    return len(words) == 1


def author_keys(stored: str | None) -> frozenset[str]:
    """Returns the keys under which a document of that author is found: the whole, and each person.

    Empty when there is no author.
    """
    if not (stored or "").strip():
        return frozenset()
    return frozenset(parsed_name(name).key for name in (stored or "", *person_names(stored)))
