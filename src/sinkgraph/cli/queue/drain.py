"""`sinkgraph queue drain NAME --to FILE`: the pending events of a queue, taken elsewhere.

What was written and synced is settled, block by block; a kill repeats at most one block.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.queue.opening import (
    for_writing,
    keep_apart,
    name_argument,
    state_option,
    waiting,
)
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.target import Target
from sinkgraph.cli.queue.words import events, verb
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.offline import Drain

__all__ = ["command"]


@click.command(name="drain")
@name_argument
@click.option(
    "--to",
    "output",
    required=True,
    metavar="FILE",
    help="Where to; lines are added to a file, `-` is standard output.",
)
@click.option(
    "--expect",
    type=click.IntRange(min=0),
    default=None,
    metavar="N",
    help="Take nothing unless exactly N events are pending.",
)
@state_option
def command(name: str, output: str, expect: int | None, state_dir: str | None) -> None:
    """Move the pending events of a queue to a file or a pipe, as lines of JSON.

    Oldest first. Each block of lines is on disk before its events leave the queue, so a drain
    that was killed loses nothing: run it again with the same file, and it goes on where it ended.
    What a pipe was given counts as kept; a block that its reader had not read is lost with it.
    """
    from sinkgraph.log.disk.offline import Drain

    directory = held_dir(state_dir)
    keep_apart(directory, output)
    with for_writing(directory) as store:
        pending = waiting(store, name).pending
        if expect is not None and pending != expect:
            raise click.ClickException(
                f"{events(pending)} {verb(pending)} for `{safe_text(name)}`, not {expect:,}:"
                " nothing was taken"
            )
        if not pending:
            echo(f"nothing waits for `{safe_text(name)}`", err=True)
            return
        drain = Drain(store, name)
        try:
            with Target(output) as target, Progress("moved") as progress:
                _move(drain, target, progress, pending)
        except BaseException:
            if moved := pending - drain.pending:
                echo(f"stopped: {events(moved)} moved, {drain.pending:,} left", err=True)
            raise
        moved = pending - drain.pending
        drain.finish()
    where = "standard output" if output == "-" else safe_text(output)
    left = drain.pending
    rest = f"; {events(left)} left" if left else ", and nothing is left in it"
    echo(f"{events(moved)} of `{safe_text(name)}` moved to {where}{rest}", err=True)
    if drain.lost:
        echo(f"error: {events(drain.lost)} could not be read, and no repair will", err=True)
    if drain.stays:
        echo(
            f"error: {events(drain.stays)} cannot be read and stayed: run `sinkgraph queue repair"
            f" --state-dir {safe_text(directory)}`, then drain again",
            err=True,
        )
    if drain.lost or drain.stays:
        sys.exit(FINDINGS)


def _move(drain: Drain, target: Target, progress: Progress, pending: int) -> None:
    """Write, sync and settle block after block."""
    from sinkgraph.formats.event_line import event_lines

    first = True
    while batches := drain.read():
        lines = b"".join(event_lines(list(batch)) for batch in batches)
        target.write(target.go_on(lines) if first else lines)
        target.sync()
        drain.settle(batches)
        progress.at(pending - drain.pending, pending)
        first = False
