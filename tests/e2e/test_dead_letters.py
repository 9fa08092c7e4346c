"""Dead letters from end to end: they die in one run, are replayed offline, arrive in the next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.support.program import Program, finished, until
from tests.support.webhook import Webhook

DOCUMENT = """
sinkgraph: 1
name: orders
vars: {hook_url: {}, field: {}}
sources: {in: {kind: stdin, to: choose}}
sinks:
  choose: {kind: filter, where: "data.FIELD > 0", to: hold}
  hold: {kind: queue, store: disk, to: again}
  again:
    kind: retry
    backoff: {base: 10ms, cap: 20ms}
    max_attempts: 2
    give_up_after: 1ms
    to: hook
  hook: {kind: http, url: "${var:hook_url}", timeout: 5s}
"""
LINES = b"".join(b'{"n":%d,"amount":1}\n' % n for n in range(12))


def document(folder: Path, field: str) -> Path:
    path = folder / "graph.yaml"
    path.write_text(DOCUMENT.replace("FIELD", field).replace(", field: {}", ""))
    return path


def run(folder: Path, path: Path, url: str, stdin: bytes = b"") -> Program:
    args = ("--set", f"hook_url={url}", "--state-dir", str(folder / "state"))
    return Program("run", path, *args, cwd=folder, stdin=stdin)


async def dlq(folder: Path, *args: str) -> Program:
    return await finished("dlq", *args, "--state-dir", str(folder / "state"), cwd=folder)


async def test_letters_of_an_endpoint_that_was_down_arrive_after_a_replay(tmp_path: Path) -> None:
    path = document(tmp_path, "amount")
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook.url, LINES) as program:
            assert await program.ends() == 0
        made = json.loads((await dlq(tmp_path, "ls", "--json")).out)
        (group,) = made["groups"]
        assert (group["node"], group["reason"], group["count"]) == ("again", "gave_up", 12)
        shown = (await dlq(tmp_path, "show", "1")).out.decode()
        assert "path      in → choose → hold → again" in shown
        replayed = await dlq(tmp_path, "replay", "--node", "again", "--expect", "12")
        assert replayed.code == 0
        assert b"  into again: 12 events\n" in replayed.out
        assert json.loads((await dlq(tmp_path, "ls", "--json")).out)["count"] == 0
        await hook.up()
        async with run(tmp_path, path, hook.url) as program:
            assert await program.ends() == 0
            assert "replay ended" in program.err
    assert [one["n"] for one in hook.events] == list(range(12))


async def test_what_a_document_made_die_passes_once_it_is_corrected(tmp_path: Path) -> None:
    async with Webhook() as hook:
        async with run(tmp_path, document(tmp_path, "amuont"), hook.url, LINES) as program:
            assert await program.ends() == 0
        assert hook.events == []
        assert (await dlq(tmp_path, "replay", "--reason", "expression_error")).code == 0
        async with run(tmp_path, document(tmp_path, "amount"), hook.url) as program:
            assert await program.ends() == 0
    assert [one["n"] for one in hook.events] == list(range(12))


async def test_a_replay_goes_on_in_the_next_run_and_is_told_of(tmp_path: Path) -> None:
    path = document(tmp_path, "amount")
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, path, hook.url, LINES) as program:
            assert await program.ends() == 0
        assert (await dlq(tmp_path, "replay", "--all", "--rate", "5/s")).code == 0
        await hook.up()
        async with run(tmp_path, path, hook.url) as program:
            await until(lambda: len(hook.events) >= 2, "some arrived")
            assert await program.interrupted() == 0
            assert "replay/again" in program.err
        some = len(hook.events)
        assert some < 12
        assert (
            await finished("queue", "ls", "--state-dir", str(tmp_path / "state"), cwd=tmp_path)
        ).out.count(b"replay/again (replay)") == 1
        async with run(tmp_path, path, hook.url) as program:
            assert await program.ends() == 0
    got = [one["n"] for one in hook.events]
    assert sorted(set(got)) == list(range(12))
    assert len(got) - 12 <= 1, "at most what was in flight at the stop"


async def test_the_offline_commands_are_kept_out_while_a_run_goes_on(tmp_path: Path) -> None:
    path = document(tmp_path, "amount")
    async with Webhook() as hook:
        args = ("--set", f"hook_url={hook.url}", "--state-dir", str(tmp_path / "state"))
        async with Program("run", path, *args, cwd=tmp_path, keep_stdin=True) as program:
            await program.says("press Ctrl-C")
            busy, looked = await asyncio.gather(
                dlq(tmp_path, "replay", "--all"), dlq(tmp_path, "ls")
            )
            assert busy.code == 1
            assert f"in use by process {program.process.pid}: stop that first" in busy.err
            assert looked.code == 0
            assert await program.interrupted() == 0
