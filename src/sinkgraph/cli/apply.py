"""`sinkgraph apply [FILE] [ADDR]`: run a document in a running graph from now on.

Nothing is lost or repeated by it; what is not valid changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sinkgraph.cli.changing import (
    fate_option,
    fates_of,
    if_match_option,
    is_address,
    refused,
    sent,
    told_applied,
)
from sinkgraph.cli.options import json_option, syntax_option
from sinkgraph.cli.reaching import addr_argument, reach, token_option

if TYPE_CHECKING:
    from sinkgraph.api.client import Client
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]


@click.command(name="apply")
@click.argument("file", required=False)
@addr_argument
@fate_option
@if_match_option
@syntax_option
@token_option
@json_option
def command(
    file: str | None,
    addr: str | None,
    fates: tuple[str, ...],
    if_match: int | None,
    syntax: Syntax | None,
    token_file: str | None,
    as_json: bool,
) -> None:
    """Run a document in a running graph from now on.

    Without FILE, the graph reads the file it was started with again. Another document than that is
    an override: `status` tells of it, and `run --resume` starts with it. Exits with 0 when it runs,
    1 when it was refused (nothing has changed then), 3 when no graph can be reached.
    """
    given = fates_of(fates)
    if addr is None and file is not None and is_address(file):
        file, addr = None, file
    document = sent(file, syntax) if file is not None else {"origin": "cli"}

    async def work(client: Client) -> None:
        from sinkgraph.api.client import Refused

        try:
            answer = await client.apply(**document, fates=given, generation=if_match)
        except Refused as error:
            refused(error, as_json=as_json)
        else:
            told_applied(answer, as_json=as_json)

    reach(addr, token_file, work)
