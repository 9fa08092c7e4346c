"""Ctrl-C, SIGTERM, SIGHUP, SIGKILL and a closed pipe against the real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client import calling, post, request
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program, until
from tests.support.webhook import Webhook, reserved_socket

FANOUT = """
sinkgraph: 1
name: stopping
vars:
  listen: {default: "127.0.0.1:0"}
  hook_url: {}
sources:
  in: {kind: http, listen: "${var:listen}", path: /events, to: fan}
sinks:
  fan: {kind: broadcast, to: [audit, hooks]}
  audit: {kind: queue, to: {kind: file, path: audit.jsonl}}
  hooks:
    kind: endpoint
    url: "${var:hook_url}"
    backoff: {base: 50ms, cap: 200ms, jitter: none}
"""


def document(folder: Path, text: str = FANOUT) -> Path:
    path = folder / "graph.yaml"
    path.write_text(text)
    return path


def run(folder: Path, hook: Webhook, *more: str) -> Program:
    path = document(folder)
    return Program("run", path, "--set", f"hook_url={hook.url}", *more, cwd=folder)


async def send(port: int, count: int) -> None:
    async with calling(port) as client:
        for n in range(count):
            answer = await client.send(request(b'{"n":%d}' % n))
            assert answer.status == 202


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_drains_counts_down_and_ends_well(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with Webhook() as hook, run(tmp_path, hook) as program:
        hook.hold.clear()
        await send(await program.port(), 25)
        program.signal(number)
        said = await program.says(r"draining: (\d+) pending, (\d+) s left; Ctrl-C again stops")
        assert int(said[1]) >= 25
        assert int(said[2]) <= 25
        assert hook.seen == []
        hook.hold.set()
        assert await program.ends() == 0
    rows = ledger(program.err)
    assert rows["hooks.http"].delivered == 25
    assert sum(row.pending for row in rows.values()) == 0
    assert [one["n"] for one in hook.events] == list(range(25))
    kept = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["n"] for line in kept] == list(range(25))
    assert "lost" not in program.err


async def test_a_second_interrupt_stops_at_once_and_says_what_was_lost(tmp_path: Path) -> None:
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, hook, "--drain", "10m") as program:
            await send(await program.port(), 25)
            program.signal(signal.SIGINT)
            await program.says(r"draining: \d+ pending, \d+ s left")
            program.signal(signal.SIGINT)
            assert await program.ends() == 130
    assert "stopping at once" in program.err
    assert "25 events were still pending in memory and lost:\n  hooks: 25\n" in program.err
    rows = ledger(program.err)
    assert (rows["hooks"].pending, rows["audit.file"].delivered) == (25, 25)
    assert "Traceback" not in program.err


async def test_a_drain_that_does_not_end_says_what_was_lost_and_fails(tmp_path: Path) -> None:
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, hook, "--drain", "300ms") as program:
            await send(await program.port(), 3)
            assert await program.interrupted() == 1
    assert "3 events were still pending in memory and lost:\n  hooks: 3\n" in program.err
    ledger(program.err)


async def test_while_it_drains_nothing_more_is_taken_in(tmp_path: Path) -> None:
    async with Webhook() as hook, run(tmp_path, hook) as program:
        hook.hold.clear()
        port = await program.port()
        async with calling(port) as client:
            assert (await client.send(request('{"n":0}'))).status == 202
            program.signal(signal.SIGTERM)
            await program.says("draining: ")
            answer = await client.send(request('{"n":1}'))
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
        hook.hold.set()
        assert await program.ends() == 0
    assert [one["n"] for one in hook.events] == [0]


async def test_an_interrupt_with_nothing_pending_ends_without_a_countdown(tmp_path: Path) -> None:
    async with Webhook() as hook, run(tmp_path, hook) as program:
        await program.port()
        assert await program.interrupted() == 0
    assert "draining" not in program.err
    assert ledger(program.err)["in"].entered == 0


async def test_a_storm_of_hangups_reloads_a_few_times_and_changes_nothing(tmp_path: Path) -> None:
    async with Webhook() as hook, run(tmp_path, hook) as program:
        port = await program.port()
        for _ in range(100):
            program.signal(signal.SIGHUP)
        await program.says("reloaded, and nothing changed")
        await send(port, 3)
        for _ in range(100):
            program.signal(signal.SIGHUP)
        await until(lambda: len(hook.seen) == 3, "events are delivered all the same")
        assert await program.interrupted() == 0
    assert 1 <= program.err.count("by=SIGHUP") <= 50
    assert ledger(program.err)["hooks.http"].delivered == 3


async def test_stopped_and_continued_it_goes_on(tmp_path: Path) -> None:
    async with Webhook() as hook, run(tmp_path, hook) as program:
        port = await program.port()
        program.signal(signal.SIGSTOP)  # SIGTSTP is dropped where no shell watches the group
        pid = program.process.pid
        state = Path(f"/proc/{pid}/stat")
        if state.exists():  # noqa: ASYNC240
            await until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "stopped")
        sending = asyncio.ensure_future(send(port, 3))
        program.signal(signal.SIGCONT)
        await sending
        await until(lambda: len(hook.seen) == 3, "events are delivered")
        assert await program.interrupted() == 0


async def test_killed_it_starts_again_on_the_same_port_with_nothing_stale(tmp_path: Path) -> None:
    with reserved_socket() as reserved:
        port = reserved.getsockname()[1]
        await killed_and_started_again(tmp_path, port)


async def killed_and_started_again(tmp_path: Path, port: int) -> None:
    listen = ("--set", f"listen=127.0.0.1:{port}")
    async with Webhook() as hook:
        async with run(tmp_path, hook, *listen) as program:
            assert await program.port() == port
            await send(port, 5)
            await until(lambda: len(hook.seen) == 5, "all are delivered")
            program.signal(signal.SIGKILL)
            assert await program.ends() == -signal.SIGKILL
        async with run(tmp_path, hook, *listen) as again:
            assert await again.port() == port
            await send(port, 5)
            await until(lambda: len(hook.seen) == 10, "all are delivered")
            assert await again.interrupted() == 0
    assert ledger(again.err)["hooks.http"].entered == 5
    kept = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["n"] for line in kept] == [*range(5), *range(5)]
    assert sorted(os.listdir(tmp_path)) == [".run", "audit.jsonl", "graph.yaml"]


ENDLESS = """
sinkgraph: 1
name: endless
sources:
  made: {kind: generate, rate: 2000/s, event: {n: 1}, to: %s}
