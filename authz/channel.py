"""How a request reached the server: from where, to which address, with which certificate.

TLS ends at a proxy, so the client's address and certificate are told by headers. They are believed
from the configured proxies alone; anybody else's are as if they were not there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from authz.client_certificate import thumbprint_of_header
from models.tables.client import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Channel(NamedTuple):
    """One request as the server saw it: `peer` is who is connected, `headers` in lower case."""

    peer: str | None
    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def scheme(self) -> str:
        """The scheme of `Authorization`, in lower case."""
        return self.headers.get("authorization", "").partition(" ")[0].lower()


@dataclass(frozen=True, slots=True)
class Front:
    """The server's public face: its URL (no slash at the end), and the proxies it believes."""

    public_url: str
    proxies: tuple[Network, ...] = ()

    def address(self, channel: Channel) -> Address | None:
        """Where the request comes from: the peer, or whom a proxy names last in
        `X-Forwarded-For`."""
        peer = address_of(channel.peer)
        if not self._is_proxy(peer):
            return peer
        return address_of(channel.headers.get("x-forwarded-for", "").rpartition(",")[2].strip())

    def certificate(self, channel: Channel) -> str | None:
        """Thumbprint of the certificate that a proxy saw (RFC 9440 `Client-Cert`), if any."""
        if not self._is_proxy(address_of(channel.peer)):
            return None
        return thumbprint_of_header(channel.headers.get("client-cert", ""))

    def url(self, channel: Channel) -> str:
        """The public address of what was asked; never from `Host`."""
        return self.public_url + channel.path

    def _is_proxy(self, peer: Address | None) -> bool:
        return peer is not None and any(peer in network for network in self.proxies)


def neighbourhood(address: Address | None) -> str:
    """The address; of IPv6 its /64, of which one subscriber has all."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def within(address: Address | None, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks (CIDR)."""
    return address is not None and any(
        address in ipaddress.ip_network(network) for network in networks
    )


def address_of(text: str | None) -> Address | None:
    """The address that a text is, if it is one."""
    try:
        found = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    # A socket for both families tells an IPv4 peer in its IPv6 form.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
