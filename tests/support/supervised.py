"""A supervised run in this process, made as `sinkgraph run` makes it: its file, and its answers.

It watches no file; what looks at the file is asked by the tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinkgraph.control.documents import Loaded, Recipe, read_file
from sinkgraph.control.generations import Generations
from sinkgraph.control.outcomes import Outcome
from sinkgraph.control.supervisor import Supervisor
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import run

__all__ = ["Supervised", "graph_text", "supervised"]


def graph_text(capacity: int = 10, *, more: str = "") -> str:
    """Return a document that differs from others by the capacity of its queue."""
    return f"""sinkgraph: 1
name: supervised
sources: {{in: {{kind: inlet, to: q}}}}
sinks:
  q: {{kind: queue, capacity: {capacity}, to: hole}}
  hole: {{kind: blackhole}}
{more}"""


@dataclass
class Supervised:
    """Is a run under supervision; `told` is what its listener heard."""

    live: Live
    supervisor: Supervisor
    path: Path
    told: list[tuple[str, Outcome]] = field(default_factory=list)

    @property
    def capacity(self) -> int:
        """The capacity of the queue that runs: which document it is."""
        return int(self.live.snapshot().nodes["q"].facts["capacity"])

    def noted(self, kind: str) -> list[dict[str, Any]]:
        """Return the facts of journal entries of a kind."""
        return [one.facts for one in self.live.topology.journal.entries if one.kind == kind]


@asynccontextmanager
async def supervised(
    path: Path,
    *,
    state_dir: Path | None = None,
    resume: bool = False,
    **options: Any,
) -> AsyncIterator[Supervised]:
    """Run a file under supervision; `resume`: what was committed last instead of the file."""
    recipe = Recipe()
    generations = Generations(str(state_dir) if state_dir is not None else None)
    generations.open()
    last = generations.last() if resume else None
    loaded: Loaded = (
        read_file(str(path), None, recipe) if last is None else last.document.load(recipe)
    )
    assert loaded.graph is not None, loaded.found
    told: list[tuple[str, Outcome]] = []
    async with run(loaded.graph, state_dir=state_dir, drain=5.0, **options) as live:
        supervisor = Supervisor(
            live,
            loaded=loaded,
            recipe=recipe,
            path=str(path),
            generations=generations,
            told=lambda origin, outcome: told.append((origin, outcome)),
        )
        await supervisor.begin(resumed=last is not None)
        try:
            yield Supervised(live, supervisor, path, told)
        finally:
            await supervisor.close()
