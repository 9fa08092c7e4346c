"""Chunks as a queue reads them back: rows of the store, decoded on the disk's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sinkgraph.event import Batch
from sinkgraph.log.disk.places import row_key
from sinkgraph.log.disk.shelf import Loaded

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import Store

__all__ = ["MOST_BYTES", "load"]

MOST_BYTES = 16 * 1024**2
_AT_ONCE = 64


def load(store: Store, wanted: Sequence[tuple[int, int, int]], most: int) -> list[Loaded]:
    """Read chunks of several logs, `(log, from, until)`, about `most` events of each; it blocks.

    Of one log no more than about MOST_BYTES of payload are read. A damaged chunk comes without its
    events.
    """
    found: list[Loaded] = []
    for log, at, until in wanted:
        left, room = most, MOST_BYTES
        while left > 0 and room > 0 and at < until:
            rows = store.read(log, at, most=min(left, _AT_ONCE), until=until)
            for row in rows:
                batch = _decoded(row.body, row_key(row.log, row.at), row.n)
                found.append(Loaded(row.log, row.at, row.seq, row.n, row.size, row.takers, batch))
                at, left, room = row.at + row.n, left - row.n, room - row.size
            if not rows:
                break
    return found


def _decoded(body: bytes | None, places: int, n: int) -> Batch | None:
    from sinkgraph.log.disk.chunk import decode

    if body is None:
        return None
    try:
        batch = decode(body, places)
    except Exception:  # whatever a damaged body makes of the decoder
        return None
    return batch if len(batch) == n else None
