"""The real notifications of a Docker registry: 350 envelopes of one event each."""

from __future__ import annotations

import json
from typing import Any

from tests.support.program import DATA

__all__ = ["ACTIONS", "ENTRIES", "ENVELOPES", "IDS", "V1", "V2", "raw_entry"]

V1 = "application/vnd.docker.distribution.events.v1+json"
V2 = "application/vnd.docker.distribution.events.v2+json"
ENVELOPES = (DATA / "registry-envelopes.ndjson").read_bytes().splitlines()
ENTRIES: list[dict[str, Any]] = [
    entry for line in ENVELOPES for entry in json.loads(line)["events"]
]
IDS = [entry["id"] for entry in ENTRIES]
ACTIONS = {"push": 180, "pull": 112, "mount": 46, "delete": 12}


def raw_entry(envelope: bytes) -> bytes:
    """Return the only entry of an envelope as the registry wrote it."""
    head, tail = b'{"events":[', b"]}"
    assert envelope.startswith(head)
    assert envelope.endswith(tail)
    return envelope[len(head) : -len(tail)]
