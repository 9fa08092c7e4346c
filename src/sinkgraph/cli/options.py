"""What several commands share: options, loading a document, and writing to the terminal.

It knows no command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.load import Looked, Secrets
    from sinkgraph.graph.model import Graph
    from sinkgraph.spec.document import Syntax

__all__ = [
    "FINDINGS",
    "INTERRUPTED",
    "OK",
    "PIPE_CLOSED",
    "UNREACHABLE",
    "USAGE",
    "cannot_write",
    "counts",
    "echo",
    "json_option",
    "load_document",
    "many",
    "once",
    "parse_set",
    "seconds",
    "set_option",
    "syntax_option",
    "wants_color",
    "write_output",
]

OK, FINDINGS, USAGE, UNREACHABLE = 0, 1, 2, 3
INTERRUPTED, PIPE_CLOSED = 130, 141
"""Exit codes; the last two are 128 + SIGINT and 128 + SIGPIPE, as shells give them."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def set_option(command: _Command) -> _Command:
    """Add `--set NAME=VALUE`, given to the command as `set_vars`; read it with `parse_set`."""
    return click.option(
        "--set",
        "set_vars",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give a var of the document a value; may be repeated.",
    )(command)


def syntax_option(command: _Command) -> _Command:
    """Add `--syntax`, for documents whose name does not tell it."""
    return click.option(
        "--syntax",
        type=click.Choice(["yaml", "toml", "json"]),
        default=None,
        help="How the document is written [told by its suffix; `-` is YAML or JSON].",
    )(command)


def json_option(command: _Command) -> _Command:
    """Add `--json`, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def parse_set(set_vars: Iterable[str]) -> dict[str, str]:
    """Return what `--set` said, by name; the last of equal names counts. Raises a usage error."""
    made: dict[str, str] = {}
    for one in set_vars:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            shown = safe_text(one, 80)
            raise click.UsageError(f"`--set {shown}` does not give a var a value: NAME=VALUE")
        made[name.strip()] = value
    return made


def seconds(text: str, option: str) -> float:
    """Return the seconds of a duration given to `option`, `0s` too; raise a usage error."""
    from sinkgraph.spec.refused import Refused
    from sinkgraph.spec.units import parse_duration

    try:
        return parse_duration(text, zero=True)
    except Refused as refused:
        shown = safe_text(text, 80)
        message = f"`{option} {shown}` {refused.message}; {refused.help}"
        raise click.UsageError(message) from None


def once(files: Sequence[str]) -> None:
    """Refuse `-` given twice: standard input can be read once."""
    if files.count("-") > 1:
        raise click.UsageError("`-` is given more than once: standard input can be read once")


def load_document(
    file: str,
    *,
    set_vars: Mapping[str, str],
    syntax: Syntax | None = None,
    secrets: Secrets = "placeholder",
    looked: Looked | None = None,
) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph of a file (`-`: standard input) and every finding, as `load_graph` does.

    `syntax` is how it is written when its name does not tell. To `looked` is added what was read.
    """
    from sinkgraph.graph.load import load_graph

    return load_graph(file, set_vars=set_vars, secrets=secrets, syntax=syntax, looked=looked)


def counts(graph: Graph, *, dead_letters: bool = False) -> str:
    """Return how many nodes and edges a drawing of the graph has, e.g. `9 nodes, 8 edges`."""
    from sinkgraph.render.drawing import visible_edges, visible_nodes

    edges = visible_edges(graph, dead_letters=dead_letters)
    nodes = sum(1 for _ in visible_nodes(graph, edges, dead_letters=dead_letters))
    return f"{many(nodes, 'node')}, {many(len(edges), 'edge')}"


def many(count: int, what: str) -> str:
    """Return a count of things in words: `1 node`, `2,000 nodes`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- writing -------------------------------------------------------------------------------------


def wants_color(*, err: bool = False) -> bool:
    """Tell whether colours suit the stream: a terminal that is not dumb, and no `NO_COLOR`."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty()


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr; colours in it stay only where they are wanted.

    The stream is written in its own encoding, also where that is ASCII.
    """
    stream = sys.stderr if err else sys.stdout
    click.echo(text, file=stream, err=err, color=wants_color(err=err))


def write_output(path: str, content: bytes) -> None:
    """Write a file, or standard output for `-`; raise a one-line error when it cannot be."""
    if path == "-":
        click.echo(content, nl=False)
        return
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None


def cannot_write(path: str, error: Exception) -> click.ClickException:
    """Return the error that says why a file cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    shown = safe_text(str(getattr(error, "filename", None) or path))
    return click.ClickException(f"cannot write `{shown}`: {safe_text(reason.lower())}")
