"""`sinkgraph render FILE`: draw a graph document.

What is drawn is `sinkgraph.render`; here are only files and formats.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import (
    FINDINGS,
    cannot_write,
    counts,
    echo,
    load_document,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
    write_output,
)
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]

_TEXTS = ("dot", "mmd")
_PICTURES = ("svg", "png", "pdf")
_LISTED = ", ".join(f"`.{one}`" for one in (*_PICTURES, *_TEXTS))


@click.command(name="render")
@click.argument("file")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="-",
    help="Where the drawing goes; .svg, .png, .pdf, .dot or .mmd says what it is [DOT to stdout].",
)
@set_option
@syntax_option
@click.option("--dark", is_flag=True, help="Draw for a dark page.")
@click.option("--dead-letters", is_flag=True, help="Draw the implied dead letters too.")
def command(
    file: str,
    output: str,
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
    dark: bool,
    dead_letters: bool,
) -> None:
    """Draw a graph document.

    FILE is a document in YAML, TOML or JSON; `-` reads standard input. Pictures need Graphviz: the
    program `dot`, or `sinkgraph[render]`; without either, the `.dot` is written instead.
    """
    suffix = _suffix(output)
    values = parse_set(set_vars)
    graph, found = load_document(file, set_vars=values, syntax=syntax)
    if found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)
    if graph is None:
        sys.exit(FINDINGS)
    text = _language(suffix)(graph, dark=dark, dead_letters=dead_letters)
    if suffix in _TEXTS:
        write_output(output, text.encode("utf-8"))
    else:
        _picture(text, output)
    if output != "-":
        echo(f"{safe_text(output)}: drawn, {counts(graph, dead_letters=dead_letters)}")


def _suffix(output: str) -> str:
    """Return what is asked for; raise a usage error for what cannot be drawn."""
    if output == "-":
        return "dot"
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix in {*_TEXTS, *_PICTURES}:
        return suffix
    shown = safe_text(output)
    raise click.UsageError(f"`{shown}` does not say what to draw: its suffix is none of {_LISTED}")


def _language(suffix: str) -> Callable[..., str]:
    if suffix == "mmd":
        from sinkgraph.render.mermaid import to_mermaid

        return to_mermaid
    from sinkgraph.render.dot import to_dot

    return to_dot


def _picture(dot: str, output: str) -> None:
    from sinkgraph.render.image import write_image

    try:
        write_image(dot, Path(output))
    except (OSError, ValueError) as error:
        raise cannot_write(output, error) from None
