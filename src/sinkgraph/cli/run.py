"""`sinkgraph run FILE`: run a graph until its sources end or somebody stops it.

Data goes to stdout (a `stdout` sink); everything said here goes to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.control_options import control_options, listen_of
from sinkgraph.cli.health import Health, Losses, held_events, resting_events
from sinkgraph.cli.options import (
    FINDINGS,
    INTERRUPTED,
    OK,
    PIPE_CLOSED,
    counts,
    echo,
    parse_set,
    seconds,
    set_option,
)
from sinkgraph.cli.state_dir import parse_fates, run_dir
from sinkgraph.cli.supervising import Begun, Supervision, begun
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.control.server import Control, Listen
    from sinkgraph.control.supervisor import Supervisor
    from sinkgraph.graph.model import Graph
    from sinkgraph.runtime.live import Live
    from sinkgraph.telemetry.journal import Entry
    from sinkgraph.telemetry.status import CloseReport

__all__ = ["command", "run_loop"]

_QUICK_S = 0.1  # a stop that takes no longer is not counted down
_TICK_S = 1.0


@click.command(name="run")
@click.argument("file")
@set_option
@click.option("--output-dir", default=None, help="Where relative output paths begin.")
@click.option(
    "--state-dir",
    default=None,
    metavar="DIR",
    help="Where events outlive the process"
    " [$SINKGRAPH_STATE_DIR, $STATE_DIRECTORY; $XDG_STATE_HOME/sinkgraph/NAME when needed].",
)
@click.option(
    "--fate",
    "fates",
    multiple=True,
    metavar="NAME=FATE",
    help="What becomes of events stored for a queue that is not in the document any more:"
    " drain, dead_letter, discard or move_to:QUEUE; may be repeated.",
)
@click.option(
    "--watch", is_flag=True, help="Apply the document whenever it, or what it is made of, changes."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Start with the document that ran last in this state dir, not with what the file says.",
)
@click.option("--drain", default="25s", show_default=True, help="How long a stop may drain.")
@control_options
@click.option("--quiet", is_flag=True, help="Say nothing while it runs, only the ledger.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the ledger as JSON: the last line on stderr."
)
def command(
    file: str,
    set_vars: tuple[str, ...],
    output_dir: str | None,
    state_dir: str | None,
    fates: tuple[str, ...],
    watch: bool,
    resume: bool,
    drain: str,
    quiet: bool,
    as_json: bool,
    **control: Any,
) -> None:
    """Run a graph document until its sources end, or Ctrl-C.

    The first Ctrl-C drains what is pending, the second stops at once and says what was lost.
    SIGHUP applies the file as it is then; a document that is not valid changes nothing.
    """
    from sinkgraph.control.documents import Recipe

    limit = seconds(drain, "--drain")
    listen = listen_of(control)
    where = output_dir or "."
    recipe = Recipe(parse_set(set_vars), where)
    first = begun(file, recipe, state_dir, watch=watch, resume=resume)
    graph = first.graph
    refused = _idle(graph, file)
    if refused:
        for line in refused:
            echo(line, err=True)
        sys.exit(FINDINGS)
    state = run_dir(graph.name, state_dir, needed=graph.needs_state)
    options = {
        "output_dir": where,
        "drain": limit,
        "state_dir": state,
        "fates": parse_fates(fates, state),
    }
    sys.path.append(os.getcwd())  # where `call` and `python` may find functions, after all else
    runner = _Runner(first, options, listen, quiet=quiet, as_json=as_json)
    sys.exit(run_loop(runner.main))


def run_loop(main: Callable[[], Any]) -> int:
    """Run `main` on uvloop when it is installed, else on asyncio; return its exit code."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        code: int = runner.run(main())
        return code


