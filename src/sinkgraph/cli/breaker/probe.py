"""`sinkgraph breaker probe NODE [ADDR]`: let an open one try at once.

One that is closed has nothing to try; one that was tripped is reset instead.
"""

from __future__ import annotations

import click

from sinkgraph.cli.acting import act
from sinkgraph.cli.options import json_option
from sinkgraph.cli.reaching import addr_argument, token_option, why_option

__all__ = ["command"]


@click.command(name="probe")
@click.argument("node")
@addr_argument
@why_option
@token_option
@json_option
def command(
    node: str, addr: str | None, why: str | None, token_file: str | None, as_json: bool
) -> None:
    """Let an open breaker try at once."""
    act("probe", node, addr, token_file, why=why, as_json=as_json)
