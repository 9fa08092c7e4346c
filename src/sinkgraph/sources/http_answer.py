"""What a request is answered: a status, a JSON body, and the bytes of both.

It decides nothing and writes to no socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

__all__ = ["Answer"]

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 205, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """Is a status and a JSON body; `close` ends the connection after it."""

    status: int
    content: dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False

    @classmethod
    def error(cls, status: int, reason: str, *headers: tuple[str, str]) -> Answer:
        """Return an answer that says what was wrong."""
        return cls(status, {"error": reason}, headers)

    def encode(self, *, body: bool = True, close: bool = False) -> bytes:
        """Return the bytes of the answer."""
        content = b"" if self.status in _BODILESS else msgspec.json.encode(self.content)
        length = [] if self.status in _BODILESS else [f"content-length: {len(content)}"]
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Other')}",
            "content-type: application/json",
            *length,
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if close or self.close:
            lines.append("connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        return head + content if body else head
