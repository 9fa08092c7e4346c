"""A reload that is refused has changed nothing, and has left nothing behind (P10)."""

from __future__ import annotations

import asyncio
import copy
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sinkgraph
from sinkgraph.runtime.outcome import Applied, Refused
from sinkgraph.runtime.reload import Reload
from sinkgraph.sinks.base import Node
from tests.support.digests import state_digest
from tests.support.leaks import open_files
from tests.support.scale import rounds, seeded

Document = dict[str, Any]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def running(directory: Path, port: int) -> Document:
    """Return a document with something of everything that is acquired."""
    (directory / "in.ndjson").write_text("")
    return {
        "sinkgraph": 1,
        "name": "stays",
        "sources": {
            "in": {"kind": "inlet", "to": "fan"},
            "web": {"kind": "http", "listen": f"127.0.0.1:{port}", "to": "fan"},
            "tail": {
                "kind": "file",
                "paths": [str(directory / "in.ndjson")],
                "follow": True,
                "to": "fan",
            },
        },
        "sinks": {
            "fan": {"kind": "broadcast", "to": ["kept", "stored"]},
            "kept": {"kind": "queue", "to": "retry", "dead_letter": "grave"},
            "retry": {"kind": "retry", "to": "log", "breaker": {"failure_threshold": 3}},
            "log": {"kind": "file", "path": "out.ndjson"},
            "stored": {"kind": "queue", "store": "disk", "to": "hole"},
            "hole": {"kind": "blackhole"},
            "grave": {"kind": "dead_letter"},
        },
    }


def everything_else(before: Document, directory: Path) -> Document:
    """Return a document in which every node is another, and more are new."""
    after = copy.deepcopy(before)
    sources, sinks = after["sources"], after["sinks"]
    sources["web"]["listen"] = f"127.0.0.1:{free_port()}"
    (directory / "other.ndjson").write_text("")
    sources["tail"]["paths"] = [str(directory / "other.ndjson")]
    sinks["fan"]["to"] = ["kept", "renamed", "new"]
    sinks["renamed"] = {**sinks.pop("stored"), "was": "stored", "store": "memory"}
    sinks["kept"] |= {"store": "disk", "capacity": 7, "order_by": "data.n", "concurrency": 3}
    sinks["retry"]["breaker"] = {"failure_threshold": 9}
    sinks["log"]["path"] = "elsewhere.ndjson"
    sinks["new"] = {"kind": "queue", "store": "disk", "to": "new-log", "dead_letter": "new-grave"}
    sinks["new-log"] = {"kind": "file", "path": "new.ndjson"}
    sinks["new-grave"] = {"kind": "dead_letter"}
    sources["more"] = {"kind": "http", "listen": f"127.0.0.1:{free_port()}", "to": "new"}
    return after


def tasks() -> list[str]:
    return sorted(
        task.get_name() for task in asyncio.all_tasks() if not task.get_name().startswith("Task-")
    )


async def begin(live: Any) -> None:
    """Have everything open that opens with the first event."""
    await live.write({"n": 0})
    assert await live.drain(10)
    await asyncio.sleep(0.1)


async def hold_still() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)


class Still:
    """Holds that a graph is what it was when this was made."""

    def __init__(self, live: Any) -> None:
        self._live = live
        self._digest = state_digest(live)
        self._files, self._tasks = sorted(open_files().values()), tasks()

    async def check(self) -> None:
        await hold_still()
        after = state_digest(self._live)
        for name, value in self._digest.items():
            assert after[name] == value, name
        assert sorted(open_files().values()) == self._files
        assert tasks() == self._tasks


def wrong_nodes() -> list[Callable[[Document], None]]:
    """Return ways to make a document invalid."""

    def sink(name: str, **fields: Any) -> Callable[[Document], None]:
        def change(document: Document) -> None:
            node = document["sinks"].setdefault(name, {})
            node |= fields

        return change

    def drop(name: str) -> Callable[[Document], None]:
        return lambda document: document["sinks"].pop(name)

    return [
        sink("kept", to="nowhere"),
        sink("kept", capacity=0),
        sink("kept", capacity="many"),
        sink("kept", store="tape"),
        sink("kept", colour="red"),
        sink("retry", to="kept"),
        sink("retry", breaker={"failure_threshold": -1}),
        sink("retry", backoff={"base": "5"}),
        sink("log", path=""),
        sink("log", kind="fil"),
        sink("hole", kind="http"),
        sink("extra", kind="filter", where="data.n >", to="hole"),
        sink("extra", kind="http", url="gopher://h"),
        sink("extra", kind="queue", to="extra"),
        sink("stored", was="kept"),
        sink("Kept", kind="queue", to="hole"),
        drop("fan"),
        drop("log"),
        lambda document: document.pop("sinkgraph"),
        lambda document: document["sources"]["web"].update(listen="127.0.0.1:99999"),
        lambda document: document["sources"]["web"].update(to="nowhere"),
        lambda document: document.update(sinks=[]),
    ]


