"""What a killed process left is shown, exported and drained by the real command, in its order."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tests.support.client import calling, request
from tests.support.program import Program, until
from tests.support.webhook import Webhook

GRAPH = """
sinkgraph: 1
name: orders
vars: {hook_url: {}}
sources: {in: {kind: http, listen: "127.0.0.1:0", path: /events, to: fan}}
sinks:
  fan: {kind: broadcast, to: [even, all]}
  even: {kind: filter, where: "data.n % 2 == 0", to: evens}
  evens: {kind: queue, store: disk, to: {kind: http, url: "http://127.0.0.1:1/"}}
  all: {kind: queue, store: disk, to: again}
  again: {kind: retry, backoff: {base: 50ms, cap: 200ms}, to: hook}
  hook: {kind: http, url: "${var:hook_url}"}
"""


def run(folder: Path, hook: Webhook) -> Program:
    path = folder / "graph.yaml"
    path.write_text(GRAPH)
    return Program("run", path, "--set", f"hook_url={hook.url}", cwd=folder, env=own(folder))


def own(folder: Path) -> dict[str, str]:
    return {"SINKGRAPH_STATE_DIR": str(folder / "state")}


async def queue(folder: Path, *args: str, code: int = 0) -> tuple[str, str]:
    """Return what `sinkgraph queue ARGS` says on stdout and on stderr."""
    async with Program("queue", *args, cwd=folder, env=own(folder)) as program:
        assert await program.ends() == code, program.err
        return program.out.decode(), program.err


def numbers(lines: str) -> list[int]:
    return [json.loads(line)["data"]["n"] for line in lines.splitlines()]


async def waiting(folder: Path) -> dict[str, Any]:
    made = json.loads((await queue(folder, "ls", "--json"))[0])
    return {one["name"]: one["pending"] for one in made["queues"]}


async def test_what_a_kill_left_is_what_the_next_start_delivers(tmp_path: Path) -> None:
    async with Webhook() as hook:
        await hook.down()
        async with run(tmp_path, hook) as program:
            async with calling(await program.port()) as client:
                for n in range(60):
                    answer = await client.send(request(b'{"n":%d}' % n))
                    assert answer.status == 202
            pid = program.process.pid
            assert f"in use by process {pid}" in (await queue(tmp_path, "ls"))[0]
            _, said = await queue(tmp_path, "drain", "all", "--to", "out", code=1)
            assert f"is in use by process {pid}: stop that first" in said
            live = numbers((await queue(tmp_path, "export", "all"))[0])
            program.signal(signal.SIGKILL)
            assert await program.ends() == -signal.SIGKILL
        assert await waiting(tmp_path) == {"all": 60, "evens": 30}
        exported = numbers((await queue(tmp_path, "export", "all"))[0])
        assert exported == live == list(range(60))
        assert numbers((await queue(tmp_path, "peek", "evens", "--json", "--from", "3"))[0]) == [
            *range(4, 24, 2)
        ]
        assert (await queue(tmp_path, "check"))[0].endswith("everything is as it was written\n")
        _, said = await queue(tmp_path, "drain", "evens", "--to", "out", "--expect", "30")
        assert "30 events of `evens` moved to out, and nothing is left in it" in said
        assert numbers((tmp_path / "out").read_text()) == list(range(0, 60, 2))
        await hook.up()
        async with run(tmp_path, hook) as program:
            await until(lambda: len(hook.events) >= 60, "what waited is delivered")
            assert [event["n"] for event in hook.events] == exported
            program.signal(signal.SIGTERM)
            assert await program.ends() == 0
        assert await waiting(tmp_path) == {"all": 0, "evens": 0}
