"""URLs and listen addresses as documents write them, judged by their form alone.

Nothing is resolved, opened or connected here; what a name leads to is judged where it is used.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sinkgraph.spec.refused import Refused

__all__ = ["Address", "check_url", "parse_address"]

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_PORT = re.compile(r"[0-9]{1,5}")
_URL_HELP = "write it like `https://example.org/hook`"
_ADDRESS_HELP = "write it like `127.0.0.1:8700` or `[::1]:8700`"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Is where a server listens. `host` has no brackets; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str) -> Address:
    """Return the Address of `host:port` or `[ipv6]:port`; raise Refused."""
    if not text:
        raise Refused("SG129", "holds no address", _ADDRESS_HELP)
    if "://" in text:
        raise Refused("SG129", "is a URL, not an address", _ADDRESS_HELP)
    host, colon, port = text.rpartition(":")
    if not colon and _PORT.fullmatch(text):
        host, colon, port = "", ":", text
    if not colon or not port or text.endswith("]"):
        raise Refused("SG129", "has no port", _ADDRESS_HELP)
    if not _PORT.fullmatch(port) or int(port) > 65_535:
        raise Refused("SG129", "has no port between 0 and 65535", _ADDRESS_HELP)
    if not host or host == "*":
        here = f"`127.0.0.1:{port}`, or `0.0.0.0:{port}` to listen everywhere"
        raise Refused("SG129", "has no host", f"write {here}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ip(host, 6):
            raise Refused("SG129", "has no IPv6 address in its brackets", _ADDRESS_HELP)
    elif ":" in host:
        raise Refused("SG129", "has an IPv6 address without brackets", _ADDRESS_HELP)
    else:
        _check_host(host, _ADDRESS_HELP)
    return Address(host, int(port))


def check_url(text: str) -> str:
    """Return an http or https URL as written; raise Refused for what no sink may call."""
    if not text:
        raise Refused("SG129", "holds no URL", _URL_HELP)
    if len(text) > 8192:
        raise Refused("SG129", "is longer than 8192 characters", _URL_HELP)
    if _UNPRINTABLE.search(text):
        raise Refused("SG129", "holds a space or a control character", "write a space as `%20`")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        problem = "has a malformed host or a port outside 1 to 65535"
        raise Refused("SG129", problem, _URL_HELP) from None
    if "://" not in text or not parts.scheme:
        raise Refused("SG129", "has no scheme", "begin it with `http://` or `https://`")
    if parts.scheme not in {"http", "https"}:
        raise Refused("SG129", "is neither http nor https", _URL_HELP)
    if "@" in parts.netloc:
        raise Refused("SG129", "holds a user name", "write credentials as a header instead")
    if "#" in text:
        raise Refused("SG129", "has a fragment", "leave out what begins with `#`")
    if "\\" in text:
        raise Refused("SG129", "holds a backslash", "write it as `%5C`")
    host = parts.hostname or ""
    if not host:
        raise Refused("SG129", "has no host", _URL_HELP)
    if parts.netloc.endswith(":") or port == 0:
        raise Refused("SG129", "has no port between 1 and 65535", _URL_HELP)
    if not parts.netloc.startswith("["):
        _check_host(host, _URL_HELP)
    elif not _is_ip(host, 6) or parts.netloc.partition("]")[2][:1] not in ("", ":"):
        raise Refused("SG129", "has no IPv6 address in its brackets", _URL_HELP)
    return text


def _check_host(host: str, help: str) -> None:
    """Refuse what is neither an IPv4 address nor a name of ASCII labels."""
    labels = host.removesuffix(".").split(".")
    if not host.isascii():
        mixed = any(label.lower().startswith("xn--") for label in labels)
        what = "mixes punycode and other letters" if mixed else "has a host outside ASCII"
        raise Refused("SG129", what, "write the whole host in punycode (`xn--…`)")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise Refused("SG129", "has a malformed host", help)
    if labels[-1].isdigit() and not _is_ip(host, 4):
        raise Refused("SG129", "has a malformed IPv4 address", help)


def _is_ip(host: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False
