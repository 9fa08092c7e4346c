"""Events a source read and does not hand on: each becomes a dead letter, and is counted.

Which those are, the source decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.formats.limits import BadItem
from sinkgraph.sinks.burial import bury_batch
from sinkgraph.sources.base import SourceNode

__all__ = ["bury", "without"]


def without(values: Sequence[Any], bad: Sequence[BadItem]) -> list[Any]:
    """Return the values that are not bad."""
    refused = {one.index for one in bad}
    return [one for k, one in enumerate(values) if k not in refused]


async def bury(node: SourceNode, value: Any, reason: str, why: str) -> None:
    """Make a dead letter of what is no event, or of an event that is not valid."""
    node.last_error = why
    ledger = node.ledger
    ledger.entered += 1
    ledger.held += 1
    dead = 0
    try:
        await bury_batch(node, None, node.stamp([value]), reason, [why])
        dead = 1
    finally:
        ledger.held -= 1
        ledger.dead_lettered += dead
        ledger.returned += 1 - dead
