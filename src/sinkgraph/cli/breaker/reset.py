"""`sinkgraph breaker reset NODE [ADDR]`: close it, and forget its failures.

It ends what `trip` began, and what failures opened.
"""

from __future__ import annotations

import click

from sinkgraph.cli.acting import act
from sinkgraph.cli.options import json_option
from sinkgraph.cli.reaching import addr_argument, token_option, why_option

__all__ = ["command"]


@click.command(name="reset")
@click.argument("node")
@addr_argument
@why_option
@token_option
@json_option
def command(
    node: str, addr: str | None, why: str | None, token_file: str | None, as_json: bool
) -> None:
    """Close a breaker, whatever it was."""
    act("reset", node, addr, token_file, why=why, as_json=as_json)
