"""The system's resolver understands more spellings of an address than people do."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy


@st.composite
def loopback_spellings(draw: st.DrawFn) -> str:
    """Spells an address of 127.0.0.0/8 in one of the ways that the C library understands."""
    number = (127 << 24) | draw(st.integers(1, 2**24 - 1))
    parts = draw(st.integers(1, 4))
    heads = [(number >> shift) & 0xFF for shift in (24, 16, 8)[: parts - 1]]
    last = number & ((1 << (8 * (5 - parts))) - 1)
    bases = st.sampled_from(["{:d}", "0x{:x}", "0{:o}"])
    return ".".join(draw(bases).format(part) for part in [*heads, last])


@given(loopback_spellings())
@example("127.1")
@example("0x7f.1")
@example("2130706433")
@example("017700000001")
def test_no_spelling_of_loopback_is_let_through(spelling: str) -> None:
    # numeric hosts are resolved without a network
    with pytest.raises(FetchError, match="not a public address"):
        AddressPolicy().addresses(spelling, 80)


@pytest.mark.parametrize("host", ["[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "::1", "0"])
def test_numeric_ipv6_hosts_are_checked_too(host: str) -> None:
    with pytest.raises(FetchError):
        AddressPolicy().addresses(host, 80)


def test_a_name_that_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(FetchError, match=r"cannot be resolved|not found"):
        AddressPolicy().addresses("a" * 300 + ".example", 80)
