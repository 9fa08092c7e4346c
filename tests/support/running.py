"""Running a document of `graphs/` in this process, and asking where it listens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import Run, run
from sinkgraph.sources.http import HttpSource

__all__ = ["entered", "listening", "running"]


def running(
    document: Path,
    output_dir: Path,
    set_vars: Mapping[str, str] | None = None,
    *,
    drain: float = 25.0,
    state_dir: Path | None = None,
) -> Run:
    """Return the context manager that runs a document, its files below `output_dir`."""
    return run(
        str(document), set_vars=set_vars, output_dir=output_dir, drain=drain, state_dir=state_dir
    )


def listening(live: Live, source: str) -> int:
    """Return the port an http source is bound to."""
    return cast(HttpSource, live.topology.sources[source]).address[1]


def entered(live: Live, node: str) -> int:
    """Return how many events a node was given so far."""
    return live.snapshot()[node].ledger.entered
