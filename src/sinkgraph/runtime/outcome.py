"""What a reload answers: applied, with its generation and plan, or refused, with every reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.diff import Plan

__all__ = ["Applied", "Refused"]


@dataclass(frozen=True, slots=True)
class Applied:
    """Says that the graph asked for runs, as `generation`; `plan` tells what changed.

    `commit_s`: how long the running graph stood still for it, in seconds; 0 when nothing differed.
    """

    generation: int
    plan: Plan
    commit_s: float = 0.0

    def __bool__(self) -> bool:
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "applied": True,
            "generation": self.generation,
            "commit_s": self.commit_s,
            "plan": self.plan.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """Says that nothing changed, and why: `generation` runs on.

    `diagnostics` are what is wrong with the document; `reasons` what else stands against it (a busy
    port, a file that cannot be opened), a line each.
    """

    generation: int
    reasons: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        said = [one.headline for one in self.diagnostics if one.severity == "error"]
        return "; ".join([*said, *self.reasons])

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        from sinkgraph.diagnostics.report import to_objects

        return {
            "applied": False,
            "generation": self.generation,
            "reasons": list(self.reasons),
            "diagnostics": to_objects(self.diagnostics),
        }
