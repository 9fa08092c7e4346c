"""What goes wrong with an expression: before it runs (`BadExpression`), and on one event.

It does not decide what becomes of the event: that is the node's `on_error`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.errors import Rejected, SinkgraphError

__all__ = ["BadExpression", "ExprError", "ExpressionError", "shown"]

_SHOWN = 160


@dataclass(frozen=True, slots=True)
class ExprError:
    """Is one finding about an expression: `text[start:end]` is at fault."""

    start: int
    end: int
    message: str
    help: str | None = None


class BadExpression(SinkgraphError, ValueError):
    """Carry every finding about an expression that cannot be used."""

    def __init__(self, text: str, errors: Sequence[ExprError]) -> None:
        self.text = text
        self.errors: tuple[ExprError, ...] = tuple(errors)
        super().__init__(self._text())

    def _text(self) -> str:
        found = "; ".join(
            f"{one.message} at column {one.start + 1}" + (f" ({one.help})" if one.help else "")
            for one in self.errors
        )
        return f"the expression `{shown(self.text)}` cannot be used: {found}"


class ExpressionError(Rejected):
    """Say that an expression has no value for this event: trying it again cannot help.

    `text` is the expression, `reason` what failed, `help` the guard that would avoid it.
    """

    def __init__(self, text: str, reason: str, help: str | None = None) -> None:
        self.text = text
        self.reason = reason
        self.help = help
        tail = f"; {help}" if help else ""
        super().__init__(f"the expression `{shown(text)}` failed: {reason}{tail}")


def shown(text: str) -> str:
    """Return an expression on one line, cut where it would be too long for a message."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
