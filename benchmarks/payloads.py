"""What the benchmarks write, made before any clock starts.

Small payloads are distinct dicts as far as memory allows (`DISTINCT` of them, written in turn);
payloads that remember what was done to them, as `Json` does, are made anew for every run.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

__all__ = ["DISTINCT", "NDJSON_LINES", "event_values", "groups", "json_texts", "singles"]

DISTINCT = 200_000
"""Distinct small payloads; a run of more events writes them again from the first."""

NDJSON_LINES = 100
"""Events in one NDJSON body."""


@cache
def _pool() -> list[dict[str, Any]]:
    # Half of them pass `data.action == "push"`; a quarter has each shard.
    return [{"action": "pull" if k % 2 else "push", "shard": k % 4} for k in range(DISTINCT)]


def singles(n: int) -> list[dict[str, Any]]:
    """Return n small payloads to be written one by one."""
    pool = _pool()
    return pool * (n // DISTINCT) + pool[: n % DISTINCT]


@cache
def _grouped(size: int) -> list[list[dict[str, Any]]]:
    pool = _pool()
    return [pool[k : k + size] for k in range(0, DISTINCT, size)]


def groups(n: int, size: int) -> list[list[dict[str, Any]]]:
    """Return n small payloads in lists of `size`, which divides both n and `DISTINCT`."""
    if n % size or DISTINCT % size:
        raise ValueError(f"{size} does not divide {n} and {DISTINCT}")
    grouped = _grouped(size)
    rounds, rest = divmod(n // size, len(grouped))
    return grouped * rounds + grouped[:rest]


@cache
def json_texts(size: int = 256) -> list[bytes]:
    """Return 1,000 events of about `size` bytes as JSON text; half of them are pushes."""
    texts: list[bytes] = []
    for k in range(1_000):
        event = {
            "id": f"{k:032x}",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "action": "pull" if k % 2 else "push",
            "target": {"repository": f"library/service-{k % 40}", "tag": "1.2.3", "size": 708 + k},
            "note": "",
        }
        event["note"] = "x" * max(0, size - len(msgspec.json.encode(event)))
        texts.append(msgspec.json.encode(event))
    return texts


@cache
def event_values(size: int) -> list[dict[str, Any]]:
    """Return what `json_texts` holds as values."""
    return [msgspec.json.decode(text) for text in json_texts(size)]