sinks:
  held: {kind: queue, to: out}
  out: {kind: stdout}
"""


@pytest.mark.parametrize("to", ["held", "out"])
async def test_a_closed_pipe_ends_it_quietly(tmp_path: Path, to: str) -> None:
    text = ENDLESS % to
    if to == "out":
        text = text.replace("  held: {kind: queue, to: out}\n", "")
    path = document(tmp_path, text)
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sinkgraph", "run", str(path), "--quiet",
        stdout=writing, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    try:
        os.close(writing)
        first = await asyncio.to_thread(os.read, reading, 10)
        os.close(reading)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert first.startswith(b'{"n":1}')
    assert process.returncode == 141
    assert err == b""


async def test_nobody_reading_stderr_stops_no_event(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sinkgraph", "run", str(GRAPHS / "hello.yaml"),
        stdout=subprocess.PIPE, stderr=writing, stdin=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    try:
        os.close(writing)
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert len(out.splitlines()) == 10


async def test_an_answered_request_survives_a_stop(tmp_path: Path) -> None:
    """Requests race with a SIGTERM: what was answered 202 is delivered, what was not, is not."""
    async with Webhook() as hook, run(tmp_path, hook) as program:
        port = await program.port()
        accepted: list[int] = []

        async def client(first: int) -> None:
            for n in range(first, first + 100_000):
                try:
                    answer = await post(port, b'{"n":%d}' % n)
                except (OSError, asyncio.IncompleteReadError):
                    return
                if answer.status != 202:
                    return
                accepted.append(n)

        clients = [asyncio.ensure_future(client(k * 100_000)) for k in range(4)]
        await until(lambda: len(accepted) > 50, "some are accepted")
        program.signal(signal.SIGTERM)
        await asyncio.gather(*clients)
        assert await program.ends() == 0
    ledger(program.err)
    assert sorted(one["n"] for one in hook.events) == sorted(accepted)


UNGUARDED = """
sinkgraph: 1
name: unguarded
vars: {hook_url: {}}
sources:
  lines: {kind: stdin, to: again}
sinks:
  again: {kind: retry, backoff: {base: 100ms, cap: 200ms}, to: hook}
  hook: {kind: http, url: "${var:hook_url}"}
"""


async def test_a_destination_that_fails_and_recovers_is_told_of(tmp_path: Path) -> None:
    path = document(tmp_path, UNGUARDED)
    async with Webhook(status=500) as hook:
        args = ("run", path, "--set", f"hook_url={hook.url}")
        async with Program(*args, cwd=tmp_path, stdin=b'{"n":1}\n{"n":2}\n') as program:
            await program.says(r"\d\d:\d\d:\d\d again: degraded; .*500")
            hook.status = 200
            assert await program.ends() == 0
    assert sorted(one["n"] for one in hook.events) == [1, 2]


async def test_lines_read_and_not_taken_are_said_to_be_lost(tmp_path: Path) -> None:
    path = document(tmp_path, UNGUARDED)
    async with Webhook(status=500) as hook:
        args = ("run", path, "--drain", "200ms", "--set", f"hook_url={hook.url}")
        async with Program(*args, cwd=tmp_path, stdin=b'{"n":1}\n{"n":2}\n') as program:
            await until(lambda: hook.refused, "it is tried")
            await program.interrupted()
    assert "2 events were read by lines and lost" in program.err


@pytest.mark.parametrize("closed", [0, 1, 2])
async def test_a_standard_stream_that_is_closed_does_not_become_another_file(
    tmp_path: Path, closed: int
) -> None:
    text = ENDLESS.replace("rate: 2000/s", "rate: 100/s, count: 20") % "held"
    shell = f'exec "$0" "$@" {closed}{"<" if closed == 0 else ">"}&-'
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", shell, sys.executable, "-m", "sinkgraph", "run",
        str(document(tmp_path, text)), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == (141 if closed == 1 else 0)
    assert len(out.splitlines()) == (0 if closed == 1 else 20)
    assert b"Traceback" not in err
