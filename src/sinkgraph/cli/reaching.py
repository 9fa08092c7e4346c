"""What every command about a running graph shares: ADDR, the token, and how failures are told.

It knows no command; what ADDR means is `sinkgraph.api.addresses`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sinkgraph.cli.options import INTERRUPTED, UNREACHABLE, echo
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.api.client import Client

__all__ = ["TOKEN_ENV", "addr_argument", "for_option", "reach", "token_option", "why_option"]

TOKEN_ENV = "SINKGRAPH_CONTROL_TOKEN"

_Command = TypeVar("_Command", bound=Callable[..., Any])


def addr_argument(command: _Command) -> _Command:
    """Add ADDR: a graph's name or pid, a socket, a state dir, a URL; the only one by default."""
    return click.argument("addr", required=False)(command)


def token_option(command: _Command) -> _Command:
    """Add `--token-file`, for graphs that are reached by an address."""
    return click.option(
        "--token-file",
        default=None,
        metavar="FILE",
        help=f"Where the token for a URL stands [${TOKEN_ENV}].",
    )(command)


def for_option(command: _Command) -> _Command:
    """Add `--for`, given to the command as `lasting`."""
    return click.option(
        "--for", "lasting", default=None, metavar="TIME", help="Take it back then, e.g. 5m."
    )(command)


def why_option(command: _Command) -> _Command:
    """Add `--why`, which is noted in the journal."""
    return click.option("--why", default=None, metavar="TEXT", help="Noted in the journal.")(
        command
    )


def reach(
    addr: str | None, token_file: str | None, work: Callable[[Client], Awaitable[None]]
) -> None:
    """Do `work` with a client of the graph that is meant; tell failures, with their exit codes."""
    from sinkgraph.api.addresses import Unreachable, resolve
    from sinkgraph.api.client import Client, Refused

    token = _token(token_file)

    async def main() -> None:
        async with Client(resolve(addr), token=token) as client:
            await work(client)

    try:
        asyncio.run(main())
    except Unreachable as error:
        echo(f"error: {error}", err=True)
        sys.exit(UNREACHABLE)
    except Refused as error:
        problem = error.problem
        lines = [safe_text(problem.detail), *(f"  {safe_text(one)}" for one in problem.errors)]
        near = problem.nearest
        if near is not None and f"`{near}`" not in problem.detail:
            lines.append(f"  = help: the nearest is `{safe_text(near)}`")
        raise click.ClickException("\n".join(lines)) from None
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _token(file: str | None) -> str | None:
    """Return the token to send; of a file or variable that holds several, the first."""
    if file is None:
        text = os.environ.get(TOKEN_ENV, "")
    else:
        try:
            with open(file, encoding="utf-8", errors="surrogateescape") as opened:
                text = opened.read(65_536)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise click.ClickException(
                f"cannot read `{safe_text(file)}`: {safe_text(reason)}"
            ) from None
    for line in text.splitlines():
        parts = line.split()
        if parts and not parts[0].startswith("#"):
            return parts[-1]
    return None
