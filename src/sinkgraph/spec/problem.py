"""What a model finds wrong with its own values, placed by field and not by position.

The loader turns it into a diagnostic with a place; nothing here knows a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["ANY", "Later", "Path", "Problem"]

Path = tuple[str | int, ...]

ANY: Any = object()
"""Stands for every value of a field."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Is one finding about a node: `path` is the field at fault, `clash` fields it clashes with.

    `on_key`: the place is the key and not the value. `clash` pairs a path with what it says.
    """

    code: str
    headline: str
    path: Path
    label: str = ""
    help: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    clash: tuple[tuple[Path, str], ...] = ()
    severity: Literal["error", "warning"] = "error"
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Says that a field, or one value of it, is not in this version; `instead` is one action.

    `value` ANY means the whole field; `MAPPING` any mapping there.
    """

    field: str
    value: Any = ANY
    instead: str = ""

    def meets(self, written: Any) -> bool:
        """Tell whether what was written is the thing not supported."""
        if self.value is ANY:
            return True
        if callable(self.value):
            return bool(self.value(written))
        return type(written) is type(self.value) and bool(written == self.value)
