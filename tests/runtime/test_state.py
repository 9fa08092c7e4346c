"""What becomes of stored events at a start, and of a start that cannot do it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import apsw
import pytest

import sinkgraph as sg
from sinkgraph.cli.show import journal_line
from sinkgraph.errors import StartFailed
from sinkgraph.log.disk import depot
from sinkgraph.log.disk.reserve import RESERVE_BYTES
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.testing import RecordingSink, VirtualDisk, World, simulate
from tests.support.virtual import virtual


def document(queue: str, capacity: int) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "fates",
        "sources": {"in": {"kind": "inlet", "to": queue}},
        "sinks": {
            queue: {"kind": "queue", "store": "disk", "to": "again"},
            "again": {"kind": "retry", "to": "hook"},
            "hook": {"kind": "http", "url": "http://nobody.test/"},
            "dead-letters": {"kind": "dead_letter", "capacity": capacity},
        },
    }


def test_a_fate_does_not_wait_for_room_among_the_dead_letters() -> None:
    fates = {"old": "dead_letter"}

    async def story(world: World) -> None:
        world.destination("http://nobody.test").down(0, 1000)
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            for n in range(3):
                await live.write({"n": n})
        async with world.run(document("new", 3), durable=True, fates=fates):
            pass
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            await live.write({"n": 3})
        with pytest.raises(
            StartFailed, match=r"fate old=dead_letter: dead-letters has no room for"
        ):
            async with world.run(document("new", 3), durable=True, fates=fates):
                raise AssertionError("not reached")
        async with world.run(document("new", 10), durable=True, fates=fates) as live:
            node = live.nodes["dead-letters"]
            assert isinstance(node, DeadLetters)
            letters = await node.letters()
            assert [(one.node, one.reason) for one in letters] == [("old", "node_removed")] * 4
            assert live.snapshot().residue == 0

    simulate(story)


@pytest.mark.parametrize("fate", ["discard", "dead_letter", "move_to:new"])
def test_a_fate_of_what_cannot_be_read_fails_the_start_after_a_while(
    fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise apsw.IOError("disk I/O error")

    async def story(world: World) -> None:
        world.destination("http://nobody.test").down(0, 1000)
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            await live.write({"n": 0})
        began = world.now
        with monkeypatch.context() as broken:
            broken.setattr(depot, "load", unreadable)
            with pytest.raises(StartFailed) as refused:
                async with world.run(document("new", 9), durable=True, fates={"old": fate}):
                    raise AssertionError("not reached")
        (reason,) = refused.value.reasons
        assert "events of old could not be read within 30 s: disk I/O error" in reason
        assert world.now - began < 60
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            assert live.snapshot()["old"].ledger.recovered == 1

    simulate(story)


def test_a_disk_that_does_not_answer_at_the_start_fails_it(tmp_path: Path) -> None:
    @virtual
    async def story() -> None:
        disk = VirtualDisk()
        disk.stall(asyncio.get_running_loop().time(), 1_000)
        with pytest.raises(StartFailed, match="the disk did not answer within 30 s"):
            async with sg.run(RecordingSink(), state_dir=tmp_path, disk=disk):
                raise AssertionError("not reached")
        await asyncio.sleep(2_000)

    story()


async def test_a_start_says_that_the_disk_has_no_room_to_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    async with sg.run(RecordingSink(), state_dir=tmp_path) as live:
        (short,) = [one for one in live.topology.journal.entries if one.kind == "disk_short"]
    assert short.facts["wanted_bytes"] == RESERVE_BYTES
    assert short.facts["free_bytes"] > 0
    line = journal_line(short)
    assert line is not None
    assert "little room is left on the disk" in line
    assert f"free_bytes={short.facts['free_bytes']}; wanted_bytes={RESERVE_BYTES}" in line
