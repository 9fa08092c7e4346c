"""`sinkgraph watch [ADDR]`: one line for each change of a running graph, until Ctrl-C.

It is made to be read aloud, and to be kept: no line is ever changed after it was printed.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo
from sinkgraph.cli.reaching import addr_argument, reach, token_option

if TYPE_CHECKING:
    from sinkgraph.api.client import Client

__all__ = ["command"]


@click.command(name="watch")
@addr_argument
@click.option("--plain", is_flag=True, help="Lines of text, which is the only way so far.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each change.")
@token_option
def command(addr: str | None, plain: bool, as_json: bool, token_file: str | None) -> None:
    """Say what changes in a running graph, one sentence a line.

    It begins with how the graph stands, and goes on until Ctrl-C. A graph that is lost is waited
    for. Exits with 3 when none can be reached at the start.
    """

    def say(at: float, text: str) -> None:
        if as_json:
            echo(json.dumps({"at": at, "text": text}))
        else:
            echo(f"{time.strftime('%H:%M:%S', time.localtime(at))} {text}")
        sys.stdout.flush()

    async def work(client: Client) -> None:
        from sinkgraph.cli.telling import Teller

        await client.health()  # whoever is not there is no lost graph
        teller, live = Teller(), True
        async with aclosing(client.watch()) as seen:  # type: ignore[type-var]
            async for one in seen:
                if one.live and one.snapshot is not None:
                    if not live:
                        say(one.snapshot.at, "the graph is told of again")
                    for text in teller.changes(one.snapshot):
                        say(one.snapshot.at, text)
                elif live:
                    say(time.time(), f"lost: {one.error}; trying again")
                live = one.live

    reach(addr, token_file, work)
