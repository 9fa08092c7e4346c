"""`sinkgraph status [ADDR]`: how a running graph stands, once.

It looks and changes nothing; `watch` goes on looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo, json_option
from sinkgraph.cli.reaching import addr_argument, reach, token_option

if TYPE_CHECKING:
    from sinkgraph.api.client import Client

__all__ = ["command"]


@click.command(name="status")
@addr_argument
@token_option
@json_option
def command(addr: str | None, token_file: str | None, as_json: bool) -> None:
    """Say how a running graph stands, the worst first.

    ADDR is its name or pid, its socket or state dir, or a URL; without one, the only running graph
    of this user is meant. Exits with 3 when none can be reached.
    """

    async def work(client: Client) -> None:
        from sinkgraph.cli.standing import status_lines

        seen = await client.snapshot()
        if as_json:
            echo(seen.model_dump_json(indent=2, ensure_ascii=True))
            return
        for line in status_lines(seen):
            echo(line)

    reach(addr, token_file, work)
