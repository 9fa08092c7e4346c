"""What a plan says of the events of a queue that leaves is what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sinkgraph as sg
from sinkgraph.log.disk import offline
from sinkgraph.log.disk.store import Store
from sinkgraph.runtime.outcome import Applied
from tests.support.program import until

HELD = {"kind": "channel", "capacity": 0}


def document(sinks: dict[str, Any]) -> dict[str, Any]:
    queues = [name for name, node in sinks.items() if node["kind"] == "queue"]
    every = {"all": {"kind": "broadcast", "to": queues}, **sinks, "held": HELD}
    source = {"in": {"kind": "inlet", "to": "all"}}
    return {"sinkgraph": 1, "name": "t", "sources": source, "sinks": every}


def queue(**fields: Any) -> dict[str, Any]:
    return {"kind": "queue", "to": "held", **fields}


async def test_events_move_to_the_queue_that_was_renamed_in_the_same_reload() -> None:
    old = document({"q": queue(on_remove={"move_to": "r"}), "r": queue()})
    new = document({"s": queue(was="r")})
    async with sg.run(old, drain=0.1) as live:
        await live.write({"n": 1})
        applied = await live.reload(new)
        assert isinstance(applied, Applied), str(applied)
        assert applied.plan.of("q").fate == "move_to:s"
        await until(lambda: live.snapshot().nodes["s"].depth == 2)


@pytest.mark.parametrize("fate", ["keep", "drain"])
async def test_events_that_are_kept_stay_on_disk(tmp_path: Path, fate: str) -> None:
    old = document({"q": queue(store="disk"), "r": queue()})
    async with sg.run(old, state_dir=tmp_path, drain=0.1) as live:
        await live.write({"n": 1})
        applied = await live.reload(document({"r": queue()}), fates={"q": fate})
        assert applied, str(applied)
    store = Store.open(str(tmp_path), read_only=True)
    try:
        assert offline.held(store)["q"].pending == 1
    finally:
        store.close()
