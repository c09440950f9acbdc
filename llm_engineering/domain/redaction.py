"""Takes secrets and addresses of people out of text before it is logged or tracked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

HIDDEN = "[redacted]"
SHORTEST_SECRET = 6  # a shorter setting, such as "test", would take words out of every text
_LONGEST_SECRET = 512

# What issuers give their keys to be known by, and where a secret stands after its name.
_FORMATS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
  | \b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}              # OpenAI, Anthropic, Stripe
  | \bllmp[-_][A-Za-z0-9._-]{8,}                     # our own
  | \bhf_[A-Za-z0-9]{8,}                             # Hugging Face
  | \bAIza[A-Za-z0-9_-]{16,}                         # Google
  | \b(?:gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_-]{8,}
  | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                     # AWS
  | \bxox[abeprs]-[A-Za-z0-9-]{8,}                   # Slack
  | \beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?   # JSON Web Tokens
  | \b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}\b
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_ITS_NAME = re.compile(
    r"""(?ix)
    ( \b (?: bearer | basic ) \s+
      | (?: (?:api|access)[-_ ]?key | secret(?:[-_ ]?(?:access[-_ ]?)?key)? | passw(?:or)?d | token
        | authorization )
        ["']? \s* (?: [:=] | \s is \s ) \s* ["']? (?: (?:bearer|basic) \s+ )? )
    ( [^\s"',;&}\])]{4,} )
    """
)
# One of these is in whatever the patterns above match, in small letters: looking for them is ten
# times as quick, and most texts have none.
_IN_FORMATS = (
    *(f"{kind}{dash}" for kind in ("sk", "pk", "rk") for dash in "-_"),
    *("-----begin ", "llmp", "hf_", "aiza", "gho_", "ghp_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "akia", "asia", "xox", "eyj", "@"),
)
_IN_NAMES = ("bearer", "basic", "key", "secret", "passw", "token", "authorization")
_HINTS = (*_IN_NAMES, *_IN_FORMATS)
_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")
_LONG = re.compile(r"(?<![A-Za-z0-9+_=-])[A-Za-z0-9+_=-]{32,}(?![A-Za-z0-9+_=-])")
_ONE_RUN = re.compile(r"[A-Za-z0-9]{32,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Redaction:
    """Replaces what looks like a secret, and what is known to be one, by `[redacted]`.

    API keys of known formats, bearer tokens, logins inside addresses, JSON Web Tokens, private
    keys, e-mail addresses, what follows a name such as `password=`, and long random text.

    Args:
        secrets: the values of this installation's own secrets.
        long: whether any run of 32 characters that is not a UUID goes, which includes hashes.
    """

    def __init__(self, secrets: Iterable[str] = (), *, long: bool = True) -> None:
        self._secrets = frozenset(s for s in secrets if len(s) >= SHORTEST_SECRET)
        known = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._long = long

    def __repr__(self) -> str:
        return "Redaction()"

    @cached_property
    def keeping_hashes(self) -> "Redaction":
        """One that leaves long random text, for ids."""
        return Redaction(self._secrets, long=False)

    def text(self, text: str) -> str:
        """Returns the text without secrets; time is linear in its length."""
        if not text:
            return text
        if self._known:
            text = self._known.sub(HIDDEN, text)
        text = _LOGIN.sub(f"{HIDDEN}@", text)
        folded = text.casefold()
        if any(map(folded.__contains__, _IN_NAMES)):
            text = _AFTER_ITS_NAME.sub(rf"\1{HIDDEN}", text)
        if any(map(folded.__contains__, _IN_FORMATS)):
            text = _FORMATS.sub(HIDDEN, text)
        return _LONG.sub(_unless_harmless, text) if self._long else text

    def texts(self, texts: Sequence[str]) -> list[str]:
        """Returns each text without secrets; looking at harmless ones together costs little."""
        harmless = not self._may_be_in("\n".join(texts))
        return list(texts) if harmless else [self.text(text) for text in texts]

    def excerpts(self, texts: Sequence[str], length: int) -> list[str]:
        """Returns the first `length` characters of each without secrets, nor the start of one."""
        cut = self.texts([text[: length + _LONGEST_SECRET] for text in texts])
        return [text[:length] for text in cut]

    def excerpt(self, text: str, length: int) -> str:
        """Returns the first `length` characters without secrets, nor the start of one."""
        return self.excerpts([text], length)[0]

    def value(self, value: object) -> object:
        """Returns data without secrets: texts in mappings and sequences, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, float | int):  # most of a table, and slow to be asked for more
            return value
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            texts = iter(self.texts([item for item in value if isinstance(item, str)]))
            return [next(texts) if isinstance(item, str) else self.value(item) for item in value]
        return value

    def _may_be_in(self, text: str) -> bool:
        """Returns whether a secret may be in the text; False is sure."""
        folded = text.casefold()
        return (
            any(map(folded.__contains__, _HINTS))  # "@" stands for logins, too
            or bool(self._known and self._known.search(text))
            or bool(self._long and _LONG.search(text))
        )


def _unless_harmless(found: re.Match[str]) -> str:
    """Returns what a long run becomes: random text goes; UUIDs and words with dashes stay."""
    run = found[0]
    if _UUID.fullmatch(run):
        return run
    kinds = sum(bool(re.search(kind, run)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return HIDDEN if kinds == 3 or _ONE_RUN.search(run) else run  # noqa: PLR2004 - all three
