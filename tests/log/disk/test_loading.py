"""What a queue reads back at once is bounded in events and in bytes."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from sinkgraph.event import Batch, Event, Json
from sinkgraph.log.disk import loading
from sinkgraph.log.disk.chunk import encode
from sinkgraph.log.disk.places import row_key
from sinkgraph.log.disk.store import Store


def stored(directory: Path, count: int, size: int) -> Store:
    store = Store.open(str(directory))
    for k in range(count):
        batch = Batch.of([Event(data={"n": k, "pad": "x" * size}, id=str(k))])
        batch.seal()
        store.commit([(row_key(1, k), k + 1, 1, size, None, encode([batch]))])
    return store


def test_reading_stops_at_so_many_events_and_goes_on_from_there(tmp_path: Path) -> None:
    store = stored(tmp_path / "state", 200, 10)
    try:
        first = loading.load(store, [(1, 0, 200)], 150)
        assert [one.at for one in first] == list(range(150))
        rest = loading.load(store, [(1, 150, 200)], 150)
        assert [one.at for one in rest] == list(range(150, 200))
    finally:
        store.close()


def test_large_events_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    store = stored(tmp_path / "state", 300, 10_000)
    try:
        with patch.object(loading, "MOST_BYTES", 100_000):
            found = loading.load(store, [(1, 0, 300)], 1_000)
        assert 10 <= len(found) <= 10 + 64
        assert all(
            one.batch is not None and isinstance(one.batch.payloads[0], Json) for one in found
        )
    finally:
        store.close()
