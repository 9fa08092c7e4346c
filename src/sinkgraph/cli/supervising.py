"""What `sinkgraph run` starts with, and how it follows its file: `--watch`, `--resume`, SIGHUP.

Replacing the graph is the supervisor's affair; here it is put together, and told on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import FINDINGS, echo, wants_color
from sinkgraph.cli.state_dir import default_dir, given_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.control.documents import Loaded, Recipe
    from sinkgraph.control.outcomes import Outcome
    from sinkgraph.control.supervisor import Supervisor
    from sinkgraph.control.systemd import Notifier
    from sinkgraph.graph.model import Graph
    from sinkgraph.render.serve.watch import Watched
    from sinkgraph.runtime.live import Live

__all__ = ["Begun", "Supervision", "begun"]

_TOLD = frozenset({"watch", "signal"})
"""Origins nobody waits for an answer at: what becomes of them is told here."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Is what a run begins with. `resumed`: the document that ran last, not what the file says.

    `other`: the generation that ran last, where its graph was another one.
    """

    file: str
    loaded: Loaded
    recipe: Recipe
    watched: Watched | None
    resumed: bool
    watch: bool
    other: int | None = None

    @property
    def graph(self) -> Graph:
        """The graph that is to run."""
        assert self.loaded.graph is not None, "a run begins with a graph"
        return self.loaded.graph


def begun(file: str, recipe: Recipe, state_dir: str | None, *, watch: bool, resume: bool) -> Begun:
    """Return what to begin with; print findings, and exit where there is no graph."""
    from sinkgraph.control.documents import read_file
    from sinkgraph.control.generations import last_kept
    from sinkgraph.render.serve.watch import Watched

    if file == "-" and watch:
        raise click.UsageError("`--watch` needs a file: standard input is read once")
    watched = None if file == "-" else Watched([Path(file)])
    loaded = read_file(file, None, recipe)
    chosen = given_dir(state_dir)
    if chosen is None and loaded.graph is not None:
        chosen = default_dir(loaded.graph.name)
    last = last_kept(chosen) if chosen is not None else None
    if resume and last is None:
        if loaded.graph is None:
            _print(loaded)
            where = f" in {safe_text(chosen)}" if chosen else ": give `--state-dir DIR`"
            echo(f"  = note: there is no document to resume{where}", err=True)
            sys.exit(FINDINGS)
        echo(f"nothing to resume: {safe_text(file)} is run", err=True)
    elif resume and last is not None:
        again = last.document.load(recipe)
        _print(again)
        if again.graph is None:
            said = f"generation {last.generation}, which ran last, cannot be run any more"
            echo(f"error: {said}", err=True)
            sys.exit(FINDINGS)
        echo(f"resuming generation {last.generation}, which ran last", err=True)
        return Begun(file, again, recipe, watched, True, watch)
    else:
        _print(loaded)
    if loaded.graph is None:
        if last is not None:
            said = f"`--resume` starts generation {last.generation}, which ran last"
            echo(f"  = help: {said}", err=True)
        sys.exit(FINDINGS)
    differs = last is not None and last.digest != loaded.graph.digest
    other = last.generation if last is not None and differs else None
    return Begun(file, loaded, recipe, watched, False, watch, other)


def _print(loaded: Loaded) -> None:
    if loaded.found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(list(loaded.found), color=wants_color(err=True)), err=True)


class Supervision:
    """Keeps one run supervised, from `begin` to `close`; made once signals may be taken."""

    def __init__(self, begun: Begun, state_dir: str | None, say: Callable[[str], None]) -> None:
        from sinkgraph.control.signals import Hangups

        self._begun = begun
        self._state_dir = state_dir
        self._say = say
        self._hangups = Hangups()
        self._watcher: object | None = None
        self.supervisor: Supervisor | None = None

    async def begin(self, live: Live, notifier: Notifier, *, looks: bool) -> Supervisor:
        """Supervise a run; `looks`: somebody may ask whether it is what its file says."""
        from sinkgraph.control.generations import Generations
        from sinkgraph.control.supervisor import Supervisor

        one = self._begun
        generations = Generations(self._state_dir)
        await live.topology.pool.run(generations.open)
        path = None if one.file == "-" else one.file
        if path is not None and self._state_dir is not None:
            from sinkgraph.control.tenants import moved_in

            said = await live.topology.pool.run(partial(moved_in, self._state_dir, path))
            if said:
                self._say(said)
        self.supervisor = supervisor = Supervisor(
            live,
            loaded=one.loaded,
            recipe=one.recipe,
            path=path,
            generations=generations,
            around=notifier.reloading,
            told=self._tell,
        )
        await supervisor.begin(resumed=one.resumed)
        self._hangups.obey(supervisor, live.topology.journal)
        if path is not None and (one.watch or looks):
            from sinkgraph.control.watcher import Watcher

            watcher = Watcher(
                supervisor,
                live.topology,
                applies=one.watch,
                resumed=one.resumed,
                watched=one.watched,
            )
            self._watcher = await watcher.__aenter__()
            self._leave = watcher.__aexit__
        return supervisor

    def _tell(self, origin: str, outcome: Outcome) -> None:
        """Show the findings of a reload that nobody waits for."""
        if origin in _TOLD and (told := outcome.told(color=wants_color(err=True))):
            for line in told.splitlines():
                self._say(line)

    async def close(self) -> None:
        """Change the graph no more. Idempotent."""
        await self._hangups.close()
        if self._watcher is not None:
            self._watcher = None
            await self._leave(None, None, None)
        if self.supervisor is not None:
            await self.supervisor.close()
