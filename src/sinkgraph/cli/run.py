"""`sinkgraph run FILE`: run a graph until its sources end or somebody stops it.

Data goes to stdout (a `stdout` sink); everything said here goes to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from sinkgraph.cli.options import echo, parse_set, seconds, set_option

__all__ = ["command"]

_TICK_S = 1.0


@click.command(name="run")
@click.argument("file")
@set_option
@click.option("--output-dir", default=None, help="Where relative output paths begin.")
@click.option("--state-dir", default=None, help="Where state is kept; outputs go there too.")
@click.option("--drain", default="25s", show_default=True, help="How long a stop may drain.")
@click.option("--quiet", is_flag=True, help="Say only what is wrong, and the ledger.")
def command(
    file: str,
    set_vars: tuple[str, ...],
    output_dir: str | None,
    state_dir: str | None,
    drain: str,
    quiet: bool,
) -> None:
    """Run a graph document until its sources end, or Ctrl-C.

    The first Ctrl-C drains what is pending, the second stops at once and says what was lost.
    """
    from sinkgraph.graph.load import load_graph

    limit = seconds(drain, "--drain")
    where = output_dir or state_dir
    graph, found = load_graph(
        file, set_vars=parse_set(set_vars), secrets="strict", output_dir=where
    )
    if found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(found), err=True)
    if graph is None:
        sys.exit(1)
    if all(node.implied for node in graph.nodes.values() if node.role == "source"):
        echo(f"error: {file} has no source: nothing could ever enter it", err=True)
        echo("help: add a source, for example `kind: stdin`", err=True)
        sys.exit(1)
    runner = _Runner(graph, {"output_dir": where, "drain": limit}, quiet=quiet)
    sys.exit(run_loop(runner.main))


def run_loop(main: Callable[[], Any]) -> int:
    """Run `main` on uvloop when it is installed, else on asyncio; return its exit code."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        code: int = runner.run(main())
        return code


def _place(facts: dict[str, Any]) -> str:
    """Return where a source takes events in, when it is an address."""
    return f"listening on http://{facts['listen']}{facts['mount']}" if "listen" in facts else ""


class _Runner:
    """Runs one graph: start summary, journal, signals, countdown, ledger."""

    def __init__(self, graph: Any, options: dict[str, Any], *, quiet: bool) -> None:
        self._graph = graph
        self._options = options
        self._quiet = quiet
        self._signals = 0
        self._asked = asyncio.Event()

    async def main(self) -> int:
        """Run to the end; return the exit code."""
        from sinkgraph import __version__
        from sinkgraph.cli.options import counts
        from sinkgraph.cli.show import journal_line, ledger_table, lost_lines, start_summary
        from sinkgraph.errors import StartFailed
        from sinkgraph.runtime.run import run

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        run_of = run(self._graph, **self._options)
        try:
            live = await run_of.__aenter__()
        except StartFailed as error:
            for reason in error.reasons:
                echo(f"error: {reason}", err=True)
            echo("nothing was started", err=True)
            return 1
        self._live = live

        def told(entry: Any) -> None:
            line = journal_line(entry)
            if line is not None and not self._quiet:
                echo(line, err=True)

        live.topology.journal.listen(told)
        if not self._quiet:
            places = {name: _place(s.facts()) for name, s in live.topology.sources.items()}
            for line in start_summary(self._graph, __version__, counts(self._graph), places):
                echo(line, err=True)
            echo("press Ctrl-C to drain and stop", err=True)
        await self._until_end()
        stopping = loop.create_task(self._countdown())
        report = await live.close()
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        for line in ledger_table(report.snapshot):
            echo(line, err=True)
        for line in lost_lines(report):
            echo(line, err=True)
        failed = [s for s in live.topology.sources.values() if s.status == "failed"]
        for source in failed:
            echo(f"error: source {source.name}: {source.last_error}", err=True)
        if self._signals > 1:
            return 130
        return 1 if failed or report.residue else 0

    def _on_signal(self) -> None:
        self._signals += 1
        self._asked.set()
        if self._signals > 1 and hasattr(self, "_live"):
            echo("stopping at once", err=True)
            self._live.topology.abort()

    async def _until_end(self) -> None:
        ended = asyncio.ensure_future(self._live.topology.sources_ended())
        asked = asyncio.ensure_future(self._asked.wait())
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, asked):
            task.cancel()
        await asyncio.gather(ended, asked, return_exceptions=True)

    async def _countdown(self) -> None:
        """Say once a second what is still pending and how long it may take."""
        loop = asyncio.get_running_loop()
        limit = self._options["drain"]
        until = loop.time() + limit
        await asyncio.sleep(0.1)
        while True:
            pending = self._live.snapshot().pending
            left = max(0.0, until - loop.time())
            if not self._quiet:
                again = "; Ctrl-C again stops at once" if self._signals == 1 else ""
                echo(f"draining: {pending:,} pending, {left:.0f} s left{again}", err=True)
            await asyncio.sleep(_TICK_S)
