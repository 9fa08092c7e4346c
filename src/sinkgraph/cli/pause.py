"""`sinkgraph pause NODE [ADDR]`: hold a queue's deliveries or a source's intake back.

What it does to events is the engine's affair: none is lost, and what waits stays where it is.
"""

from __future__ import annotations

import click

from sinkgraph.cli.acting import act
from sinkgraph.cli.options import json_option
from sinkgraph.cli.reaching import addr_argument, for_option, token_option, why_option

__all__ = ["command"]


@click.command(name="pause")
@click.argument("node")
@addr_argument
@for_option
@why_option
@token_option
@json_option
def command(
    node: str,
    addr: str | None,
    lasting: str | None,
    why: str | None,
    token_file: str | None,
    as_json: bool,
) -> None:
    """Hold a queue or a source of a running graph back.

    A paused queue delivers nothing and takes events in until it is full; what it has begun to
    deliver ends. A paused source takes nothing in. It lasts until `sinkgraph resume`, or for the
    time of `--for`, and not longer than the run.
    """
    act("pause", node, addr, token_file, lasting=lasting, why=why, as_json=as_json)
