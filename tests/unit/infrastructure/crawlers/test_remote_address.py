import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.remote_repository import RemoteAddress

LOCAL = AddressPolicy(frozenset({"127.0.0.1:8080", "wiki.local"}))


@pytest.mark.parametrize(
    ("url", "rebuilt"),
    [
        ("https://github.com/ada/tides", "https://github.com/ada/tides"),
        ("https://github.com/ada/tides/", "https://github.com/ada/tides"),
        ("https://github.com/ada/tides.git?x=1#y", "https://github.com/ada/tides.git"),
        ("https://user:token@github.com/ada/tides", "https://github.com/ada/tides"),
        ("http://github.com/ada/tides", "https://github.com/ada/tides"),
        ("http://github.com:80/ada/tides", "https://github.com/ada/tides"),
        ("https://GitHub.com:443/ada/tides", "https://github.com/ada/tides"),
        ("https://git.example.org:8443/tides.git", "https://git.example.org:8443/tides.git"),
        ("http://127.0.0.1:8080/tides.git", "http://127.0.0.1:8080/tides.git"),
        ("http://127.0.0.1:8081/tides.git", "https://127.0.0.1/tides.git"),
        ("http://wiki.local/ada/tides", "http://wiki.local/ada/tides"),
        ("https://[2001:db8::1]/ada/tides", "https://[2001:db8::1]/ada/tides"),
    ],
)
def test_the_address_is_put_together_anew(url: str, rebuilt: str) -> None:
    assert RemoteAddress.parse(url, LOCAL).url == rebuilt


@pytest.mark.parametrize(
    "url",
    [
        *("https://github.com/-o/tides", "https://github.com/ada/--upload-pack=id"),
        *("https://github.com/ada/ti des", "https://github.com/ada/tides;id"),
        *("https://github.com/ada/$(id)", "https://github.com/ada/%2e%2e", "https://github.com/.."),
        *("https://github.com/", "https:///ada/tides", "https://github.com/ada/tides\nid"),
    ],
)
def test_segments_that_name_no_repository_are_refused(url: str) -> None:
    if "\n" in url:  # urlsplit takes line breaks out, so nothing of them is left
        assert "\n" not in RemoteAddress.parse(url, LOCAL).url
        return
    with pytest.raises(FetchError, match="not the address of a repository"):
        RemoteAddress.parse(url, LOCAL)


@pytest.mark.parametrize(
    ("url", "platform", "page"),
    [
        ("https://github.com/ada/t.git", "github", "https://github.com/ada/t/blob/main/a%20b.md"),
        ("https://gitlab.com/g/s/t", "gitlab", "https://gitlab.com/g/s/t/-/blob/main/a%20b.md"),
        (
            "https://codeberg.org/a/t",
            "codeberg",
            "https://codeberg.org/a/t/src/branch/main/a%20b.md",
        ),
        (
            "https://git.example.net/t",
            "git.example.net",
            "https://git.example.net/t/blob/main/a%20b.md",
        ),
    ],
)
def test_the_page_of_a_file_is_where_people_read_it(url: str, platform: str, page: str) -> None:
    address = RemoteAddress.parse(url, LOCAL)
    assert address.platform == platform
    assert address.page("main", "a b.md") == page


def test_name_and_owner_come_from_the_path() -> None:
    address = RemoteAddress.parse("https://gitlab.com/sea/deep/tides.git", LOCAL)
    assert (address.name, address.owner) == ("sea/deep/tides", "sea")
