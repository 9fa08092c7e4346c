"""`sinkgraph import registry config.yml`: a registry's notifications as a graph document.

What becomes of each line is decided in `sinkgraph.spec.registry_config`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sinkgraph.cli.options import FINDINGS, echo, wants_color, write_output
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]


@click.command(name="registry")
@click.argument("config", metavar="CONFIG")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where it goes [stdout].")
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="127.0.0.1:8700",
    show_default=True,
    help="Where the graph takes the registry's notifications.",
)
@click.option("--name", default="registry", show_default=True, help="The name of the graph.")
def command(config: str, output: str, listen: str, name: str) -> None:
    """Turn a Docker registry's `notifications.endpoints` into a graph.

    CONFIG is the registry's config.yml; `-` is standard input. Each endpoint becomes a
    `kind: endpoint` with the same URL, headers, timeout, threshold, backoff and `ignore`. The
    values of headers that carry credentials are not copied: they are read from the environment.
    """
    from sinkgraph.diagnostics.diagnostic import has_errors
    from sinkgraph.diagnostics.report import render_human
    from sinkgraph.spec.document import read
    from sinkgraph.spec.registry_config import import_registry

    tree, found = read(config, None if config != "-" and _has_suffix(config) else "yaml")
    made = None if tree is None else import_registry(tree, name=name, listen=listen)
    found = [*found, *(made.found if made is not None else ())]
    if made is None or has_errors(found):
        echo(render_human(found, color=wants_color(err=True)), err=True)
        sys.exit(FINDINGS)
    _checked(made.text)
    write_output(output, made.text.encode())
    for note in made.notes:
        echo(f"note: {note}", err=True)
    for variable in made.env:
        echo(f"note: set `{variable}`: it is the value of a header, and was not copied", err=True)
    if output != "-":
        echo(f"{safe_text(output)}: written", err=True)


def _has_suffix(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml", ".json", ".toml"))


def _checked(text: str) -> None:
    """Show what the made document is refused for; nothing is written then."""
    from sinkgraph.diagnostics.diagnostic import has_errors
    from sinkgraph.diagnostics.report import render_human
    from sinkgraph.graph.load import load_tree
    from sinkgraph.spec.document import parse

    tree, found = parse(text, "<made>", "yaml")
    if tree is not None:
        here = Path.cwd()
        _, more = load_tree(
            tree, base=here, output=here, set_vars={}, secrets="placeholder", env={}
        )
        found = [*found, *more]
    if has_errors(found):
        echo(render_human(found, color=wants_color(err=True)), err=True)
        sys.exit(FINDINGS)
