"""Replaces a running graph from files, texts and earlier generations, one reload at a time.

It knows what runs, what the file of the run says, and what was committed before. What a reload does
is the runtime's affair; who may ask for one is judged by who asks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from sinkgraph.control.asking import Asked, Sent, Turns
from sinkgraph.control.documents import Document, Loaded, Part, Recipe, read_file
from sinkgraph.control.drift import Drift, Seen, drift_of, first_reason
from sinkgraph.control.generations import Generations, Kept
from sinkgraph.control.keeping import Keeping
from sinkgraph.control.outcomes import Conflict, NoGeneration, NoOrigin, Outcome, silently
from sinkgraph.control.outside import outside
from sinkgraph.errors import SinkClosed
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.outcome import Applied, Refused

if TYPE_CHECKING:
    from sinkgraph.graph.diff import Plan
    from sinkgraph.graph.model import Graph
    from sinkgraph.spec.document import Syntax

__all__ = ["Supervisor"]

LOAD_S = 30.0
"""Seconds a document may take to be read before it counts as out of reach."""


class Supervisor:
    """Supervises one run. `path` is its file, None when it came from standard input.

    `loaded` is what runs from the start; `around` is entered around each reload; `told` hears what
    became of each.
    """

    def __init__(
        self,
        live: Live,
        *,
        loaded: Loaded,
        recipe: Recipe,
        path: str | None,
        syntax: Syntax | None = None,
        generations: Generations | None = None,
        around: Callable[[], AbstractContextManager[None]] = silently,
        told: Callable[[str, Outcome], None] = lambda origin, outcome: None,
    ) -> None:
        self._live = live
        self._topology = live.topology
        self._recipe = recipe
        self._path = path
        self._syntax = syntax
        self._around = around
        self.generations = generations if generations is not None else Generations(None)
        self.looked = loaded.looked
        self._seen: Seen | None = None
        self._turns = Turns(self._carry_out, self._stopped, told)
        self.running = self._first(loaded)

    def _first(self, loaded: Loaded) -> Kept:
        graph, document, now = loaded.graph, loaded.document, self._topology.clock.wall()
        assert graph is not None, "it runs"
        assert document is not None, "it runs"
        last = self.generations.last()
        number = self.generations.next
        if last is not None and last.digest == graph.digest:
            own = number if number > last.generation + 1 else last.generation
            return replace(last, document=document, generation=own)
        return Kept(number, graph.digest, document, now, "start", "", False, number)

    async def begin(self, *, resumed: bool = False) -> None:
        """Count the document that runs as committed; `resumed`: it was not read from the file."""
        topology, running = self._topology, self.running
        last = self.generations.last()
        topology.generation = topology.ctx.generation = running.generation
        if resumed:
            await self.look()
        else:
            if last is not None and last.override and last.digest != running.digest:
                topology.journal.note("override_dropped", generation=last.generation)
            if self._path is not None:
                texts = running.document.digest
                self._seen = Seen(self._path, running.at, running.digest, texts)
            self.running = running = replace(running, override=False)
        for path in self.generations.unreadable:
            topology.journal.note("document_unreadable", path=path)
        for path in self.generations.uncommitted:
            topology.journal.note("document_uncommitted", path=path)
        await topology.pool.aside(self.generations.discard, *self.generations.uncommitted)
        if last != running:
            keeping = Keeping(self.generations, topology, lambda graph, number: running)
            await keeping.keep(running)

    # what is known

    @property
    def drift(self) -> Drift | None:
        """How what runs differs from what its file says."""
        return drift_of(self.running, self._seen)

    @property
    def path(self) -> str | None:
        """The file of the run."""
        return self._path

    async def plan(
        self, sent: Sent | None, fates: Mapping[str, str] | None = None
    ) -> tuple[Loaded, Plan | None]:
        """Return what a document (None: the file) would change, without touching anything.

        The plan is None when the document has no graph: what was found says why.
        """
        loaded = await self._aside(self._loader(sent)[0])
        if loaded.graph is None:
            return loaded, None
        _, plan = await self._live.reloads.plan(loaded.graph, fates=dict(fates or {}))
        return loaded, plan

    # changing

    async def apply(
        self,
        sent: Sent | None = None,
        *,
        fates: Mapping[str, str] | None = None,
        if_match: int | None = None,
        origin: str = "api",
        by: str = "",
    ) -> Outcome:
        """Run a document from now on, or without one what the file of the run says by now.

        Raises Conflict, NoOrigin, Busy.
        """
        load, what, key, file = self._loader(sent)
        return await self._turns.ask(
            Asked(origin, by, what, key, load, dict(fates or {}), if_match, file=file)
        )

    async def rollback(
        self,
        generation: int | None = None,
        *,
        fates: Mapping[str, str] | None = None,
        if_match: int | None = None,
        by: str = "",
    ) -> Outcome:
        """Run the document of an earlier generation again, or the one before what runs.

        Raises NoGeneration, Conflict, Busy.
        """
        held = self.generations
        kept = held.before(self.running) if generation is None else held.find(generation)
        if kept is None:
            known = ", ".join(str(one.generation) for one in held.all())
            which = "before this one" if generation is None else f"{generation}"
            raise NoGeneration(f"no document of a generation {which} is kept; there are: {known}")
        document, recipe = kept.document, self._recipe
        return await self._turns.ask(
            Asked(
                "rollback",
                by,
                f"generation {kept.generation}",
                f"{kept.generation}",
                lambda: document.load(recipe),
                dict(fates or {}),
                if_match,
                kept.of,
            )
        )

    async def look(self) -> None:
        """Find out what the file says, without running it."""
        if self._path is not None:
            load, what, key, _ = self._loader(None)
            await self._turns.ask(Asked("look", "", what, key, load, file=True, only_look=True))

    async def close(self) -> None:
        """Refuse what waits, and take nothing more. Idempotent."""
        await self._turns.close()

    def _stopped(self) -> Outcome:
        return Outcome(Refused(self._topology.generation, (f"{self._live.name} stops",)))

    # turn by turn

    def _loader(self, sent: Sent | None) -> tuple[Callable[[], Loaded], str, str, bool]:
        """Return what loads a document, what it is called, its key, whether it is the file."""
        path, syntax, recipe = self._path, self._syntax, self._recipe
        own = sent is None or (sent.path is not None and _same_file(sent.path, path))
        if own:
            if path is None:
                raise NoOrigin(
                    "the document came from standard input, so there is no file to read again"
                )
            return (lambda: read_file(path, syntax, recipe)), path, "file", True
        assert sent is not None, "what is not the file was sent"
        if sent.path is not None:
            folder = os.path.dirname(os.path.abspath(sent.path))
            main = Part(sent.name or sent.path, folder, sent.text)
            document = Document(main, sent.syntax, path=sent.path)
            key = document.digest
            return (lambda: document.load(recipe, anew=True)), main.name, key, False
        main = Part("<document>", self.running.document.main.folder, sent.text)
        document = Document(main, sent.syntax, includes=False)
        load = lambda: outside(document.load(recipe, anew=True), main.folder)  # noqa: E731
        return load, "a document that was sent", document.digest, False

    async def _carry_out(self, asked: Asked) -> Outcome:
        topology = self._topology
        runs = topology.generation
        if asked.if_match is not None and asked.if_match != runs:
            raise Conflict(runs, asked.if_match)
        try:
            if asked.only_look:
                return self._looked(await self._aside(asked.load))
            by = asked.by or None
            topology.journal.note("reload_asked", origin=asked.origin, by=by, document=asked.what)
            with self._around():
                outcome = await self._reload(asked, await self._aside(asked.load))
        except TimeoutError:
            reason = f"{asked.what} could not be read within {LOAD_S:g} s"
            outcome = self._refused(Refused(runs, (reason,)))
        except SinkClosed as error:
            outcome = self._refused(Refused(runs, (str(error),)))
        except Exception as error:
            topology.journal.note("reload_failed", error=repr(error))
            reason = f"an error in sinkgraph: {type(error).__name__}; it is in the journal"
            outcome = Outcome(Refused(topology.generation, (reason,)))
        return outcome

    def _refused(self, refused: Refused) -> Outcome:
        self._topology.journal.note("reload_refused", reason=first_reason(refused))
        return Outcome(refused)

    def _looked(self, loaded: Loaded) -> Outcome:
        """Take note of what the file says."""
        runs = self._topology.generation
        refused = Refused(runs, diagnostics=loaded.found) if loaded.graph is None else None
        before = self.drift
        self._note_file(loaded, refused)
        now = self.drift
        if now is not None and (before is None or before.said != now.said):
            self._topology.journal.note("file_differs", reason=now.said)
        return Outcome(refused or Refused(runs), loaded.found)

    async def _reload(self, asked: Asked, loaded: Loaded) -> Outcome:
        runs = self._topology.generation
        if loaded.graph is None:
            outcome = self._refused(Refused(runs, diagnostics=loaded.found))
        else:
            keeping = Keeping(self.generations, self._topology, self._kept_of(asked, loaded))
            result = await self._live.reloads.reload(
                loaded.graph, fates=asked.fates, keeping=keeping
            )
            outcome = Outcome(result, loaded.found)
            if result:
                await self._applied(asked, loaded, result, keeping)
            else:
                await keeping.give_up()
        if asked.file:
            self._note_file(loaded, None if outcome else outcome.refusal)
        return outcome

    def _kept_of(self, asked: Asked, loaded: Loaded) -> Callable[[Graph, int], Kept]:
        """Return what makes the record of a document that is about to be committed."""
        document = loaded.document
        assert document is not None, "a graph has a document"

        def made(graph: Graph, generation: int) -> Kept:
            return Kept(
                generation,
                graph.digest,
                document,
                self._topology.clock.wall(),
                asked.origin,
                asked.by,
                not asked.file,
                asked.of or generation,
            )

        return made

    async def _applied(
        self, asked: Asked, loaded: Loaded, result: Applied | Refused, keeping: Keeping
    ) -> None:
        """Remember what runs now."""
        self.looked = loaded.looked if asked.file else self.looked
        if keeping.kept is not None:
            self.running = keeping.kept
            return
        assert loaded.document is not None, "a graph has a document"
        same = replace(
            self.running,
            document=loaded.document,
            override=self.running.override and not asked.file,
        )
        self._topology.journal.note("reload_changed_nothing", generation=result.generation)
        if same != self.running:
            self.running = same
            await keeping.keep(same)

    def _note_file(self, loaded: Loaded, refused: Refused | None) -> None:
        assert self._path is not None, "there is a file"
        self.looked = loaded.looked
        digest = loaded.graph.digest if loaded.graph is not None else None
        texts = loaded.document.digest if loaded.document is not None else None
        seen = self._seen
        known = seen is not None and (seen.digest, seen.texts) == (digest, texts)
        same = known and (seen is not None and (seen.refused is None) == (refused is None))
        at = seen.at if seen is not None and same else self._topology.clock.wall()
        self._seen = Seen(self._path, at, digest, texts, refused)

    async def _aside(self, load: Callable[[], Loaded]) -> Loaded:
        """Return what is loaded beside the loop, in time."""
        loaded: Loaded = await asyncio.wait_for(self._topology.pool.aside(load), LOAD_S)
        return loaded


def _same_file(one: str, other: str | None) -> bool:
    try:
        return other is not None and os.path.samefile(one, other)
    except (OSError, ValueError):
        return False
