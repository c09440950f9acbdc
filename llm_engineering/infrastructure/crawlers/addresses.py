"""Which network addresses a crawler may connect to."""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from llm_engineering.domain.errors import FetchError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

# The last 32 bits of these are an IPv4 address that a gateway may connect to:
# IPv4-compatible (RFC 4291), NAT64 (RFC 6052) and IPv4-translated (RFC 2765).
_IPV4_IN_LOW_BITS = (
    IPv6Network("::/96"),
    IPv6Network("64:ff9b::/96"),
    IPv6Network("::ffff:0:0:0/96"),
)
# Translated to private IPv4 by local gateways (RFC 8215); ipaddress takes it for global.
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")


def is_public(address: Address) -> bool:
    """Returns whether the address, and every IPv4 address inside it, is of the public internet."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.is_site_local or address in _LOCAL_NAT64:
            return False
        if not all(map(is_public, embedded_ipv4(address))):
            return False
    return address.is_global and not address.is_multicast


def embedded_ipv4(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yields the IPv4 addresses that an IPv6 address may be translated or tunnelled to."""
    if any(address in network for network in _IPV4_IN_LOW_BITS):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Returns the addresses of a host as the system resolves it, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


@dataclass(frozen=True)
class AddressPolicy:
    """Gives the addresses of a host once all of them have been checked.

    `allowed_private_hosts` are the exceptions: a host (`wiki.local`), or one of its ports
    (`127.0.0.1:8765`), spelled as in the links.
    """

    allowed_private_hosts: frozenset[str] = frozenset()
    resolve: Resolver = field(default=resolve_host, repr=False)

    def allows_private(self, host: str, port: int) -> bool:
        """Returns whether the host, or this port of it, is one of the exceptions."""
        host = host.strip("[]").lower()
        return not self.allowed_private_hosts.isdisjoint(
            {host, f"[{host}]", f"{host}:{port}", f"[{host}]:{port}"}
        )

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Returns the addresses to connect to.

        Raises:
            FetchError: the host is unknown, or one of its addresses is not public.
        """
        found = self._resolved(host.strip("[]"), port)
        if not self.allows_private(host, port):
            for address in found:
                if not is_public(ip_address(address)):
                    where = host if host == address else f"{host} is {address}"
                    raise FetchError(
                        host,
                        f"{where}: not a public address; private hosts must be named in "
                        "allowed_private_hosts",
                    )
        return found

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        try:
            found = self.resolve(host, port)
        except socket.gaierror as error:
            again = error.errno == socket.EAI_AGAIN
            raise FetchError(host, f"host {host!r} not found", transient=again) from error
        except (OSError, UnicodeError) as error:
            raise FetchError(host, f"host {host!r} cannot be resolved ({error})") from error
        if not found:
            raise FetchError(host, f"host {host!r} has no address")
        return found
