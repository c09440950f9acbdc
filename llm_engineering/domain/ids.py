"""Identities: which document, which revision of it, which chunk of that revision."""

import hashlib
import json
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from llm_engineering.domain.errors import InvalidInput

_TRACKING = frozenset({"fbclid", "gclid", "igshid", "mc_cid", "mc_eid", "ref_src", "trk", "yclid"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_url(url: str) -> str:
    """Returns the one spelling under which a page is known.

    Scheme and host are lower-cased, default ports, fragments and tracking parameters go, an empty
    path becomes `/`. `file:` URLs (local repositories) keep their path as it is.

    Raises:
        InvalidInput: the URL is not an absolute http, https or file URL.
    """
    try:
        url.encode()  # halves of surrogate pairs are no text
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii")
    except ValueError as error:  # UnicodeError is one too
        raise InvalidInput(f"not a URL: {url!r} ({error})") from error
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https", "file") or (scheme != "file" and not host):
        raise InvalidInput(f"not a URL: {url!r} (allowed: http://…, https://…, file:///…)")
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        netloc = f"{netloc}:{port}"
    # bytes of other encodings than UTF-8 (`%E9`) stay what they are
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    query = urlencode([pair for pair in pairs if not _tracks(pair[0])], errors="surrogateescape")
    return urlunsplit((scheme, netloc, parts.path or "/", query, ""))


def _tracks(parameter: str) -> bool:
    return parameter.lower().startswith("utm_") or parameter.lower() in _TRACKING


def document_id(url: str) -> UUID:
    """Returns the id of the document at `url`: uuid5 of its canonical URL."""
    return uuid5(NAMESPACE_URL, canonical_url(url))


def user_id(full_name: str) -> UUID:
    """Returns the id of an author: uuid5 of the name, case and spacing aside."""
    return uuid5(NAMESPACE_URL, "author:" + " ".join(full_name.split()).casefold())


def revision_of(*content: str | None) -> str:
    """Returns the revision of canonical content: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def chunk_id(document: UUID, revision: str, chunker: str, position: int) -> UUID:
    """Returns the id of the chunk at `position` of a revision, cut by the chunker fingerprint."""
    return uuid5(document, f"{revision}:{chunker}:{position}")


def text_hash(text: str) -> str:
    """Returns the SHA-256 of a text; with the embedder's fingerprint it is the key of a vector."""
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(*parts: str | float | Sequence[str | int]) -> str:
    """Returns a short, stable name (12 hexadecimal digits) for a configuration."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
