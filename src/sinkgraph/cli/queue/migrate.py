"""`sinkgraph queue migrate`: stored events of an older sinkgraph, in the format of this one."""

from __future__ import annotations

import click

from sinkgraph.cli.options import echo
from sinkgraph.cli.queue.opening import refused, state_option
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]


@click.command(name="migrate")
@state_option
def command(state_dir: str | None) -> None:
    """Bring the stored events of an older sinkgraph to the format of this one.

    One transaction: interrupted, the older format is still there. There is no way back. Events
    of a newer sinkgraph are not touched.
    """
    from sinkgraph.log.disk.migrate import migrate

    directory = held_dir(state_dir)
    with refused(directory):
        before, now = migrate(directory)
    shown = safe_text(directory)
    if before == now:
        echo(f"{shown} has format {now}, the newest this sinkgraph knows: nothing to do")
    else:
        echo(f"{shown} was brought from format {before} to format {now}")
