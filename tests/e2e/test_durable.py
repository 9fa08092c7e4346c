"""What was answered as durable is there after a kill: the real process, the real disk."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.client import calling, request
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program, finished, until
from tests.support.registry import ENVELOPES, IDS, V1
from tests.support.webhook import Webhook

DURABLE = GRAPHS / "durable.yaml"

QUEUE = """
sinkgraph: 1
name: orders
vars: {hook_url: {}}
sources: {in: {kind: http, listen: "127.0.0.1:0", path: /events, to: NAME}}
sinks:
  NAME: {kind: queue, store: STORE, to: again}
  again: {kind: retry, backoff: {base: 50ms, cap: 200ms}, to: hook}
  hook: {kind: http, url: "${var:hook_url}"}
"""


def document(folder: Path, *, queue: str = "hold", store: str = "disk", more: str = "") -> Path:
    path = folder / "graph.yaml"
    path.write_text(QUEUE.replace("NAME", queue).replace("STORE", store) + more)
    return path


def run(folder: Path, path: Path, hook: Webhook, *more: str) -> Program:
    return Program("run", path, "--set", f"hook_url={hook.url}", *more, cwd=folder)


async def send(program: Program, bodies: list[bytes], worth: str, media: str = V1) -> None:
    async with calling(await program.port()) as client:
        for body in bodies:
            answer = await client.send(request(body, content_type=media))
            assert answer.status == 202
            assert answer.json == {"accepted": 1, "worth": worth}


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % n for n in range(first, first + count)]


async def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    args = ("--set", "listen=127.0.0.1:0", "--state-dir", str(tmp_path / "state"))
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, DURABLE, hook, *args) as program:
            await send(program, ENVELOPES[:60], "durable")
            program.signal(signal.SIGKILL)
            assert await program.ends() == -signal.SIGKILL
        await hook.up()
        async with run(tmp_path, DURABLE, hook, *args) as program:
            await program.says(r"hooks: 60 stored events recovered")
            await send(program, ENVELOPES[60:70], "durable")
            await until(lambda: len(hook.events) >= 70, "all arrived")
            assert await program.interrupted() == 0
    assert [entry["id"] for entry in hook.events] == IDS[:70]
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    written = [json.loads(line)["id"] for line in lines]
    waiting = ledger(program.err)["audit"].pending  # an interrupt does not wait for what is on disk
    distinct = list(dict.fromkeys(written))
    assert distinct == IDS[: len(distinct)]
    assert len(distinct) >= 70 - waiting, "each event is in the file, or said to wait for it"
    assert len(written) - len(distinct) <= 64, "repeated at most what was in flight"


async def test_what_is_kept_on_disk_is_not_lost_and_ends_well(tmp_path: Path) -> None:
    path = document(tmp_path)
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook, "--drain", "200ms") as program:
            await send(program, numbered(25), "durable", "application/json")
            assert await program.interrupted() == 0
        state = tmp_path / ".state" / "sinkgraph" / "orders"
        assert f"  state in {state}\n" in program.err
        assert f"25 events were kept in {state} for the next start:\n  hold: 25\n" in program.err
        assert "lost" not in program.err
        assert ledger(program.err)["hold"].pending == 25
        assert state.stat().st_mode & 0o777 == 0o700
        await hook.up()
        async with run(tmp_path, path, hook) as program:
            await program.says(r"hold: 25 stored events recovered")
            await until(lambda: len(hook.events) >= 25, "they are delivered now")
            assert await program.interrupted() == 0
    assert "kept in" not in program.err
    assert [event["n"] for event in hook.events] == list(range(25))


BOTH = """
sinkgraph: 1
name: orders
vars: {hook_url: {}}
sources: {in: {kind: http, listen: "127.0.0.1:0", path: /events, to: fan}}
sinks:
  fan: {kind: broadcast, to: [hold, buffer]}
  hold: {kind: queue, store: disk, to: again}
  buffer: {kind: queue, to: again}
  again: {kind: retry, backoff: {base: 50ms, cap: 200ms}, to: hook}
  hook: {kind: http, url: "${var:hook_url}"}
"""


async def test_a_second_interrupt_keeps_what_is_on_disk_and_saves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(BOTH)
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook, "--drain", "10m") as program:
            await send(program, numbered(5), "memory", "application/json")
            program.signal(signal.SIGINT)
            await program.says(r"draining: 5 pending")
            program.signal(signal.SIGINT)
            assert await program.ends() == 130
    assert "10 events were kept in" in program.err
    assert "  hold: 5\n" in program.err
    assert "  buffer: 5\n" in program.err
    assert "lost" not in program.err


async def test_an_interrupt_does_not_wait_for_what_is_on_disk(tmp_path: Path) -> None:
    path = document(tmp_path)
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook, "--drain", "10m") as program:
            await send(program, numbered(5), "durable", "application/json")
            assert await program.interrupted() == 0
    assert "5 events were kept in" in program.err
    assert "lost" not in program.err


ENDS = """
sinkgraph: 1
name: orders
vars: {hook_url: {}}
sources: {in: {kind: file, paths: [in.ndjson], to: hold}}
sinks:
  hold: {kind: queue, store: disk, to: again}
  again: {kind: retry, backoff: {base: 50ms, cap: 200ms}, to: hook}
  hook: {kind: http, url: "${var:hook_url}"}
