"""A web in a dictionary, for crawlers that fetch."""

import zlib
from collections.abc import Mapping
from typing import Self

from llm_engineering.application.ports.crawling import Validators
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.fetcher import HTML_TYPES, Fetcher, Response


class ScriptedWeb(Fetcher):
    """Answers with the pages it was given; `asked` records every address.

    A page is its bytes, or the error that fetching it raises. Any other address is not found.
    Each page has an ETag, and whoever sends it along is told that nothing changed.
    """

    def __init__(self, pages: Mapping[str, bytes | FetchError]) -> None:
        self._pages = pages
        self.asked: list[str] = []
        self.authorizations: set[str | None] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def fetch(
        self,
        url: str,
        content_types: frozenset[str] = HTML_TYPES,
        *,
        validators: Validators = Validators(),
        authorization: str | None = None,
    ) -> Response:
        self.asked.append(url)
        self.authorizations.add(authorization)
        page = self._pages.get(url, PageGone(url, "HTTP 404"))
        if isinstance(page, FetchError):
            raise page
        own = Validators(etag=f'"{zlib.crc32(page)}"')
        if validators.etag == own.etag:
            return Response(url, "", None, b"", own, unchanged=True)
        return Response(url, min(content_types), "utf-8", page, own)
