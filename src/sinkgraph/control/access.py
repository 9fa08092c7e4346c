"""Who may do what over the control plane: peers of the socket, tokens, hosts.

It decides from what it is told of a request, and keeps no connection. Tokens are held as hashes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sinkgraph.control.problems import Refusal

__all__ = ["SCOPES", "Access", "Caller", "Token", "host_of", "parse_tokens"]

SCOPES = ("read", "tap", "operate", "admin")
"""What one may be allowed: to look; to see events; to change how it runs; everything."""

_IMPLIED = {
    "read": frozenset({"read"}),
    "tap": frozenset({"read", "tap"}),
    "operate": frozenset({"read", "operate"}),
    "admin": frozenset(SCOPES),
}
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_SHORTEST = 16
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Token:
    """Is one bearer token: what it is called in the journal, its hash, and what it allows."""

    name: str
    digest: bytes
    scopes: frozenset[str]

    @classmethod
    def of(cls, name: str, secret: str, scopes: Iterable[str]) -> Token:
        """Return a token for its text; `scopes` as they are said."""
        allowed = frozenset[str]().union(*(_IMPLIED[scope] for scope in scopes))
        return cls(name, _digest(secret), allowed)


@dataclass(frozen=True, slots=True)
class Caller:
    """Is who makes a request, as the journal names them, and what they may do."""

    name: str
    scopes: frozenset[str]


def parse_tokens(text: str, where: str) -> list[Token]:
    """Return the tokens of a file or a variable: one a line, `NAME SCOPE[,SCOPE] TOKEN`.

    A line that is one word is a token that may do everything. Raises ValueError naming the line,
    never the token.
    """
    found: list[Token] = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        place = f"line {number} of {where}"
        if len(parts) == 1:
            parts = ["token" if not found else f"token-{number}", "admin", parts[0]]
        if len(parts) != 3:
            raise ValueError(f"{place} is not `NAME SCOPE[,SCOPE] TOKEN`")
        name, said, secret = parts
        scopes = said.split(",")
        wrong = [scope for scope in scopes if scope not in SCOPES]
        if not _NAME.fullmatch(name):
            raise ValueError(f"{place} has no name that can stand in a journal")
        if wrong:
            raise ValueError(f"{place} names no scope: a scope is {', '.join(SCOPES)}")
        if len(secret) < _SHORTEST:
            raise ValueError(f"the token on {place} is shorter than {_SHORTEST} characters")
        if any(one.name == name for one in found):
            raise ValueError(f"{place} gives the name `{name}` a second time")
        found.append(Token.of(name, secret, scopes))
    if not found:
        raise ValueError(f"{where} holds no token")
    return found


class Access:
    """Judges requests. `uids` may do everything on the unix socket; `hosts` are names of ours."""

    def __init__(
        self,
        tokens: Sequence[Token] = (),
        hosts: Iterable[str] = (),
        uids: Iterable[int] | None = None,
    ) -> None:
        self._tokens = list(tokens)
        self._hosts = _LOCAL | {host.lower() for host in hosts}
        self._uids = frozenset({os.geteuid(), 0} if uids is None else uids)

    def caller(self, headers: Mapping[str, str], peer: Mapping[str, Any]) -> Caller:
        """Return who calls; raise Refusal where they may not even ask."""
        self.check_host(headers)
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise Refusal(403, "bad_origin", "a request made by a web page is refused")
        if peer.get("door") == "unix":
            uid = peer.get("uid")
            if uid in self._uids:
                return Caller(f"uid {uid}", _IMPLIED["admin"])
            raise Refusal(403, "forbidden", f"uid {uid} is not who runs this graph")
        return self._bearer(headers.get("authorization"))

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that names a host that is not ours, as a rebound DNS name does."""
        if host_of(headers.get("host", "")) not in self._hosts:
            help = "give `--control-host NAME` to be called by another name"
            raise Refusal(421, "bad_host", f"the Host header names none of ours; {help}")

    def _bearer(self, header: str | None) -> Caller:
        asks = {"www-authenticate": "Bearer"}
        if header is None:
            raise Refusal(401, "unauthorized", "a bearer token is needed", headers=asks)
        scheme, _, given = header.partition(" ")
        digest = _digest(given.strip())
        found: Token | None = None
        for token in self._tokens:  # all of them, so that time does not tell which
            if hmac.compare_digest(token.digest, digest):
                found = token
        if found is None or scheme.lower() != "bearer":
            raise Refusal(401, "unauthorized", "the bearer token is not known", headers=asks)
        return Caller(f"token {found.name}", found.scopes)

    @staticmethod
    def allow(caller: Caller, scope: str) -> None:
        """Refuse a caller who may not do what `scope` stands for."""
        if scope not in caller.scopes:
            raise Refusal(403, "forbidden", f"this needs the scope `{scope}`, which was not given")


def host_of(header: str) -> str:
    """Return the host of a Host header without its port, in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
