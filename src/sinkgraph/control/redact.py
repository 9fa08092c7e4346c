"""What leaves over the control plane is stripped of secrets, made visible, and kept small.

Values are copied, never changed. Which texts are secret is told by the document and by the names
under which they stand; what cannot be known to be secret is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.secret import MASK, Secret
from sinkgraph.telemetry.stats import LedgerView

__all__ = ["Redactor", "secrets_of"]

_SHORTEST = 4  # a shorter secret would blank half of every text
_DEEPEST = 16
_MOST_VALUES = 5_000
_REMEMBERED = 2_000
_NAMES = re.compile(
    r"passw|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|authorization"
    r"|credential|cookie|signature|session[-_]?id|bearer|\bpwd\b",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^\s/@?#\"'<>]+@")
_BEARER = re.compile(r"\b(bearer|basic)\s+(?=\S*[0-9=+/])[A-Za-z0-9+/=._~-]{6,}", re.IGNORECASE)
_QUERY = re.compile(r"(\bhttps?://[^\s?#\"'<>]*\?)(?!…)[^\s#\"'<>]+")


class Redactor:
    """Strips texts and values; `secrets` are never shown, wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._shown: dict[tuple[str, int], str] = {}  # the same few texts are shown every second
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Never show these either; those of an earlier document are still secret."""
        self._shown.clear()
        self._secrets |= {secret for secret in secrets if len(secret) >= _SHORTEST}
        escaped = sorted(map(re.escape, self._secrets), key=len, reverse=True)
        self._known = re.compile("|".join(escaped)) if escaped else None

    def text(self, text: str, limit: int | None = None) -> str:
        """Return a text without secrets, userinfo and query values of URLs."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if "://" in text:
            text = _QUERY.sub(r"\1…", _USERINFO.sub(f"{MASK}@", text))
        text = _BEARER.sub(lambda found: f"{found.group(1)} {MASK}", text)
        return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"

    def shown(self, text: str, limit: int = 500) -> str:
        """Return a text without secrets, in which every character is visible."""
        made = self._shown.get((text, limit))
        if made is None:
            made = safe_text(self.text(text, 4 * limit), limit)
            if len(self._shown) >= _REMEMBERED:
                self._shown.clear()
            if len(text) <= 4 * limit:
                self._shown[text, limit] = made
        return made

    def value(self, value: Any, *, text_limit: int = 2_000) -> Any:
        """Return a plain copy of a value without secrets: JSON's types only, bounded in size."""
        return _Copying(self, text_limit).of(value, 0)


class _Copying:
    """Copies one value; what is too deep or too much becomes an ellipsis."""

    def __init__(self, redactor: Redactor, text_limit: int) -> None:
        self._redactor = redactor
        self._limit = text_limit
        self._left = _MOST_VALUES

    def of(self, value: Any, depth: int) -> Any:
        """Return the copy of a value that stands `depth` levels deep."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "…"
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if value - value == 0 else None  # JSON knows no infinity
            case Secret():
                return MASK
            case str():
                return self._redactor.shown(value, self._limit)
            case LedgerView():
                return value.as_dict()
            case BaseModel():
                return self.of(value.model_dump(mode="json", by_alias=True), depth)
            case Mapping():
                made = {}
                for key, inner in value.items():
                    if self._left <= 0:
                        made["…"] = "…"
                        break
                    made[self._redactor.shown(str(key), 200)] = self._under(str(key), inner, depth)
                return made
            case bytes() | bytearray():
                return f"{len(value)} bytes"
            case Sequence() | set() | frozenset():
                found = [self.of(inner, depth + 1) for inner in islice(value, max(0, self._left))]
                return found if len(found) == len(value) else [*found, "…"]
        return self._redactor.shown(str(value), self._limit)

    def _under(self, key: str, inner: Any, depth: int) -> Any:
        hides = _NAMES.search(key) is not None
        return MASK if hides and isinstance(inner, str | int) else self.of(inner, depth + 1)


def secrets_of(value: Any) -> set[str]:
    """Return the text of every Secret in a model, a mapping or a sequence, however deep."""
    found: set[str] = set()
    todo, seen = [value], set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        match one:
            case Secret():
                found.add(one.reveal())
            case BaseModel():
                todo += [getattr(one, name) for name in type(one).model_fields]
            case Mapping():
                todo += one.values()
            case str() | bytes():
                pass
            case Sequence() | set() | frozenset():
                todo += one
    return found
