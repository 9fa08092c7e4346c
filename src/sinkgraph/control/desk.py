"""What every answer of the control plane is made from: the running graph and who watches it.

It is put together by the server, and does nothing by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from sinkgraph.control.hub import Hub, Message
from sinkgraph.control.operating import Operator
from sinkgraph.control.redact import Redactor, secrets_of
from sinkgraph.control.sampling import Sampler
from sinkgraph.control.supervisor import Supervisor
from sinkgraph.control.tally import Tally
from sinkgraph.graph.model import Graph
from sinkgraph.runtime.live import Live
from sinkgraph.telemetry.journal import Entry

__all__ = ["Desk"]

_KEPT = 1_000
_TOLD_FIRST = 100


class Desk:
    """Holds what endpoints work with; `graph` is what was started, where a document was."""

    def __init__(
        self, live: Live, graph: Graph | None = None, supervisor: Supervisor | None = None
    ) -> None:
        self.live = live
        self.supervisor = supervisor
        self._graph = graph
        self._known: Graph | None = None
        self.redactor = Redactor()
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.operator = Operator(live, self.spawn, lambda: self.sampler.hurry())
        self.tally = Tally()
        self.sampler = Sampler(
            live,
            lambda: self.graph,
            self.redactor,
            self.operator.reverts,
            self.drift,
            self.operator.said,
        )
        self.journal: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.taps = 0
        self.drawing = asyncio.Lock()  # one picture at a time
        self._noted = 0
        self.news = Hub(live.topology.run_id, self._recent, kept=_KEPT, queued=64)
        self._read_graph()
        for entry in live.topology.journal.entries:
            self._note(entry)
        live.topology.journal.listen(self._note)

    @property
    def graph(self) -> Graph | None:
        """The graph that runs, where it came from a document."""
        return self._read_graph()

    def _read_graph(self) -> Graph | None:
        """Return the graph, and learn what its document keeps secret."""
        graph = self.live.topology.assembly.graph or self._graph
        if graph is not None and graph is not self._known:
            self._known = graph
            specs = (node.spec for node in graph.nodes.values())
            self.redactor.learn(secrets_of([graph.vars, *specs]))
        return graph

    def drift(self) -> dict[str, Any] | None:
        """Return how what runs differs from what its file says, as `DriftView` has it."""
        drift = self.supervisor.drift if self.supervisor is not None else None
        if drift is None:
            return None
        made: dict[str, Any] = self.redactor.value(drift.as_dict())
        return made

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task that ends with the control plane."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks[task] = None
        task.add_done_callback(lambda done: self.tasks.pop(done, None))
        return task

    # the journal

    def _note(self, entry: Entry) -> None:
        facts = dict(entry.facts)
        node = facts.pop("node", None)
        value = {
            "seq": self.news.seq + 1,
            "at": entry.at,
            "kind": entry.kind,
            "node": None if node is None else self.redactor.shown(str(node), 200),
            "facts": self.redactor.value({k: v for k, v in facts.items() if v is not None}),
        }
        self.tally.note(entry)
        if entry.kind == "graph_reloaded":
            self.sampler.hurry()  # who asks next sees the graph that runs
        self.journal.append(value)
        self.news.publish("entry", value)

    def _recent(self) -> list[Message]:
        newest = list(self.journal)[-_TOLD_FIRST:]
        return [Message.of(value["seq"], "entry", value) for value in newest]

    async def close(self) -> None:
        """End every stream, and every task."""
        self.sampler.hub.close()
        self.news.close()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
