"""How the verbs of operators are asked for and what they did is told: pause, resume, breaker.

Which verbs there are, and what each does, is told by their commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo, seconds
from sinkgraph.cli.reaching import reach
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.api.client import Client
    from sinkgraph.api.messages import Done

__all__ = ["act"]

_LONGEST_S = 30 * 86_400

_DID = {
    "pause": "is paused",
    "resume": "goes on",
    "trip": "lets nothing through",
    "reset": "is closed",
    "probe": "probes now",
}
_WAS = {
    "pause": "was paused already",
    "resume": "was not paused",
    "trip": "let nothing through already",
    "reset": "was closed already",
}


def act(
    verb: str,
    node: str,
    addr: str | None,
    token_file: str | None,
    *,
    lasting: str | None = None,
    why: str | None = None,
    as_json: bool = False,
) -> None:
    """Carry a verb out at a node of a running graph, and say what came of it."""
    for_s = seconds(lasting, "--for") if lasting is not None else None
    if for_s is not None and not 0 < for_s <= _LONGEST_S:
        raise click.UsageError(f"`--for {safe_text(lasting or '', 40)}` is not between 1ms and 30d")

    async def work(client: Client) -> None:
        done = await client.act(verb, node, for_s=for_s, why=why)
        echo(done.model_dump_json(ensure_ascii=True) if as_json else _told(done))

    reach(addr, token_file, work)


def _told(done: Done) -> str:
    from sinkgraph.cli.standing import lasting

    whose = "the breaker of " if done.verb in ("trip", "reset", "probe") else ""
    said = _DID[done.verb] if done.changed else _WAS[done.verb]
    parts = [f"{whose}{safe_text(done.node)} {said}"]
    if done.reverts_in_s is not None:
        parts.append(f"for {lasting(done.reverts_in_s)}")
    if done.pending:
        parts.append(f"{done.pending:,} {'event waits' if done.pending == 1 else 'events wait'}")
    return ", ".join(parts)
