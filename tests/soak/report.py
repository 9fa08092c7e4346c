"""What a soak shows: a line while a part runs, a table at the end. Text in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.soak.parts import Part

__all__ = ["Result", "bar", "clock_face", "progress", "table"]

_CELLS = 24


@dataclass(frozen=True)
class Result:
    """Is how a part went so far; `cut` is set when its last round was ended by the time bound."""

    part: Part
    rounds: int = 0
    failures: int = 0
    seed: int | None = None  # of the first failure
    took_s: float = 0.0
    cut: bool = False

    def after(self, seed: int, code: int, took_s: float) -> Result:
        """Return it after one more round that ended with `code`."""
        failed = code != 0
        first = seed if failed and self.seed is None else self.seed
        return replace(
            self,
            rounds=self.rounds + 1,
            failures=self.failures + failed,
            seed=first,
            took_s=took_s,
        )

    @property
    def verdict(self) -> str:
        """`failed`, `ok`, or that no round came to its end."""
        if self.failures:
            return "failed"
        return "ok" if self.rounds else "no round ended"


def clock_face(seconds: float) -> str:
    """Return a duration as m:ss, or h:mm:ss."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar(share: float, cells: int = _CELLS) -> str:
    """Return a bar of so many cells of which a share, between 0 and 1, is done."""
    full = round(min(1.0, max(0.0, share)) * cells)
    return "#" * full + "-" * (cells - full)


def progress(result: Result, elapsed_s: float, limit_s: float) -> str:
    """Return the one line that shows how far a part is."""
    return (
        f"{result.part.name:<12} [{bar(elapsed_s / limit_s if limit_s else 1.0)}] "
        f"{clock_face(elapsed_s)} of {clock_face(limit_s)}, "
        f"rounds {result.rounds}, failures {result.failures}"
    )


def table(results: Sequence[Result]) -> str:
    """Return the table of how everything went."""
    head = ("part", "promises", "rounds", "failures", "took", "seed", "")
    rows = [
        (
            one.part.name,
            one.part.promise,
            f"{one.rounds}{'+' if one.cut else ''}",
            str(one.failures),
            clock_face(one.took_s),
            "" if one.seed is None else str(one.seed),
            one.verdict,
        )
        for one in results
    ]
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if k in (2, 3, 4, 5) else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
    if any(one.cut for one in results):
        lines.append("+ a further round was cut short by the time bound")
    return "\n".join(lines)
