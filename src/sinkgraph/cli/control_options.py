"""What `sinkgraph run` is told of its control plane, and how that is opened beside the graph.

What it does is `sinkgraph.control`'s affair; a run never fails because of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sinkgraph.cli.reaching import TOKEN_ENV
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.control.server import Listen

__all__ = ["control_options", "listen_of"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MOST_BYTES = 65_536


def control_options(command: _Command) -> _Command:
    """Add the options of the control plane; give what they hold to `listen_of`."""
    for option in (
        click.option(
            "--control-host",
            "control_hosts",
            multiple=True,
            metavar="NAME",
            help="A name under which the address is called; may be repeated.",
        ),
        click.option(
            "--control-token-file",
            default=None,
            metavar="FILE",
            help=f"The tokens for it, a line each: NAME SCOPE TOKEN [${TOKEN_ENV}].",
        ),
        click.option(
            "--control",
            "control_at",
            default=None,
            metavar="HOST:PORT",
            help="Be looked at and steered at an address too, with a token.",
        ),
        click.option("--no-control", is_flag=True, help="Be neither found, looked at nor steered."),
    ):
        command = option(command)
    return command


def listen_of(given: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Listen | None:
    """Return where the control plane listens, None for nowhere. Raises a usage error."""
    where, file, hosts = (
        given["control_at"],
        given["control_token_file"],
        tuple(given["control_hosts"]),
    )
    if given["no_control"]:
        if where or file or hosts:
            raise click.UsageError("`--no-control` and the other options of it exclude each other")
        return None
    from sinkgraph.control.access import parse_tokens
    from sinkgraph.control.server import Listen

    if where is None:
        if file or hosts:
            raise click.UsageError("tokens and hosts are of an address: give `--control HOST:PORT`")
        return Listen()
    address = _address(where)
    try:
        tokens = parse_tokens(*_text(file, os.environ if env is None else env))
    except ValueError as error:
        raise click.UsageError(safe_text(str(error))) from None
    return Listen(tcp=address, tokens=tokens, hosts=hosts)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise click.UsageError(
            f"`--control {safe_text(text, 80)}` is no HOST:PORT, such as 127.0.0.1:9900"
        )
    return host, int(port)


def _text(file: str | None, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the text that holds the tokens, and where it stands."""
    if file is None:
        text = env.get(TOKEN_ENV, "")
        if not text.strip():
            raise click.UsageError(
                f"`--control` needs a token: give `--control-token-file FILE` or set {TOKEN_ENV}"
            )
        return text, TOKEN_ENV
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as opened:
            return opened.read(_MOST_BYTES), f"`{file}`"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        shown = safe_text(file)
        raise click.UsageError(f"cannot read `--control-token-file {shown}`: {reason}") from None
