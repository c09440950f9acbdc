"""Medium: profiles and publications by their feeds, and what of a feed is a whole post.

A feed gives the ten latest posts. What Medium puts into it for everybody is taken from there: its
pages are often kept from programs. A post for members is a snippet in the feed; its page is
visited, and says that it is a preview.
"""

import re
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit, urlunsplit

from llm_engineering.infrastructure.crawlers.feed import Entry

GENERATOR = "Medium"
_HOST = re.compile(r"(?:www\.)?medium\.com")
_OWN_HOST = re.compile(r"(?!www\.|help\.|policy\.|about\.|status\.)[\w-]+\.medium\.com")
_LISTED = re.compile(r"/(?:@[\w.-]+|tag/[\w-]+|[\w-]+(?:/tagged/[\w-]+)?)/?")
_NOT_PUBLICATIONS = re.compile(
    r"/(?:about|business|creators|explore-topics|gift|jobs-at-medium|me|membership|m|new-story|p"
    r"|plans|policy|search|sitemap|tag|topics?)(?:/.*)?"
)
_POST = re.compile(r"/.*-[0-9a-f]{8,12}/?")
_SNIPPET = re.compile(r'class="medium-feed-snippet"|>\s*Continue reading on ', re.I)
_FOOTER = re.compile(
    r"(?:<hr\s*/?>)?<p>(?:(?!<p>).){0,2000}was originally published in (?:(?!<p>).){0,2000}"
    r"on Medium, where people are continuing the conversation.{0,200}</p>\s*$",
    re.S,
)


def is_list(link: SplitResult) -> bool:
    """Returns whether a link is a profile, a publication or a tag of Medium, or a feed of them."""
    host = (link.hostname or "").rstrip(".")
    path = link.path or "/"
    if _OWN_HOST.fullmatch(host):
        return path.rstrip("/") in ("", "/feed")
    if not _HOST.fullmatch(host) or _POST.fullmatch(path):
        return False
    listed = path.removeprefix("/feed") if path.startswith("/feed/") else path
    reserved = _NOT_PUBLICATIONS.fullmatch(listed) and not listed.startswith("/tag/")
    return bool(_LISTED.fullmatch(listed)) and not reserved


def feed_of(url: str) -> str:
    """Returns the feed of a link for which `is_list` holds."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.startswith("/feed"):
        path = f"/feed{path}"
    return urlunsplit(("https", parts.netloc, path, "", ""))


def whole_post(entry: Entry) -> Entry | None:
    """Returns an entry of a feed of Medium if it is the whole post, freed of what Medium adds."""
    if entry.url is None or entry.full_text is None or _SNIPPET.search(entry.full_text):
        return None
    address = urlunsplit((*urlsplit(entry.url)[:3], "", ""))  # without ?source=rss
    return replace(entry, url=address, full_text=_FOOTER.sub("", entry.full_text))
