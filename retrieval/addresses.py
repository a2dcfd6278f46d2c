"""Addresses: which a fetched page may lead to. What is no public address is refused, however it is written.

`Door` decides for one URL: it resolves the name once and returns the addresses that may be connected to, all of them checked,
so that a name which points elsewhere a moment later (DNS rebinding) leads nowhere.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable

from yarl import URL

from retrieval.readers.contract import Unreadable

PORTS = (80, 443)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_REFUSED = [
    ipaddress.ip_network(text)
    for text in (
        *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "100.64.0.0/10"),  # special, 6to4 relays, benchmarks, carriers
        "168.63.129.16/32",  # a public number that is a cloud's own metadata service
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo and other special ones, examples, 6to4
    )
]

Resolve = Callable[[str, int], Awaitable[list[str]]]


class Refused(Unreadable):
    """This address may not be fetched."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def public(address: str) -> bool:
    """Whether an address is one of the open internet. IPv6 forms that carry an IPv4 address inside are not."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if found.version == 6 and found not in _PUBLIC_V6:
        return False
    special = any(found in network for network in _REFUSED if network.version == found.version)
    return found.is_global and not (special or found.is_multicast or found.is_reserved)


class Door:
    """What may be fetched. `allow`: HOST or HOST:PORT of the owner's, which need not be public."""

    def __init__(self, allow: Iterable[str] = (), *, resolve: Resolve = resolve) -> None:
        self._allowed = {entry.lower() for entry in allow}
        self._resolve = resolve

    def allows(self, url: URL) -> bool:
        """Whether the owner has named this host himself."""
        host = f"[{url.host}]" if ":" in (url.host or "") else (url.host or "").lower()
        return f"{host}:{url.port}" in self._allowed or (host in self._allowed and url.port in PORTS)

    async def addresses(self, url: URL, *, trusted: bool = True) -> list[str]:
        """Where this URL may be fetched from. Not `trusted`: even a host that is allowed must be public. Raises Refused."""
        if url.scheme not in ("http", "https") or not url.host:
            raise Refused("only http:// and https:// addresses are fetched")
        if url.user is not None or url.password is not None:
            raise Refused("an address with a user or password is not fetched")
        allowed = trusted and self.allows(url)
        if url.port not in PORTS and not allowed:
            raise Refused(f"port {url.port} is not fetched from: the source's `allow` may name {url.host}:{url.port}")
        try:
            found = await self._resolve(url.host, url.port or 443)
        except (OSError, UnicodeError) as error:
            raise Unreadable(f"{url.host} cannot be resolved ({error})") from None
        if not found:
            raise Unreadable(f"{url.host} has no address")
        if not allowed and not all(map(public, found)):
            raise Refused(f"{url.host} is no public address: the source's `allow` may name it")
        return found
