"""Links and feeds of Medium."""

from urllib.parse import urlsplit

import pytest

from llm_engineering.infrastructure.crawlers.feed import Entry
from llm_engineering.infrastructure.crawlers.medium import feed_of, is_list, whole_post

LISTS = {
    "https://medium.com/@ada": "https://medium.com/feed/@ada",
    "https://medium.com/@ada.l_1/": "https://medium.com/feed/@ada.l_1",
    "https://www.medium.com/harbour-office": "https://www.medium.com/feed/harbour-office",
    "https://medium.com/harbour-office/tagged/tides": (
        "https://medium.com/feed/harbour-office/tagged/tides"
    ),
    "https://medium.com/tag/tides": "https://medium.com/feed/tag/tides",
    "https://medium.com/feed/@ada": "https://medium.com/feed/@ada",
    "http://ada.medium.com/": "https://ada.medium.com/feed",
    "https://ada.medium.com": "https://ada.medium.com/feed",
    "https://ada.medium.com/feed": "https://ada.medium.com/feed",
}
OTHERS = [
    "https://medium.com/",
    "https://medium.com/@ada/how-tides-work-0a1b2c3d4e5f",
    "https://medium.com/harbour-office/how-tides-work-0a1b2c3d4e5f",
    "https://medium.com/p/0a1b2c3d4e5f",
    "https://medium.com/search?q=tides",
    "https://medium.com/m/signin",
    "https://medium.com/how-tides-work-0a1b2c3d4e5f",
    "https://ada.medium.com/how-tides-work-0a1b2c3d4e5f",
    "https://help.medium.com/",
    "https://medium.com.evil.example/@ada",
    "https://evil.example/medium.com/@ada",
    "https://notmedium.com/@ada",
    "https://medium.com@evil.example/@ada",
]


@pytest.mark.parametrize(("url", "feed"), LISTS.items())
def test_profiles_publications_and_tags_are_read_by_their_feed(url: str, feed: str) -> None:
    assert is_list(urlsplit(url))
    assert feed_of(url) == feed


@pytest.mark.parametrize("url", OTHERS)
def test_posts_pages_and_look_alikes_are_not(url: str) -> None:
    assert not is_list(urlsplit(url))


def test_a_whole_post_loses_what_medium_adds() -> None:
    text = "<h3>Why</h3><p>It <em>rises</em>.</p>"
    footer = (
        '<hr><p><a href="https://medium.com/x">How tides work</a> was originally published in '
        '<a href="https://medium.com/h">Harbour</a> on Medium, where people are continuing the '
        "conversation by highlighting and responding to this story.</p>"
    )
    entry = Entry("https://medium.com/@ada/tides-0a1b2c3d?source=rss-9", full_text=text + footer)
    assert whole_post(entry) == Entry("https://medium.com/@ada/tides-0a1b2c3d", full_text=text)


@pytest.mark.parametrize(
    "text",
    [
        '<div class="medium-feed-item"><p class="medium-feed-snippet">The water</p></div>',
        '<p>The water</p><p><a href="https://medium.com/x">Continue reading on Harbour »</a></p>',
        None,
    ],
)
def test_a_snippet_is_no_post(text: str | None) -> None:
    assert whole_post(Entry("https://medium.com/@ada/x-0a1b2c3d", full_text=text)) is None
    assert whole_post(Entry(None, full_text="<p>All</p>")) is None
