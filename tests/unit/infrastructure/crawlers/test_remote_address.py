import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.remote_repository import (
    RemoteAddress,
    _listed,
    _pinned,
)

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


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org:99999/ada/tides",
        "https://git.example.org:port/ada/tides",
        "https://git.example.org:-1/ada/tides",
        "https://[2001:db8::1/ada/tides",
        "https://[no address]/ada/tides",
        "http://127.0.0.1:99999/tides.git",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_as_one(url: str) -> None:
    with pytest.raises(FetchError, match="not the address of a repository") as refused:
        RemoteAddress.parse(url, LOCAL)
    assert refused.value.url == url
    assert not refused.value.transient


NAMES = st.text("abcXYZ019._~-", min_size=1, max_size=8).filter(
    lambda name: not name.startswith("-") and name not in (".", "..")
)


@given(
    host=st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z]{2,6}){1,2}", fullmatch=True),
    port=st.sampled_from([None, 80, 443, 8443]),
    names=st.lists(NAMES, min_size=1, max_size=4),
)
def test_what_was_put_together_is_taken_apart_to_the_same(
    host: str, port: int | None, names: list[str]
) -> None:
    url = f"https://{host}{f':{port}' if port else ''}/{'/'.join(names)}"
    address = RemoteAddress.parse(url, LOCAL)
    assert RemoteAddress.parse(address.url, LOCAL) == address
    assert address.scheme == "https", "nothing but https leaves this machine"
    assert address.owner == names[0]
    assert address.url.endswith("/".join(names))


def test_git_is_told_the_addresses_that_were_checked() -> None:
    named = RemoteAddress.parse("https://git.example.org:8443/tides", LOCAL)
    assert _pinned(named, ["192.0.2.1", "2001:db8::1"]) == [
        "http.curloptResolve=git.example.org:8443:192.0.2.1,2001:db8::1"
    ]
    bare = RemoteAddress.parse("https://[2001:db8::1]/tides", LOCAL)
    assert _pinned(bare, ["2001:db8::1"]) == [], "there is no name to look up"


def test_of_a_tree_only_regular_files_are_read() -> None:
    lines = [
        "100644 blob aaa\tREADME.md",
        "100755 blob bbb\tdir/run me.sh",
        "120000 blob ccc\tlink",
        "160000 commit ddd\tmodule",
        "100644 blob eee\tt\u00e4b\there",
        "100644 blob fff\ttoo/large.bin",
    ]
    tree = b"".join(line.encode() + b"\0" for line in lines)
    listed = _listed(tree, {"aaa": 1, "bbb": 2, "ccc": 3, "ddd": 4, "eee": 0})
    assert {path: blob.size for path, blob in listed.items()} == {
        "README.md": 1,
        "dir/run me.sh": 2,
        "t\u00e4b\there": 0,
        "too/large.bin": None,
    }
    assert _listed(b"", {}) == {}
