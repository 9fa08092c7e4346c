"""`sinkgraph tap NODE [ADDR]`: see a sample of the events that pass a node, as lines of JSON.

The graph is never slowed: what passes faster than is shown is counted, and told on stderr.
"""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo, many
from sinkgraph.cli.reaching import addr_argument, reach, token_option

if TYPE_CHECKING:
    from sinkgraph.api.client import Client
    from sinkgraph.api.messages import TapEvent, TapGap

__all__ = ["command"]


@click.command(name="tap")
@click.argument("node")
@addr_argument
@click.option("--where", default=None, metavar="EXPRESSION", help="Only events it is true for.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=None, metavar="N", help="End after N events."
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 200),
    default=20,
    show_default=True,
    metavar="N",
    help="At most N events a second.",
)
@click.option(
    "--bytes",
    "cap",
    type=click.IntRange(64, 65_536),
    default=4_096,
    show_default=True,
    metavar="N",
    help="At most N bytes of a payload.",
)
@click.option("--json", "as_json", is_flag=True, help="Times as Unix seconds, for programs.")
@token_option
def command(
    node: str,
    addr: str | None,
    where: str | None,
    limit: int | None,
    rate: float,
    cap: int,
    as_json: bool,
    token_file: str | None,
) -> None:
    """Show a sample of the events that pass a node of a running graph.

    One line of JSON for each event, its time in your zone; secrets are ***, large payloads are
    cut. It goes on until Ctrl-C, `--limit`, or the end of the graph, and says then what was not
    shown.
    """
    told: list[TapGap] = []
    shown = 0

    async def work(client: Client) -> None:
        nonlocal shown
        from sinkgraph.api.messages import TapEvent

        async with aclosing(client.tap(node, where=where, rate=rate, cap=cap)) as passing:  # type: ignore[type-var]
            async for message in passing:
                if not isinstance(message, TapEvent):
                    told[:] = [message]
                    continue
                shown += 1
                echo(_line(message, as_json=as_json))
                if limit is not None and shown >= limit:
                    return

    try:
        reach(addr, token_file, work)
    finally:
        if told:
            echo(_summary(told[0], shown), err=True)


def _line(event: TapEvent, *, as_json: bool) -> str:
    """Return an event as a line of JSON; its time as people read it, or in Unix seconds."""
    held = event.model_dump(mode="json", exclude_none=True)
    if not as_json:
        held["time"] = _local(event.time)
    return json.dumps(held, ensure_ascii=True, separators=(",", ":"))


def _local(at: float) -> str | float:
    """Return Unix seconds as a local time with its offset; what no calendar has stays a number."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return at


def _summary(gap: TapGap, shown: int) -> str:
    """`shown` counts those that came after the gap was told, too."""
    left = {
        "not chosen by --where": gap.filtered,
        "--where failed for": gap.failed,
        "not sampled": gap.sampled_out,
        "shown too late": gap.missed,
    }
    parts = [f"{n:,} {what}" for what, n in left.items() if n]
    seen = gap.seen + max(shown - gap.shown, 0)
    return f"{shown:,} of {many(seen, 'event')} shown" + "".join(f", {p}" for p in parts)
