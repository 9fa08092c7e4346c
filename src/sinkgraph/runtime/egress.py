"""Which addresses are never connected to, whatever a document or a name server says.

A pure judgement of one IP address; allow and deny lists of a document are judged elsewhere.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["egress_refusal"]

_LINK_LOCAL = tuple(ip_network(text) for text in ("169.254.0.0/16", "fe80::/10"))
_METADATA = frozenset(
    ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")
)
_NAT64 = ip_network("64:ff9b::/96")


def egress_refusal(address: str) -> str | None:
    """Return why this resolved address is refused, or None.

    IPv4 addresses inside IPv6 ones (mapped, compatible, 6to4, Teredo, NAT64) are judged too.
    """
    text = address.partition("%")[0]
    try:
        ip = ip_address(text)
    except ValueError:
        return f"{text!r} is not an IP address"
    for one in (ip, *_embedded(ip)):
        if any(one in network for network in _LINK_LOCAL if network.version == one.version):
            return f"{text} is link-local"
        if one in _METADATA:
            return f"{text} is a metadata service"
    return None


def _embedded(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64 or not int(ip) >> 32:
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
