"""Answers that were given before, as long as all that they were made from is as it was."""

import hashlib
import logging
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic

from llm_engineering.application.ports.answer_cache import AnswerCache
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.application.rag.gathering import Gathering
from llm_engineering.domain.answers import Answer, AnswerMode, AnswerRequest, Usage
from llm_engineering.domain.cached_answers import CachedAnswer, CachedPassage
from llm_engineering.domain.chunks import Chunk
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.ids import fingerprint
from llm_engineering.domain.queries import Retrieval, ScoredChunk, SearchFilters

_log = logging.getLogger(__name__)
_REST_S = 30.0  # after the cache could not be reached: no request waits for it meanwhile


class GivenAnswers:
    """Finds answers that were given before, and keeps new ones.

    An answer is found again only while every passage that was read for it is in the live index,
    with the same text. When the cache cannot be reached there is none, and it rests for 30 seconds.

    Args:
        cache: keeps them.
        index: has the passages.
        release: names what answers: index, models, prompts and settings.
        clock: tells the present time.
        longest: after so long an answer is given anew.
        timer: returns seconds.
    """

    def __init__(
        self,
        cache: AnswerCache,
        index: ChunkIndex,
        release: Callable[[], str],
        clock: Callable[[], datetime],
        longest: timedelta,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._cache = cache
        self._index = index
        self._release = release
        self._clock = clock
        self._longest = longest
        self._timer = timer
        self._resting_until = float("-inf")
        self._new: dict[str, CachedAnswer] = {}  # not stored yet
        self._gathering = Gathering(self._store)

    def key(self, request: AnswerRequest) -> str | None:
        """Returns what an answer to the request goes by; None when it is not to be kept.

        Raises:
            StoreUnavailable: the index cannot be reached.
        """
        if request.as_of is not None or self._timer() < self._resting_until:
            return None
        return fingerprint_of(request, self._release())

    def find(self, key: str) -> tuple[Answer, Retrieval] | None:
        """Returns the answer given before and the passages that it was made from."""
        try:
            entry = self._kept(key)
            if entry is None:
                return None
            passages = self._unchanged(entry)
            if passages is None:
                self._forget(key)
                return None
        except StoreUnavailable as error:
            self._rest(error)
            return None
        given = {"cached": True, "usage": Usage()}  # no model read or wrote anything for it
        return entry.answer.model_copy(update=given), Retrieval(passages=passages)

    def keep(self, key: str, answer: Answer, found: Retrieval) -> None:
        """Keeps an answer, if the same question would get it again; it is stored soon after."""
        if not worth_keeping(answer, found):
            return
        entry = CachedAnswer(
            key=key,
            answer=answer,
            passages=tuple(
                CachedPassage(chunk_id=one.chunk.id, text_hash=_hash(one.chunk), scores=one.scores)
                for one in found.passages
            ),
            documents=tuple(sorted({one.chunk.document_id for one in found.passages})),
            at=self._clock(),
        )
        self._new[key] = entry
        if not self._gathering.add(entry):
            self._new.pop(key, None)

    def close(self) -> None:
        """Returns when all that is kept is stored."""
        self._gathering.close()

    def _kept(self, key: str) -> CachedAnswer | None:
        since, new = self._clock() - self._longest, self._new.get(key)
        return new if new and new.at >= since else self._cache.get(key, since)

    def _store(self, entries: Sequence[CachedAnswer]) -> None:
        alive = [entry for entry in entries if self._new.get(entry.key) is entry]
        try:
            self._cache.put(alive)
            # what was deleted while it was answered must not stay here: the index forgets first
            for entry in alive:
                if self._unchanged(entry) is None:
                    self._cache.drop(entry.key)
        except StoreUnavailable as error:
            self._rest(error)
        finally:
            for entry in alive:
                self._new.pop(entry.key, None)

    def _forget(self, key: str) -> None:
        self._new.pop(key, None)
        self._cache.drop(key)

    def _unchanged(self, entry: CachedAnswer) -> tuple[ScoredChunk, ...] | None:
        """Returns the passages; None when one of them has changed or is gone."""
        found = self._index.chunks([one.chunk_id for one in entry.passages])
        texts = {chunk.id: chunk for chunk in found}
        passages = []
        for one in entry.passages:
            chunk = texts.get(one.chunk_id)
            if chunk is None or _hash(chunk) != one.text_hash:
                return None
            passages.append(ScoredChunk(chunk=chunk, scores=one.scores))
        return tuple(passages)

    def _rest(self, error: StoreUnavailable) -> None:
        _log.warning("answering without the cache of answers: %s", error)
        self._resting_until = self._timer() + _REST_S


def fingerprint_of(request: AnswerRequest, release: str) -> str:
    """Returns what an answer depends on, but the texts: two requests of one key are the same."""
    return fingerprint(
        release,
        normalised(request.query.text),
        _canonical(request.query.filters),
        request.k or 0,
        request.model or "",
        request.verify.value,
    )


def normalised(question: str) -> str:
    """Returns the question without differences that mean nothing.

    These are white space, how accents are encoded, and punctuation at the end. Capitals stay: in
    names and code they mean something.
    """
    text = " ".join(unicodedata.normalize("NFC", question).split())
    return text.rstrip(" ?.!") or text


def worth_keeping(answer: Answer, found: Retrieval) -> bool:
    """Returns whether the same question would get this answer again.

    Not if it was quoted or refused, anything was left out, or a restriction was read out of the
    question that means another thing tomorrow (dates), or was given up because nothing met it.
    """
    return (
        answer.grounded
        and answer.mode is AnswerMode.GENERATED
        and not (answer.degraded or answer.relaxed or found.degraded or found.relaxed)
        and "published" not in found.found_filters.restricted
        and bool(found.passages)
    )


def _canonical(filters: SearchFilters) -> str:
    """Returns the filters whatever the order of their values."""
    values = {
        name: tuple(sorted(map(str, value))) if isinstance(value, tuple) else value
        for name, value in filters
    }
    return repr(sorted(values.items()))


def _hash(chunk: Chunk) -> str:
    return hashlib.sha256(chunk.text.encode()).hexdigest()[:16]
