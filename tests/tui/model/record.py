"""Records a real run for the tests: `python -m tests.tui.model.record FOLDER`.

It runs a graph in a process of its own, takes its receiver away and back, and keeps what the
control plane says: the graph, the stream, the journal. No test runs it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path
from typing import Any

from sinkgraph.api.addresses import Address, running
from sinkgraph.api.client import Client
from sinkgraph.errors import SinkgraphError

DOCUMENT = """\
sinkgraph: 1
name: orders
sources:
  shop: {kind: generate, rate: 100/s, event: {action: push, n: 1}, to: fanout}
sinks:
  fanout: {kind: broadcast, to: [audit, pushes]}
  audit: {kind: queue, capacity: 1000, to: {kind: file, path: audit.jsonl}}
  pushes: {kind: filter, where: data.action == "push", to: hooks}
  hooks:
    kind: endpoint
    url: "http://127.0.0.1:PORT/hook"
    capacity: 1200
    timeout: 1s
    backoff: {base: 200ms, cap: 1s}
    breaker: {failure_threshold: 5, open_for: 1s, open_for_max: 4s}
"""
UP_S, DOWN_S, AFTER_S = 6.0, 22.0, 12.0
STEP_S = 1.0


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def address_of(pid: int) -> Address:
    for _ in range(200):
        for run in running():
            if run.pid == pid:
                return run.address
        await asyncio.sleep(0.1)
    raise SystemExit("the graph did not start")


async def record(folder: Path) -> None:
    """Run, record, and write `outage.json` into a folder."""
    port, began = free_port(), 0.0
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        document = Path(place) / "orders.yaml"
        document.write_text(DOCUMENT.replace("PORT", str(port)), encoding="utf-8")
        here = (sys.executable, "-m", "sinkgraph")
        hook = await asyncio.create_subprocess_exec(
            *here, "receive", "--listen", f"127.0.0.1:{port}",
            "--down-after", f"{UP_S:g}s", "--down-for", f"{DOWN_S:g}s",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        run = await asyncio.create_subprocess_exec(
            *here, "run", str(document), "--output-dir", place, "--quiet",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with Client(await address_of(run.pid)) as client:
                graph = await client.graph()
                async with aclosing(client.watch()) as seen:  # type: ignore[type-var]
                    async for one in seen:
                        if one.snapshot is None or not one.live:
                            continue
                        at = one.snapshot.at
                        began = began or at
                        if not lines or at - lines[-1]["at"] >= STEP_S * 0.9:
                            lines.append(one.snapshot.model_dump(mode="json"))
                        if at - began > UP_S + DOWN_S + AFTER_S:
                            break
                entries = (await client.events(limit=1000)).entries
        except SinkgraphError as error:
            raise SystemExit(str(error)) from None
        finally:
            for process in (run, hook):
                process.kill()
                await process.wait()
    said: dict[str, Any] = {
        "graph": graph.model_dump(mode="json"),
        "snapshots": thinned(lines),
        "entries": [entry.model_dump(mode="json") for entry in entries],
    }
    shown = json.dumps(said, separators=(",", ":")).replace(place, "/tmp/orders")
    shown = shown.replace(f":{port}", ":9000")
    (folder / "outage.json").write_text(shown + "\n", encoding="utf-8")


def thinned(snapshots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return snapshots of which each but the first holds what has changed since the one before."""
    thin = snapshots[:1]
    for was, now in itertools.pairwise(snapshots):
        kept = {key: value for key, value in now.items() if was[key] != value and key != "nodes"}
        kept["nodes"] = {
            name: {k: v for k, v in node.items() if was["nodes"].get(name, {}).get(k) != v}
            for name, node in now["nodes"].items()
        }
        thin.append(kept)
    return thin


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
