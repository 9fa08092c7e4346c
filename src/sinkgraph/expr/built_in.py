"""The schemas that are built in, as JSON Schema.

`docker.registry` is an entry of a notification of Docker Distribution 2.7 and newer
(`notifications/event.go`): of what it leaves out when it is empty, only the repository of the
target is taken to be there always.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BUILT_IN"]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer"}


def _closed(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }


_DESCRIBED: dict[str, Any] = {
    "mediaType": _TEXT,
    "size": _COUNT,
    "digest": _TEXT,
    "urls": {"type": "array", "items": _TEXT},
    "annotations": {"type": "object", "additionalProperties": _TEXT},
    "platform": {"type": "object"},
    "artifactType": _TEXT,
    "data": _TEXT,
}
_REGISTRY = _closed(
    ("id", "action", "timestamp", "target", "request", "actor", "source"),
    id=_TEXT,
    timestamp=_TEXT,
    action=_TEXT,
    target=_closed(
        ("repository",),
        **_DESCRIBED,
        length=_COUNT,
        repository=_TEXT,
        fromRepository=_TEXT,
        url=_TEXT,
        tag=_TEXT,
        references={"type": "array", "items": _closed(**_DESCRIBED)},
    ),
    request=_closed(id=_TEXT, addr=_TEXT, host=_TEXT, method=_TEXT, useragent=_TEXT),
    actor=_closed(name=_TEXT),
    source=_closed(addr=_TEXT, instanceID=_TEXT),
)

BUILT_IN: Mapping[str, Any] = {
    "docker.registry": _REGISTRY,
    "cloudevents": True,
    "json": True,
    "any": True,
}
"""Name → schema."""