async def test_documents_that_are_wrong_change_nothing(tmp_path: Path) -> None:
    port, chance = free_port(), seeded("wrong documents")
    before = running(tmp_path, port)
    ways = wrong_nodes()
    async with sinkgraph.run(before, state_dir=tmp_path / "state") as live:
        await begin(live)
        still = Still(live)
        for k in range(rounds(200, most=2_000)):
            wrong = everything_else(before, tmp_path) if chance.random() < 0.5 else before
            wrong = copy.deepcopy(wrong)
            applicable = chance.sample(ways, chance.randint(1, 3))
            if k < len(ways):
                applicable, wrong = [ways[k]], copy.deepcopy(before)
            for change in applicable:
                try:
                    change(wrong)
                except (AttributeError, KeyError, TypeError):
                    continue
            result = await live.reload(wrong)
            if isinstance(result, Applied):  # two changes may make up for each other
                pytest.fail(f"{wrong} was applied")
            assert result.diagnostics or result.reasons
        await still.check()
        await live.write({"n": 2})
        assert await live.drain(10)
        assert live.generation == 1
    lines = (tmp_path / "state" / "out.ndjson").read_text().splitlines()
    assert lines == ['{"n":0}', '{"n":2}']


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_fault_at_any_step_of_acquiring_changes_nothing(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = running(tmp_path, free_port())
    after = everything_else(before, tmp_path)
    monkeypatch.setattr("sinkgraph.runtime.reload.PROVISION_S", 0.05)
    async with sinkgraph.run(before, state_dir=tmp_path / "state") as live:
        await begin(live)
        still = Still(live)
        steps, step = 0, 0
        while True:
            with monkeypatch.context() as patch:
                _trip_in(patch, _Trap(step, how))
                result = await live.reload(after)
            if isinstance(result, Applied):
                break
            assert isinstance(result, Refused)
            assert result.reasons
            await still.check()
            step += 1
            steps = max(steps, step)
        assert steps >= 8
        await live.write({"n": 1})
        assert await live.drain(10)
        assert live.generation == 2


class _Trap:
    """Fails, or never answers, when it is asked for the time after `step` others."""

    def __init__(self, step: int, how: str) -> None:
        self._left = step
        self._how = how

    async def __call__(self) -> None:
        self._left -= 1
        if self._left == -1:
            if self._how == "hangs":
                await asyncio.get_running_loop().create_future()
            raise OSError(5, "it failed")


def _trip_in(patch: pytest.MonkeyPatch, trip: Callable[[], Any]) -> None:
    """Let every step of acquiring ask `trip` first, and after it was made."""
    import sinkgraph.runtime.provisioning as provisioning
    import sinkgraph.runtime.reload as reload

    acquire = provisioning.acquire

    async def tripped(node: Node, acquiring: Any) -> list[str]:
        async def both() -> None:
            try:
                await trip()
            except BaseException:
                acquiring.close()
                raise
            await acquiring
            await trip()

        return await acquire(node, both())

    patch.setattr(provisioning, "acquire", tripped)
    patch.setattr(reload, "acquire", tripped)


async def test_a_caller_that_is_cancelled_changes_nothing_or_everything(tmp_path: Path) -> None:
    before = running(tmp_path, free_port())
    async with sinkgraph.run(before, state_dir=tmp_path / "state") as live:
        await begin(live)
        chance = seeded("cancelled callers")
        for _ in range(rounds(20, most=500)):
            still, generation = Still(live), live.generation
            task = asyncio.ensure_future(live.reload(everything_else(before, tmp_path)))
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            await asyncio.sleep(chance.choice([0, 0.002, 0.01, 0.03]))
            task.cancel()
            await asyncio.wait([task])
            if live.generation == generation:
                await still.check()
                continue
            assert isinstance(await live.reload(before), Applied)
            while live.topology.retiring:
                await asyncio.wait(list(live.topology.retiring))
            await hold_still()
        await live.write({"n": 1})
        assert await live.drain(10)


async def test_every_reason_is_told_and_a_busy_port_is_one(tmp_path: Path) -> None:
    before = running(tmp_path, free_port())
    after = everything_else(before, tmp_path)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        after["sources"]["more"]["listen"] = f"127.0.0.1:{busy.getsockname()[1]}"
        after["sources"]["web"]["listen"] = after["sources"]["more"]["listen"]
        after["sources"]["web"]["path"] = "/web"
        async with sinkgraph.run(before, state_dir=tmp_path / "state") as live:
            await begin(live)
            still = Still(live)
            result = await live.reload(after)
            assert isinstance(result, Refused)
            said = str(result)
            assert "http more" in said
            assert "http web" in said
            await still.check()


def test_all_of_a_reload_is_in_one_step() -> None:
    assert not asyncio.iscoroutinefunction(Reload.commit)
