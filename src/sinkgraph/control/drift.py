"""Whether what runs is what its file says, and if not, why: a value made of what is known of both.

It looks at no file; what was seen there is told by the supervisor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.control.generations import Kept
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.runtime.outcome import Refused

__all__ = ["Drift", "Seen", "drift_of", "first_reason", "placed"]

Why = Literal["override", "changed", "refused"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Is what the file of a run held when it was looked at last, since `at` (Unix seconds).

    `digest`: of its graph, None when it has none. `texts`: what tells its texts from others.
    `refused`: what became of the last attempt to run it, if that failed.
    """

    path: str
    at: float
    digest: str | None
    texts: str | None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """Says that the graph that runs is not that of the file, why, and since when.

    `running` and `file` are digests; `diagnostics` and `reasons` stand against the file.
    """

    why: Why
    said: str
    since: float
    running: str
    file: str | None
    diagnostics: tuple[Diagnostic, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        from sinkgraph.diagnostics.report import to_objects

        return {
            "why": self.why,
            "said": self.said,
            "since": self.since,
            "running": self.running,
            "file": self.file,
            "reasons": list(self.reasons),
            "diagnostics": to_objects(self.diagnostics),
        }


def drift_of(running: Kept, seen: Seen | None) -> Drift | None:
    """Return how what runs differs from what its file says, None when it does not."""
    if seen is None:
        if not running.override:
            return None
        return Drift("override", _applied(running), running.at, running.digest, None)
    shown = safe_text(seen.path, 200)
    refused = seen.refused
    if refused is not None:
        return Drift(
            "refused",
            f"{shown} was refused: {first_reason(refused)}",
            seen.at,
            running.digest,
            seen.digest,
            refused.diagnostics,
            refused.reasons,
        )
    if seen.digest == running.digest:
        return None
    if running.override:
        said = f"{_applied(running)}; {shown} says something else"
        return Drift("override", said, running.at, running.digest, seen.digest)
    said = f"{shown} says something else, and was not applied"
    return Drift("changed", said, seen.at, running.digest, seen.digest)


def first_reason(refused: Refused) -> str:
    """Return the first thing that stands against a document, with its place, and how many more."""
    errors = [one for one in refused.diagnostics if one.severity == "error"]
    every = [*map(placed, errors), *refused.reasons]
    more = f", and {len(every) - 1:,} more" if len(every) > 1 else ""
    return safe_text(f"{every[0]}{more}" if every else "for no reason that is known", 500)


def placed(one: Diagnostic) -> str:
    """Return a finding in one line, with its place."""
    if one.span is None:
        return one.headline
    return f"{one.span.source.name}:{one.span.line}:{one.span.col}: {one.headline}"


def _applied(running: Kept) -> str:
    by = f" by {safe_text(running.by, 80)}" if running.by else ""
    if running.of != running.generation:
        return f"generation {running.generation} is generation {running.of} again, asked for{by}"
    return f"generation {running.generation} was applied{by}"