"""


async def test_when_every_source_has_ended_the_disk_is_drained_too(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(ENDS)
    (tmp_path / "in.ndjson").write_bytes(b"\n".join(numbered(9)) + b"\n")
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook) as program:
            await program.says(r"draining: 9 pending")
            await hook.up()
            assert await program.ends() == 0
        assert [event["n"] for event in hook.events] == list(range(9))
    assert "kept in" not in program.err
    assert ledger(program.err)["hold"].delivered == 9


async def test_an_interrupt_ends_the_drain_of_what_is_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(ENDS)
    (tmp_path / "in.ndjson").write_bytes(b"\n".join(numbered(9)) + b"\n")
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook, "--drain", "10m") as program:
            await program.says(r"draining: 9 pending")
            assert await program.interrupted() == 0
    assert "9 events were kept in" in program.err


async def test_a_queue_in_memory_saves_its_rest_where_there_is_a_state_dir(tmp_path: Path) -> None:
    path = document(tmp_path, store="memory")
    state = ("--state-dir", str(tmp_path / "state"))
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook, "--drain", "200ms", *state) as program:
            await send(program, numbered(7), "memory", "application/json")
            assert await program.interrupted() == 0
        assert "7 events were kept in" in program.err
        await hook.up()
        async with run(tmp_path, path, hook, *state) as program:
            await until(lambda: len(hook.events) >= 7, "they are delivered now")
            assert await program.interrupted() == 0
    assert [event["n"] for event in hook.events] == list(range(7))


async def test_nothing_is_created_when_nothing_needs_it(tmp_path: Path) -> None:
    path = document(tmp_path, store="memory")
    async with Webhook() as hook, run(tmp_path, path, hook) as program:
        await send(program, numbered(1), "memory", "application/json")
        assert await program.interrupted() == 0
    assert sorted(os.listdir(tmp_path)) == [".run", "graph.yaml"]
    assert "state in" not in program.err


@pytest.fixture
async def stored(tmp_path: Path) -> Path:
    """Return the folder of a run whose queue `hold` left four events behind."""
    async with Webhook() as hook:
        await hook.down()
        path = document(tmp_path)
        async with run(tmp_path, path, hook, "--drain", "100ms") as program:
            await send(program, numbered(4), "durable", "application/json")
            assert await program.interrupted() == 0
    return tmp_path


@pytest.mark.parametrize("store", ["disk", "memory"])
async def test_stored_events_that_no_queue_claims_refuse_the_start(
    stored: Path, store: str
) -> None:
    async with Webhook() as hook:
        path = document(stored, queue="other", store=store)
        args = ("run", path, "--set", f"hook_url={hook.url}")
        refused = await finished(*args, cwd=stored)
        assert refused.code == 1
        assert "holds 4 events of queue hold, which is not in this graph" in refused.err
        assert "--fate hold=" in refused.err
        assert refused.err.endswith("nothing was started\n")
        wrong = await finished(*args, "--fate", "hodl=discard", cwd=stored)
        assert wrong.code == 1
        assert "did you mean hold?" in wrong.err
        usage = await finished(*args, "--fate", "hold=discrad", cwd=stored)
        assert usage.code == 2
        assert "names no fate: the nearest is `discard`" in usage.err
        async with run(stored, path, hook, "--fate", "hold=move_to:other") as program:
            await until(lambda: len(hook.events) >= 4, "the other queue has them")
            assert await program.interrupted() == 0
    assert sorted(event["n"] for event in hook.events) == [0, 1, 2, 3]


async def test_a_renamed_queue_takes_over_what_its_old_name_stored(stored: Path) -> None:
    text = QUEUE.replace("store: STORE", "store: disk, was: hold").replace("NAME", "held")
    (stored / "graph.yaml").write_text(text)
    async with Webhook() as hook, run(stored, stored / "graph.yaml", hook) as program:
        await program.says(r"held: 4 stored events recovered")
        await until(lambda: len(hook.events) >= 4, "they are delivered")
        assert await program.interrupted() == 0
    assert [event["n"] for event in hook.events] == [0, 1, 2, 3]


async def test_a_fate_without_a_state_dir_is_a_usage_error(tmp_path: Path) -> None:
    path = document(tmp_path, store="memory")
    args = ("--set", "hook_url=http://127.0.0.1:9/", "--fate", "hold=discard")
    refused = await finished("run", path, *args, cwd=tmp_path)
    assert refused.code == 2
    assert "this run has no state dir: give `--state-dir DIR`" in refused.err


async def test_a_second_run_on_the_same_state_names_the_first(tmp_path: Path) -> None:
    path = document(tmp_path)
    async with Webhook() as hook, run(tmp_path, path, hook) as program:
        await program.port()
        second = await finished("run", path, "--set", f"hook_url={hook.url}", cwd=tmp_path)
        assert second.code == 1
        assert f"is in use by process {program.process.pid}" in second.err
        assert second.err.endswith("nothing was started\n")
        assert "Traceback" not in second.err
        assert await program.interrupted() == 0


async def test_a_state_dir_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    path = document(tmp_path)
    blocked = tmp_path / "a file"
    blocked.touch()
    args = ("--set", "hook_url=http://127.0.0.1:9/", "--state-dir", blocked / "state")
    refused = await finished("run", path, *args, cwd=tmp_path)
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 2
    assert str(blocked) in refused.err
