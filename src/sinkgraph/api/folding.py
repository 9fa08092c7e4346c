"""The messages of a stream, folded into the newest snapshot.

It knows no connection: it is given messages, in order.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from sinkgraph.api.addresses import Unreachable
from sinkgraph.api.models import Delta, Full, NodeView, SnapshotView
from sinkgraph.api.sse import Message

__all__ = ["Folded"]


class Folded:
    """Is the newest snapshot a stream has told of; `last_id` is where to go on."""

    def __init__(self) -> None:
        self.snapshot: SnapshotView | None = None
        self.last_id: str | None = None
        self.seq = 0
        self._top: dict[str, Any] = {}
        self._raw: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, NodeView] = {}

    def take(self, message: Message) -> bool:
        """Fold one message in; return whether the snapshot is another now.

        What does not follow on what was told before is a lost connection: Unreachable.
        """
        try:
            match message.event:
                case "full":
                    self._begin(Full.model_validate_json(message.data))
                case "delta":
                    self._go_on(Delta.model_validate_json(message.data))
                case _:
                    return False
        except ValidationError:
            self.last_id = None
            raise Unreachable("what the stream says is not understood") from None
        self.last_id = message.id
        return True

    def _begin(self, full: Full) -> None:
        self.seq = full.seq
        self.snapshot = full.snapshot
        raw = full.snapshot.model_dump()
        self._raw = raw.pop("nodes")
        self._top = {**raw, "removed": full.snapshot.removed}
        self._nodes = dict(full.snapshot.nodes)

    def _go_on(self, delta: Delta) -> None:
        if self.snapshot is None or delta.seq != self.seq + 1:
            self.last_id = None
            raise Unreachable("a part of the stream is missing")
        self.seq = delta.seq
        for name in delta.gone:
            self._raw.pop(name, None)
            self._nodes.pop(name, None)
        for name, changed in delta.nodes.items():
            raw = self._raw[name] = {**self._raw.get(name, {}), **changed}
            self._nodes[name] = NodeView.model_validate(raw)
        self._top |= delta.snapshot
        self.snapshot = SnapshotView.model_validate({**self._top, "nodes": dict(self._nodes)})
