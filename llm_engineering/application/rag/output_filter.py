"""What a model may not pass on, whoever told it to: foreign links, images and its instructions.

Retrieved text may order a model to load an image, to point to a page, or to print its prompt
(OWASP LLM01 and LLM02). The words are filtered here as they come, so that a reader of the stream
sees no more than a reader of the checked answer.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache

from llm_engineering.application.rag.prompts import INSTRUCTIONS

_REMOVED = "[…]"
# as many words in a row as nobody takes from the instructions by chance
_ECHO_WORDS = 6

_ADDRESS = re.compile(
    r"""(?:[a-z][a-z0-9+.-]*:(?:\\?/|&\#)|(?:javascript|data|mailto|vbscript|file):|www\.
        |(?:(?<=[("'=\[<\s])|^)(?:\\?/){2}[\w-]+\.)[^\s<>"'`)\]]*""",
    re.I | re.X,
)
_TARGET = re.compile(r"\]\(\s*<?[^)\s]*(?:[/.:&\\]|%[0-9a-f]{2})[^)\s]*\)?|\](?=\[)|!(?=\[)", re.I)
_TAG = re.compile(
    r"</?(?:a|img|iframe|script|style|svg|form|object|embed|link|meta|base|video|audio)\b[^>\s]*>?",
    re.I,
)
_WHOLE_WORD = re.compile(r"\s*\S+(?=\s)")


def without_links(text: str, allowed: Collection[str] = ()) -> str:
    """Returns the text without images, tags and addresses, but for the `allowed` addresses."""
    kept = _TAG.sub("", text)
    kept = _TARGET.sub(lambda match: "]" if match[0].startswith("]") else "", kept)
    return _ADDRESS.sub(lambda match: _allowed_or_removed(match[0], allowed), kept)


def _allowed_or_removed(address: str, allowed: Collection[str]) -> str:
    bare = address.rstrip(".,;:!?")
    return address if bare in allowed else _REMOVED + address[len(bare) :]


class OutputFilter:
    """Filters a stream of text. A word is passed on when it is whole and known to be harmless.

    Args:
        allowed: addresses that may be written.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = allowed
        self._rest = ""
        self._held: list[str] = []
        self._echoing = False

    def feed(self, text: str) -> str:
        """Returns what may be passed on now."""
        self._rest += text
        words = _WHOLE_WORD.findall(self._rest)
        self._rest = self._rest[sum(map(len, words)) :]
        return "".join(self._passed(words))

    def flush(self) -> str:
        """Returns what was held back; the text is over."""
        words, self._rest = ([self._rest] if self._rest else []), ""
        passed = "".join(self._passed(words))
        held, self._held = ("" if self._echoing else "".join(self._held)), []
        return passed + held

    def _passed(self, words: Iterable[str]) -> Iterable[str]:
        for word in words:
            clean = without_links(word, self._allowed)
            while self._held and not _in_instructions([*self._held, clean]):
                yield from self._release()
            self._held.append(clean)
            if not _in_instructions(self._held):
                yield from self._release()
            elif len(self._held) >= _ECHO_WORDS:
                self._echoing = True

    def _release(self) -> Iterable[str]:
        if self._echoing:
            self._held, self._echoing = [], False
        else:
            yield self._held.pop(0)


def filtered(text: str, allowed: Collection[str] = ()) -> str:
    """Returns a whole text as the filter lets it pass."""
    stream = OutputFilter(allowed)
    return (stream.feed(text) + stream.flush()).strip()


def _in_instructions(words: Iterable[str]) -> bool:
    """Returns whether the words stand in the instructions, one after the other."""
    bare = _bare(" ".join(words))
    return not bare.strip() or bare in _told()


@cache
def _told() -> str:
    return _bare(INSTRUCTIONS)


def _bare(text: str) -> str:
    """Returns the words alone, each between blanks."""
    words = re.findall(r"\w+", text.lower())
    return f" {' '.join(words)} "
