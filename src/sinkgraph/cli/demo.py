"""`sinkgraph demo`: real registry notifications through the quickstart graph, with an outage.

It needs nothing but this installation: source, graph and webhook all run on loopback.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sinkgraph.cli.options import echo
from sinkgraph.cli.run import run_loop

__all__ = ["command", "shipped"]

_DEADLINE_S = 55.0
_STATUS_S = 0.5


@click.command(name="demo")
@click.option(
    "--rate",
    default=40.0,
    show_default=True,
    type=click.FloatRange(1, 10_000),
    help="Notifications a second.",
)
@click.option("--keep", is_flag=True, help="Keep the folder with the audit file.")
def command(rate: float, keep: bool) -> None:
    """Run the quickstart graph on real notifications and take its webhook down mid-way.

    Shows the breaker opening, the queue growing and draining, and the ledger at the end.
    """
    sys.exit(run_loop(lambda: _Demo(rate, keep=keep).main()))


def shipped(*parts: str) -> Path:
    """Return the path of a file of `graphs/`: of the checkout, else of the installed package."""
    here = Path(__file__).resolve()
    for base in (here.parents[3] / "graphs", here.parents[1] / "shipped_graphs"):
        found = base.joinpath(*parts)
        if found.exists():
            return found
    raise click.ClickException(f"{'/'.join(parts)} is not part of this installation")


@dataclass(slots=True)
class _Tally:
    """Counts what the feeder was told."""

    sent: int = 0
    accepted: int = 0
    failed: int = 0
    pushes: int = 0
    opened: int = 0
    peak: int = 0
    notes: list[str] = field(default_factory=list)


class _Demo:
    """Plays the demo once."""

    def __init__(self, rate: float, *, keep: bool) -> None:
        self._rate = rate
        self._keep = keep
        self._tally = _Tally()
        self._hook: asyncio.subprocess.Process | None = None
        self._hook_is_up = False
        self._opened = asyncio.Event()

    async def main(self) -> int:
        """Play it; return 0 when nothing was lost and every number adds up."""
        folder = Path(tempfile.mkdtemp(prefix="sinkgraph-demo-"))
        self._reserved = _reserve_port()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await self._play(folder)
        except TimeoutError:
            echo(f"error: the demo did not end within {_DEADLINE_S:g} s", err=True)
            return 1
        finally:
            await self._take_down()
            self._reserved.close()
            if self._keep:
                echo(f"kept: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)

    async def _play(self, folder: Path) -> int:
        from sinkgraph.cli.show import journal_line, ledger_table
        from sinkgraph.graph.load import load
        from sinkgraph.runtime.run import run

        lines = shipped("data", "registry-envelopes.ndjson").read_bytes().splitlines()
        envelopes = [line for line in lines if line.strip()]
        self._tally.pushes = sum(
            entry["action"] == "push" for line in envelopes for entry in json.loads(line)["events"]
        )
        hook = self._reserved.getsockname()[1]
        graph = load(
            str(shipped("quickstart.yaml")),
            set_vars={"listen": "127.0.0.1:0", "hook_url": f"http://127.0.0.1:{hook}/hook"},
            secrets="strict",
            output_dir=folder,
        )
        received = folder / "received.ndjson"
        echo("sinkgraph demo: graphs/quickstart.yaml, real notifications of a Docker registry")
        echo(f"  registry → fanout → audit file, pushes → webhook ({len(envelopes)} notifications)")
        await self._bring_up(hook, received)
        run_of = run(graph, output_dir=folder, drain=20.0)
        async with run_of as live:
            live.topology.journal.listen(self._on_entry(journal_line))
            status = asyncio.ensure_future(self._status(live))
            try:
                listen = int(live.topology.sources["registry"].facts()["listen"].rpartition(":")[2])
                await self._feed(envelopes, listen, hook, received)
                if not await live.drain(20.0):
                    echo("error: the queue did not drain within 20 s", err=True)
            except BaseException:
                live.topology.abort()  # nobody waits for a demo that was interrupted
                raise
            finally:
                status.cancel()
                await asyncio.gather(status, return_exceptions=True)
            self._say(live)
        report = live.report
        assert report is not None, "a graph that was left has its report"
        for line in ledger_table(report.snapshot):
            echo(line)
        return self._verdict(report, folder / "audit.jsonl", received)

    # the script

    async def _feed(self, envelopes: list[bytes], port: int, hook: int, received: Path) -> None:
        """Post every notification; the webhook goes down for the middle of it."""
        down, up = len(envelopes) // 4, 3 * len(envelopes) // 5
        loop = asyncio.get_running_loop()
        began = loop.time()
        for k, body in enumerate(envelopes):
            if k == down:
                echo("--- the webhook goes down")
                await self._take_down()
            if k == up:
                paused = loop.time()
                await self._opened.wait()
                began += loop.time() - paused
                echo("--- the webhook is back")
                await self._bring_up(hook, received)
            await asyncio.sleep(max(0.0, began + k / self._rate - loop.time()))
            self._tally.sent += 1
            if await _post(port, body):
                self._tally.accepted += 1
            else:
                self._tally.failed += 1

    async def _bring_up(self, port: int, received: Path) -> None:
        self._hook = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sinkgraph", "receive",
            "--listen", f"127.0.0.1:{port}", "--path", "/hook", "--out", str(received),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(200):
            if await _listens(port):
                self._hook_is_up = True
                return
            await asyncio.sleep(0.05)
        raise click.ClickException("the webhook receiver did not start within 10 s")

    async def _take_down(self) -> None:
        hook, self._hook = self._hook, None
        self._hook_is_up = False
        if hook is not None and hook.returncode is None:
            hook.kill()
            await hook.wait()

    # what is shown

    def _on_entry(self, told: Any) -> Any:
        def listen(entry: Any) -> None:
            if entry.kind == "breaker_opened":
                self._tally.opened += 1
                self._opened.set()
            line = told(entry)
            if line is not None:
                echo(f"    {line}")

        return listen

    async def _status(self, live: Any) -> None:
        while True:
            self._say(live)
            await asyncio.sleep(_STATUS_S)

    def _say(self, live: Any) -> None:
        from sinkgraph.cli.show import bar, breaker_words

        nodes = live.snapshot().nodes
        depth = nodes["hooks"].ledger.pending
        self._tally.peak = max(self._tally.peak, depth)
        echo(
            f"  in {nodes['registry'].ledger.entered:>3}"
            f"  audit {nodes['audit.file'].ledger.delivered:>3}"
            f"  webhook {'up  ' if self._hook_is_up else 'DOWN'}"
            f" got {nodes['hooks.http'].ledger.delivered:>3}"
            f"  queue {bar(depth, 100)} {depth:>3}"
            f"  breaker {breaker_words(nodes['hooks.retry'].facts)}"
        )

    def _verdict(self, report: Any, audit: Path, received: Path) -> int:
        tally = self._tally
        kept = len(audit.read_bytes().splitlines())
        ids = [json.loads(line).get("id") for line in received.read_bytes().splitlines()]
        wrong: list[str] = []
        if tally.failed:
            wrong.append(f"{tally.failed} notifications were refused")
        if kept != tally.accepted:
            wrong.append(f"the audit file has {kept} events of {tally.accepted}")
        if len(set(ids)) != tally.pushes:
            wrong.append(f"the webhook got {len(set(ids))} pushes of {tally.pushes}")
        if report.residue or report.left:
            wrong.append(f"residue {report.residue}, left {report.left}")
        if not tally.opened:
            wrong.append("the breaker never opened")
        echo(
            f"{tally.accepted} notifications accepted, {kept} in the audit file, "
            f"{len(set(ids))} of {tally.pushes} pushes at the webhook "
            f"({len(ids) - len(set(ids))} sent twice), queue peak {tally.peak}, "
            f"breaker opened {tally.opened}×"
        )
        for line in wrong:
            echo(f"error: {line}", err=True)
        if not wrong:
            echo("nothing was lost")
        return 1 if wrong else 0


def _reserve_port() -> socket.socket:
    """Return a socket that holds a free port for the webhook, also while that is down."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _post(port: int, body: bytes) -> bool:
    """Post one notification as a registry does; True when it was accepted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = (
            "POST /events HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\n"
            "Content-Type: application/vnd.docker.distribution.events.v1+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        status = await asyncio.wait_for(reader.readline(), 10.0)
        return status.split(b" ")[1:2] in ([b"200"], [b"202"])
    finally:
        writer.close()