def _idle(graph: Graph, file: str) -> list[str]:
    """Return why a graph by itself would never get an event, and what helps; [] when it may."""
    sources = [graph.nodes[name] for name in graph.sources]
    shown = "the document" if file == "-" else f"`{safe_text(file)}`"
    if all(node.implied for node in sources):
        return [
            f"error: {shown} has no source: nothing could ever enter it",
            "  = help: add a source, for example `kind: stdin`",
        ]
    if all(node.kind == "inlet" for node in sources):
        return [
            f"error: {shown} has only inlets, and only Python writes to those",
            "  = help: run it from Python with `sinkgraph.run(...)`, or add another source",
        ]
    reader = next((node for node in sources if node.kind == "stdin"), None)
    if file == "-" and reader is not None:
        return [
            f"error: the document came from standard input, where source `{reader.name}` reads",
            "  = help: name the document's file instead of `-`",
        ]
    return []


def _place(facts: dict[str, Any]) -> str:
    """Return where a source takes events in, when it is an address."""
    return f"listening on http://{facts['listen']}{facts['mount']}" if "listen" in facts else ""


class _Runner:
    """Runs one graph: start summary, journal, signals, countdown, ledger."""

    def __init__(
        self,
        begun: Begun,
        options: dict[str, Any],
        listen: Listen | None = None,
        *,
        quiet: bool,
        as_json: bool,
    ) -> None:
        self._begun = begun
        self._graph = begun.graph
        self._options = options
        self._listen = listen
        self._control: Control | None = None
        self._quiet = quiet
        self._as_json = as_json
        self._signals = 0
        self._unread = False  # nobody reads what it prints, and it does nothing else
        self._asked = asyncio.Event()
        self._live: Live | None = None

    async def main(self) -> int:
        """Run to the end; return the exit code."""
        from sinkgraph.cli.show import damaged_events
        from sinkgraph.control.systemd import Notifier
        from sinkgraph.errors import StartFailed
        from sinkgraph.runtime.run import run

        self._take_signals()
        supervision = Supervision(self._begun, self._options["state_dir"], _say)
        run_of = run(self._graph, **self._options)
        try:
            live = await run_of.__aenter__()
        except StartFailed as error:
            for reason in error.reasons:
                echo(f"error: {safe_text(reason)}", err=True)
            if self._begun.other is not None:
                said = f"`--resume` starts generation {self._begun.other}, which ran last"
                echo(f"  = help: {said}", err=True)
            echo("nothing was started", err=True)
            return FINDINGS
        self._live = live
        for entry in live.topology.journal.entries:  # what the start itself had to say
            self._on_entry(entry)
        live.topology.journal.listen(self._on_entry)
        notifier = Notifier(lambda: _standing(live))
        supervisor = await supervision.begin(live, notifier, looks=self._listen is not None)
        await self._open_control(live, supervisor)
        await notifier.ready()
        self._tell_start(live)
        watching = asyncio.ensure_future(self._watch(live))
        await self._until_end(live)
        if self._signals > 1:
            live.topology.abort()
        await notifier.stopping()
        await supervision.close()
        if self._control is not None:
            self._control.quiesce()
        stopping = asyncio.ensure_future(self._countdown(live))
        try:
            report = await live.close(drain_disk=not self._asked.is_set())
        finally:
            for task in (stopping, watching):
                task.cancel()
            await asyncio.gather(stopping, watching, return_exceptions=True)
            await notifier.close()
            if self._control is not None:
                await self._control.close()
        failed = [s for s in live.topology.sources.values() if s.status == "failed"]
        errors = [f"error: source {s.name}: {safe_text(str(s.last_error))}" for s in failed]
        self._tell_end(report, errors)
        if self._signals > 1:
            return INTERRUPTED
        if failed or report.residue or report.left or damaged_events(report.snapshot):
            return FINDINGS
        return PIPE_CLOSED if self._unread else OK

    async def _open_control(self, live: Live, supervisor: Supervisor) -> None:
        """Let the graph be looked at and steered, as far as that is possible."""
        if self._listen is None:
            return
        from sinkgraph.control.server import Control

        control = Control(
            live,
            graph=self._graph,
            supervisor=supervisor,
            listen=self._listen,
            state_dir=self._options["state_dir"],
            warn=lambda said: _say(f"warning: {said}"),
        )
        try:
            self._control = await control.__aenter__()
        except Exception as error:  # whatever it is, the graph runs
            await control.close()
            _say(f"warning: nobody can look at this run: {safe_text(repr(error))}")

    def _tell_start(self, live: Live) -> None:
        from sinkgraph import __version__
        from sinkgraph.cli.show import start_summary, state_lines

        if self._quiet:
            return
        places = {name: _place(s.facts()) for name, s in live.topology.sources.items()}
        size = counts(self._graph)
        state_dir = self._options["state_dir"]
        for line in start_summary(self._graph, __version__, size, places):
            _say(line)
        for line in state_lines(state_dir, live.snapshot()) if state_dir is not None else ():
            _say(line)
        if self._control is not None and self._control.address is not None:
            host, port = self._control.address
            _say(f"  control at http://{f'[{host}]' if ':' in host else host}:{port}")
        _say("press Ctrl-C to drain and stop")

    def _tell_end(self, report: CloseReport, errors: list[str]) -> None:
        from sinkgraph.cli.show import end_summary, report_line

        if self._as_json:
            lines = [*errors, report_line(report)]
        elif self._unread:
            lines = errors
        else:
            lines = [*end_summary(report, self._options["state_dir"]), *errors]
        for line in lines:
            _say(line)

    # what happens meanwhile

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop)

    def _on_stop(self) -> None:
        self._signals += 1
        self._asked.set()
        if self._signals == 1 and self._live is not None:
            self._live.topology.keep_disk()
        if self._signals == 2:
            _say("stopping at once")
            if self._live is not None:
                self._live.topology.abort()

    def _on_entry(self, entry: Entry) -> None:
        from sinkgraph.cli.show import journal_line

        line = journal_line(entry)
        if line is not None and not self._quiet:
            _say(line)
        if entry.kind == "output_closed" and self._live is not None:
            nodes = self._live.nodes.values()
            ends = [one for one in nodes if not one.links() and one.kind != "dead_letter"]
            if all(getattr(one, "broken", False) for one in ends):
                self._unread = True
                self._asked.set()

    async def _watch(self, live: Live) -> None:
        """Say once a second which nodes began to fail, recovered, or dropped events."""
        health, losses = Health(), Losses()
        while True:
            await asyncio.sleep(_TICK_S)
            nodes, now = list(live.nodes.values()), live.topology.clock.now()
            for facts in losses.changes(nodes, now):
                live.topology.journal.note("events_dropped", **facts)
            for line in health.changes(nodes, now) if not self._quiet else ():
                _say(f"{time.strftime('%H:%M:%S')} {line}")

    async def _until_end(self, live: Live) -> None:
        ended = asyncio.ensure_future(live.topology.sources_ended())
        asked = asyncio.ensure_future(self._asked.wait())
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, asked):
            task.cancel()
        await asyncio.gather(ended, asked, return_exceptions=True)

    async def _countdown(self, live: Live) -> None:
        """Say once a second what is still pending and how long it may take."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._options["drain"]
        await asyncio.sleep(_QUICK_S)
        while not self._quiet and self._signals < 2:
            live.topology.flush()
            nodes = live.nodes.values()
            pending = held_events(live.topology.sources.values(), nodes)
            stays = resting_events(nodes)
            kept = f"; {stays:,} stay on disk" if stays else ""
            left = max(0.0, until - loop.time())
            again = "; Ctrl-C again stops at once" if self._signals else ""
            _say(f"draining: {pending:,} pending, {left:.0f} s left{kept}{again}")
            await asyncio.sleep(_TICK_S)


def _standing(live: Live) -> str:
    """Return how a run stands, as a line for the service manager."""
    snapshot = live.snapshot()
    bad = [node.name for node in snapshot.nodes.values() if node.status in ("degraded", "failed")]
    said = f"running, {snapshot.pending:,} pending"
    return safe_text(f"{said}; in trouble: {', '.join(bad)}" if bad else said)


def _say(line: str) -> None:
    """Print a line to stderr; that nobody reads there stops no event."""
    with contextlib.suppress(OSError):
        echo(line, err=True)
