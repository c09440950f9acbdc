"""Words that turn a question into its opposite.

Of the questions that a text on their matter does not answer, many differ from one that it answers
in a word: its opposite, or an ordinal before a superlative (Rajpurkar et al. 2018, "Know What You
Don't Know", table 1). To such a question a model quotes what the text says to the other one.
"""

import re
from collections.abc import Iterator

# Opposites of which a text that has the one seldom answers a question with the other. Relations
# are left out: who asks what came after is answered by what says what came before.
_POLES = """
weak weaker weakest weakly weakness / strong stronger strongest strongly strength
left / right
former formerly / current currently present
northern northernmost / southern southernmost
eastern easternmost / western westernmost
largest biggest greatest / smallest least
highest tallest / lowest
longest / shortest
oldest earliest / youngest newest latest
fastest / slowest
best / worst
richest / poorest
maximum maximal / minimum minimal
increase increases increased increasing / decrease decreases decreased decreasing
male males men / female females women
ancient / modern
upper / lower
inner internal interior / outer external exterior
indoor / outdoor
direct directly / indirect indirectly
correct correctly / incorrect incorrectly
allow allowed permitted / forbid forbidden prohibited banned
majority / minority
positive / negative
hottest warmest / coldest coolest
summer summers / winter winters
wet / dry
deep deeper deepest / shallow shallower shallowest
wide wider widest / narrow narrower narrowest
cheap cheapest / expensive
import imported imports / export exported exports
success successful succeeded / failure failed unsuccessful
"""
# the endings keep out `information`, `discovered` and `across`
_PREFIX = re.compile(
    r"(?:(?:un|non)-?(?=\w{5,})"
    r"|(?:dis|il|im|in|ir|anti)-?(?=\w{3,}(?:al|ic|ous|[ai]ble|[ae]nt|ive|ful|ar)$)"
    r"|a(?=\w{4,}(?:al|ic|ous)$))"
)
_NOT = re.compile(r"(?:\b(?:not|never|cannot)|n['\u2019]t)\s+(?:\w+ly\s+)?(?P<word>\w{3,})")
_SUPERLATIVE = re.compile(
    r"\b(?P<order>(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:nd|rd|th))"
    r"[\s-]+)?(?P<word>most|least|\w{2,}est)\b"
)


def says_opposite(question: str, text: str) -> bool:
    """Returns whether a text has the opposite of a word of the question, and not the word.

    So it has if it says the word after *not* alone, and the question has no *not* before it; or if
    it ranks second, or third, what the question asks the first of.
    """
    asked, said = question.lower(), text.lower()
    words, there = set(_words(asked)), set(_words(said))
    negated = {_bare(word) for word in there}
    for word in words - there:
        if word in negated or _bare(word) in there or _OPPOSITES.get(word, frozenset()) & there:
            return True
    return _denies(asked, said) or _ranks_lower(asked, said)


def _bare(word: str) -> str | None:
    """Returns the word that a prefix turns into its opposite."""
    match = _PREFIX.match(word)
    return word[match.end() :] if match else None


def _denies(asked: str, said: str) -> bool:
    denied = {match["word"] for match in _NOT.finditer(said)}
    affirmed = set(_words(_NOT.sub(" ", said)))
    return bool((denied - affirmed) & set(_words(_NOT.sub(" ", asked))))


def _ranks_lower(asked: str, said: str) -> bool:
    first = {match["word"] for match in _SUPERLATIVE.finditer(asked) if not match["order"]}
    ranked = {match["word"] for match in _SUPERLATIVE.finditer(said) if match["order"]}
    plain = {match["word"] for match in _SUPERLATIVE.finditer(said) if not match["order"]}
    return bool(first & (ranked - plain))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:-\w+)*", text)


def _pairs() -> Iterator[tuple[str, frozenset[str]]]:
    for line in _POLES.strip().splitlines():
        one, other = (frozenset(pole.split()) for pole in line.split("/"))
        yield from ((word, other) for word in one)
        yield from ((word, one) for word in other)


_OPPOSITES = dict(_pairs())
