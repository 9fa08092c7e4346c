"""`sinkgraph resume NODE [ADDR]`: let a paused queue or source go on.

It is the end of what `pause` begins.
"""

from __future__ import annotations

import click

from sinkgraph.cli.acting import act
from sinkgraph.cli.options import json_option
from sinkgraph.cli.reaching import addr_argument, token_option, why_option

__all__ = ["command"]


@click.command(name="resume")
@click.argument("node")
@addr_argument
@why_option
@token_option
@json_option
def command(
    node: str, addr: str | None, why: str | None, token_file: str | None, as_json: bool
) -> None:
    """Let a paused queue or source of a running graph go on."""
    act("resume", node, addr, token_file, why=why, as_json=as_json)
