"""`sinkgraph queue export NAME`: the pending events of a queue as lines of JSON.

They stay where they are; `queue drain` takes them away.
"""

from __future__ import annotations

import sys

import click

from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.queue.opening import blocks, keep_apart, name_argument, state_option
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.target import replacing
from sinkgraph.cli.queue.words import events
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]


@click.command(name="export")
@name_argument
@state_option
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    help="Where to; a file appears when it is complete [standard output].",
)
def command(name: str, state_dir: str | None, output: str) -> None:
    """Write the pending events of a queue as lines of JSON, and leave them there.

    Oldest first, in the order in which the queue will deliver them. Each line is a whole event
    with the names of CloudEvents. Events that arrive after it began are not among them.
    """
    from sinkgraph.formats.event_line import event_lines

    directory = held_dir(state_dir)
    keep_apart(directory, output)
    walk = blocks(directory, name)
    one, found = next(walk)  # a wrong name is told before a file is made
    pending, written, damaged, unknown = one.pending, 0, 0, 0
    with replacing(output) as target, Progress("written") as progress:
        while found:
            for chunk in found:
                if chunk.batch is None:
                    damaged += chunk.n
                    unknown += 0 if chunk.n else chunk.end - chunk.at
                else:
                    target.write(event_lines(list(chunk.batch)))
                    written += chunk.n
            progress.at(written, pending)
            _, found = next(walk, (one, []))
    damaged += max(0, min(unknown, pending - written - damaged))
    where = "" if output == "-" else f" to {safe_text(output)}"
    echo(f"{events(written)} of `{safe_text(name)}` written{where}", err=True)
    if damaged:
        echo(
            f"error: {events(damaged)} left out: they are damaged: run `sinkgraph queue check`",
            err=True,
        )
        sys.exit(FINDINGS)
