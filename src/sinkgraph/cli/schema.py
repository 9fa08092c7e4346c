"""`sinkgraph schema`: print the JSON Schema of graph documents.

The schema itself is made by `sinkgraph.spec.schema`.
"""

from __future__ import annotations

import click

from sinkgraph.cli.options import echo, write_output
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]


@click.command(name="schema")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where it goes [stdout].")
def command(output: str) -> None:
    """Print the JSON Schema of graph documents, for editors.

    A document names it in its first line, and an editor then completes and checks it:
    `# yaml-language-server: $schema=./sinkgraph.schema.json`
    """
    from sinkgraph.spec.schema import schema_text

    write_output(output, schema_text().encode("utf-8"))
    if output != "-":
        echo(f"{safe_text(output)}: written")
