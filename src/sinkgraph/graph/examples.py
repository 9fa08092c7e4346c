"""Tries the documents that explain the codes: what `check` finds in each.

The texts are `sinkgraph.diagnostics.explained`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.explained import Example, Explained
from sinkgraph.graph.load import load_graph

__all__ = ["findings_of"]


def findings_of(page: Explained, example: Example) -> list[Diagnostic]:
    """Return what is found in a document of an explanation, without any environment variable.

    It is written to a directory of its own, which is the working directory meanwhile.
    """
    with TemporaryDirectory(prefix="sinkgraph-explain-") as folder, contextlib.chdir(folder):
        for name, text in (*page.both, *(page.beside if example is page.fixed else ())):
            beside = Path(name)
            beside.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text, encoding="utf-8")
        if not example.absent:
            Path(example.name).write_bytes(example.content)
        return load_graph(example.name, env={})[1]
