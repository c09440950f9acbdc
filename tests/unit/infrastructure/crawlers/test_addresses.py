import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy, is_public

PRIVATE_IPV4 = st.one_of(
    st.ip_addresses(network="127.0.0.0/8"),
    st.ip_addresses(network="10.0.0.0/8"),
    st.ip_addresses(network="172.16.0.0/12"),
    st.ip_addresses(network="192.168.0.0/16"),
    st.ip_addresses(network="169.254.0.0/16"),
    st.ip_addresses(network="100.64.0.0/10"),
    st.ip_addresses(network="0.0.0.0/8"),
    st.ip_addresses(network="224.0.0.0/4"),
    st.ip_addresses(network="240.0.0.0/4"),
)

EMBEDDINGS: dict[str, Callable[[IPv4Address], IPv6Address]] = {
    "mapped": lambda inner: IPv6Address(f"::ffff:{inner}"),
    "compatible": lambda inner: IPv6Address(f"::{inner}"),
    "translated": lambda inner: IPv6Address(f"::ffff:0:{inner}"),
    "nat64": lambda inner: IPv6Address(f"64:ff9b::{inner}"),
    "6to4": lambda inner: IPv6Address((0x2002 << 112) | (int(inner) << 80) | 1),
    "teredo server": lambda inner: IPv6Address((0x20010000 << 96) | (int(inner) << 64)),
    "teredo client": lambda inner: IPv6Address((0x20010000 << 96) | (int(inner) ^ 0xFFFFFFFF)),
}


@given(PRIVATE_IPV4)
@example(IPv4Address("169.254.169.254"))
def test_private_ipv4_is_never_public(address: IPv4Address) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("kind", EMBEDDINGS)
@given(PRIVATE_IPV4)
@example(IPv4Address("127.0.0.1"))
def test_private_ipv4_inside_ipv6_is_never_public(kind: str, inner: IPv4Address) -> None:
    assert not is_public(EMBEDDINGS[kind](inner))


@pytest.mark.parametrize(
    "spelling", ["::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "64:ff9b:1::7f00:1"]
)
def test_private_ipv6_is_not_public(spelling: str) -> None:
    assert not is_public(ip_address(spelling))


@pytest.mark.parametrize(
    "spelling", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_public(spelling: str) -> None:
    assert is_public(ip_address(spelling))


def policy_where(
    answers: Sequence[str], allowed: frozenset[str] = frozenset()
) -> tuple[AddressPolicy, list[tuple[str, int]]]:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return answers

    return AddressPolicy(allowed, resolve), asked


def test_a_public_host_gives_all_its_addresses_from_one_resolution() -> None:
    policy, asked = policy_where(["93.184.215.14", "2606:2800:21f::1"])
    assert policy.addresses("example.org", 443) == ["93.184.215.14", "2606:2800:21f::1"]
    assert asked == [("example.org", 443)]


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    policy, _ = policy_where(["93.184.215.14", "10.0.0.8"])
    with pytest.raises(
        FetchError, match=r"example.org is 10.0.0.8: not a public address"
    ) as refused:
        policy.addresses("example.org", 443)
    assert not refused.value.transient
    assert "allowed_private_hosts" in refused.value.reason


@pytest.mark.parametrize(
    ("allowed", "host", "port"),
    [
        ("wiki.local", "wiki.local", 8080),
        ("wiki.local:8080", "wiki.local", 8080),
        ("wiki.local", "WIKI.local", 80),
        ("[::1]:8765", "::1", 8765),
        ("[::1]", "[::1]", 80),
    ],
)
def test_a_named_private_host_is_allowed(allowed: str, host: str, port: int) -> None:
    policy, _ = policy_where(["127.0.0.1"], frozenset({allowed}))
    assert policy.addresses(host, port) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 80), ("127.0.0.1", 8766), ("127.1", 8765), ("x.127.0.0.1", 8765)],
)
def test_the_exception_is_for_that_host_and_port_only(host: str, port: int) -> None:
    policy, _ = policy_where(["127.0.0.1"], frozenset({"127.0.0.1:8765"}))
    with pytest.raises(FetchError):
        policy.addresses(host, port)


@pytest.mark.parametrize(
    ("error", "transient"), [(socket.EAI_AGAIN, True), (socket.EAI_NONAME, False)]
)
def test_an_unknown_host_is_an_error_that_names_it(error: int, transient: bool) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(error, "no")

    with pytest.raises(FetchError, match=r"host 'gone.example' not found") as failure:
        AddressPolicy(frozenset(), resolve).addresses("gone.example", 80)
    assert failure.value.transient is transient


def test_a_host_without_addresses_is_an_error() -> None:
    policy, _ = policy_where([])
    with pytest.raises(FetchError, match="has no address"):
        policy.addresses("empty.example", 80)
