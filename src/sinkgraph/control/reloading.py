"""What the control plane asks of whoever replaces a running graph: plan, apply, roll back.

It is a protocol alone; without somebody who keeps it, a run says that it cannot be reloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Answer", "Supervisor"]


class Answer(Protocol):
    """Is what became of a reload: true when the graph asked for runs."""

    def __bool__(self) -> bool:
        """Whether it was applied; else nothing has changed."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values: the generation and the plan, or every reason against it."""
        ...


class Supervisor(Protocol):
    """Replaces a running graph, one reload at a time; each caller gets its own answer.

    `drift` says why what runs is not what its file says, if so. `if_match` is the generation a
    change is meant for: it is refused when another one runs by the time it has its turn.
    """

    @property
    def drift(self) -> str | None:
        """Why what runs is not what the file says, in words."""
        ...

    async def plan(self, text: str, fates: Mapping[str, str], *, syntax: str) -> dict[str, Any]:
        """Return what would become of each node, without touching any."""
        ...

    async def apply(
        self, text: str, *, fates: Mapping[str, str], if_match: int | None, syntax: str, by: str
    ) -> Answer:
        """Run a document from now on; `by` is who wants it, for the journal."""
        ...

    async def rollback(self, generation: int, *, if_match: int | None, by: str) -> Answer:
        """Run the document of an earlier generation again."""
        ...
