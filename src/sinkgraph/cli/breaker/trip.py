"""`sinkgraph breaker trip NODE [ADDR]`: let nothing through.

What waits above it waits on; it is no way to lose events.
"""

from __future__ import annotations

import click

from sinkgraph.cli.acting import act
from sinkgraph.cli.options import json_option
from sinkgraph.cli.reaching import addr_argument, for_option, token_option, why_option

__all__ = ["command"]


@click.command(name="trip")
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
    """Let nothing through a breaker, until it is reset.

    It does not probe by itself. With `--for` it is closed again when that time is over.
    """
    act("trip", node, addr, token_file, lasting=lasting, why=why, as_json=as_json)
