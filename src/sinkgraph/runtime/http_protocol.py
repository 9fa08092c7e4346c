"""How answers are read off a connection where aiohttp alone would lose one.

It imports aiohttp; `runtime.network` imports it on first use.
"""

from __future__ import annotations

from aiohttp.client_proto import ResponseHandler

__all__ = ["AnswerReader"]

_NO_CONTENT = frozenset({b"204", b"304"})


class AnswerReader(ResponseHandler):
    """Reads answers; a body that must not be there costs the connection, not the answer.

    After a 204 or 304 no content follows (RFC 9110, 15.3.5). The parser takes what a server sends
    all the same for the next answer, fails on it, and with that the status it had read is lost:
    a delivered event would be sent again and again.
    """

    def data_received(self, data: bytes) -> None:
        """Take bytes; cut what follows the head of an answer without content."""
        if data[9:12] in _NO_CONTENT and data.startswith(b"HTTP/1."):
            end = data.find(b"\r\n\r\n") + 4
            if 4 <= end < len(data):
                self.force_close()
                data = data[:end]
        super().data_received(data)
