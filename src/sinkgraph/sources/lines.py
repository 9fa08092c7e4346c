"""Bytes to lines of bounded length, and lines to payloads.

It reads no file: the file and the stdin source share how they cut and decode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sinkgraph.formats.cloudevents import decode_cloud_event
from sinkgraph.formats.docker import decode_envelope
from sinkgraph.formats.json_text import BadJson, parse_json
from sinkgraph.formats.limits import MIB, BadBody, Limits

__all__ = ["BadLine", "Decoded", "LineCutter", "LineFormat", "LongLine", "decode_lines"]

LineFormat = Literal["ndjson", "lines"]
KEPT_OF_LONG = 1024


class LongLine(bytes):
    """Is the beginning of a line that is too long; `size` is how long it is, in bytes."""

    size: int = 0


class LineCutter:
    """Cuts a stream of bytes at line breaks and never holds more than `longest` of a line."""

    __slots__ = ("_head", "_rest", "_skipped", "longest")

    def __init__(self, longest: int = MIB) -> None:
        self.longest = longest
        self._rest = b""
        self._head = b""
        self._skipped = 0  # bytes of a line that is too long, so far; 0 when in none

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now, without their breaks."""
        if self._skipped:
            end = data.find(b"\n")
            if end < 0:
                self._skipped += len(data)
                return []
            first = _long(self._head, self._skipped + end)
            self._skipped = 0
            return [first, *self.feed(data[end + 1 :])]
        lines = (self._rest + data).split(b"\n")
        rest = lines.pop()
        if len(rest) > self.longest:
            self._head, self._skipped, self._rest = rest[:KEPT_OF_LONG], len(rest), b""
        else:
            self._rest = rest
        if lines and max(map(len, lines)) > self.longest:
            return [
                _long(line[:KEPT_OF_LONG], len(line)) if len(line) > self.longest else line
                for line in lines
            ]
        return lines

    @property
    def begun(self) -> int:
        """How many bytes of a line without its break were fed."""
        return self._skipped or len(self._rest)

    def finish(self) -> list[bytes]:
        """Return the last line when it has no break, and begin anew."""
        if self._skipped:
            last: list[bytes] = [_long(self._head, self._skipped)]
        else:
            last = [self._rest] if self._rest else []
        self._rest, self._skipped = b"", 0
        return last


def _long(head: bytes, size: int) -> LongLine:
    line = LongLine(head[:KEPT_OF_LONG])
    line.size = size
    return line


def line_size(line: bytes) -> int:
    """Return how many bytes of the stream a line stands for, without its break."""
    return line.size if isinstance(line, LongLine) else len(line)


@dataclass(frozen=True, slots=True)
class BadLine:
    """Is a line that is no event: its bytes (the beginning, when too long) and why."""

    text: bytes
    reason: str


@dataclass(slots=True)
class Decoded:
    """Holds what lines were: payloads or events to hand on, and what could not be read."""

    values: list[Any] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


def decode_lines(
    lines: Sequence[bytes],
    wire: LineFormat,
    limits: Limits,
    *,
    registry: bool = False,
    cloud_events: bool = False,
    received: float = 0.0,
) -> Decoded:
    """Return what lines hold; blank ones hold nothing.

    `ndjson`: a JSON value each. `lines`: text each, or bytes where it is not UTF-8. With
    `registry`, a line that is a registry's notification becomes one event for each entry; with
    `cloud_events` every line is a CloudEvent.
    """
    decoded = Decoded()
    values, bad = decoded.values, decoded.bad
    for line in lines:
        if not line or line.isspace():
            continue
        if line.__class__ is LongLine:
            reason = f"the line is {line_size(line)} bytes long, more than is read"
            bad.append(BadLine(bytes(line), reason))
        elif wire == "lines":
            values.append(_text(line[:-1] if line.endswith(b"\r") else line))
        elif registry and b'"events"' in line:
            _decode_notification(line, limits, received, decoded)
        else:
            try:
                values.append(
                    decode_cloud_event(line, limits, received=received, own=True)
                    if cloud_events
                    else parse_json(line, limits)
                )
            except BadJson as error:
                bad.append(BadLine(line, str(error)))
    return decoded


def _decode_notification(line: bytes, limits: Limits, received: float, into: Decoded) -> None:
    try:
        into.values += decode_envelope(line, limits, received=received)
    except BadBody as error:
        reasons = [f"entry {item.index}: {item.reason}" for item in error.items]
        into.bad.append(BadLine(line, "; ".join([error.reason, *reasons[:10]])))


def _text(line: bytes) -> str | bytes:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line
