"""A batch as lines of text, with the events that cannot be one set apart.

It writes nothing: the file and the stdout sink share how they encode and what they owe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sinkgraph.errors import Owed, PartialWrite, Rejected
from sinkgraph.event import Batch, Event
from sinkgraph.formats.encode import line_of, ndjson
from sinkgraph.formats.json_text import one_line

__all__ = ["LineFormat", "Lines", "encode_lines"]

LineFormat = Literal["ndjson", "lines"]
Write = Callable[[Sequence[Event]], Any]


@dataclass(frozen=True, slots=True)
class Lines:
    """Is the text of a batch, and which of its events have no line."""

    text: bytes
    good: Sequence[int]
    bad: tuple[tuple[int, Rejected], ...] = ()

    @property
    def pieces(self) -> list[bytes]:
        """The lines one by one, each with its end."""
        return [line + b"\n" for line in self.text.split(b"\n")[:-1]]

    def raise_bad(self, batch: Batch, write: Write) -> None:
        """Raise what is owed for the events without a line, after the others were written."""
        if not self.bad:
            return
        if len(batch) == 1:
            raise self.bad[0][1]
        raise PartialWrite(self._owed(batch, write))

    def failed(self, batch: Batch, write: Write, error: Exception) -> Exception:
        """Return what to raise when writing the good lines failed."""
        if not self.bad:
            return error
        good = [Owed(write, batch.pick(self.good), error)] if self.good else []
        return PartialWrite([*good, *self._owed(batch, write)])

    def _owed(self, batch: Batch, write: Write) -> list[Owed]:
        return [Owed(write, batch.pick([k]), error) for k, error in self.bad]


def encode_lines(batch: Batch, wire: LineFormat) -> Lines:
    """Return a batch as lines: `ndjson`, or `lines` (text as it is, all else as JSON)."""
    try:
        if wire == "ndjson":
            return Lines(ndjson(batch.json()), range(len(batch)))
        return Lines(b"".join(map(line_of, batch.payloads)), range(len(batch)))
    except Rejected:
        pass
    texts: list[bytes] = []
    good: list[int] = []
    bad: list[tuple[int, Rejected]] = []
    for k in range(len(batch)):
        part = batch[k : k + 1]
        try:
            if wire == "ndjson":
                texts.append(one_line(part.json()[0]) + b"\n")
            else:
                texts.append(line_of(part.payloads[0]))
            good.append(k)
        except Rejected as error:
            bad.append((k, error))
    return Lines(b"".join(texts), good, tuple(bad))
