"""`sinkgraph watch [ADDR]`: one line for each change of a running graph, until Ctrl-C.

It is made to be read aloud, and to be kept: no line is ever changed after it was printed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo
from sinkgraph.cli.reaching import addr_argument, reach, token_option

if TYPE_CHECKING:
    from sinkgraph.api.addresses import Address
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
    for, also when it is started again. Exits with 3 when none can be reached at the start.
    """

    def say(at: float, text: str) -> None:
        if as_json:
            echo(json.dumps({"at": at, "text": text}))
        else:
            echo(f"{time.strftime('%H:%M:%S', time.localtime(at))} {text}")
        sys.stdout.flush()

    async def work(client: Client) -> None:
        from sinkgraph.api.client import Client

        await client.health()  # whoever is not there is no lost graph
        async with AsyncExitStack() as held:
            while True:
                found = await _follow(client, addr, say)
                client = await held.enter_async_context(Client(found))

    reach(addr, token_file, work)


async def _follow(client: Client, addr: str | None, say: Callable[[float, str], None]) -> Address:
    """Say what changes, until the graph is lost and runs again at the address returned."""
    from sinkgraph.cli.telling import Teller

    teller, live, name = Teller(), True, ""
    async with aclosing(client.watch()) as seen:  # type: ignore[type-var]
        async for one in seen:
            if one.live and one.snapshot is not None:
                name = one.snapshot.name
                if not live:
                    say(one.snapshot.at, f"{name} is in reach again")
                for text in teller.changes(one.snapshot):
                    say(one.snapshot.at, text)
            else:
                if live:
                    who = name or "the graph"
                    say(time.time(), f"{who} is out of reach: {one.error}; waiting for it")
                found = _started_again(client.address, addr, name)
                if found is not None:
                    return found
            live = one.live
    raise AssertionError("a watch has no end")


def _started_again(lost: Address, addr: str | None, name: str) -> Address | None:
    """Return where a graph that was lost runs now, if that is elsewhere."""
    from sinkgraph.api.addresses import Unreachable, resolve

    if addr is not None and "://" in addr:
        return None
    try:
        found = resolve(addr if addr is not None and "/" in addr else name)
    except Unreachable:
        return None
    return None if found == lost else found
