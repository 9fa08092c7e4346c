"""Acquiring what nodes need before they run, with every reason why that cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from sinkgraph.errors import SinkgraphError, StartFailed
from sinkgraph.sinks.base import Node

__all__ = ["acquire", "provision", "said"]


async def provision(nodes: Sequence[Node], opened: list[Node]) -> list[str]:
    """Open nodes, leaves first; return every reason why it cannot be done.

    Whoever has to be closed again, also after a cancellation, is added to `opened`.
    """
    reasons: list[str] = []
    for node in reversed(nodes):
        opened.append(node)
        reasons += await acquire(node, node.open())
    return reasons


async def acquire(node: Node, acquiring: Awaitable[None]) -> list[str]:
    """Do what acquires something for a node; return why that cannot be done."""
    try:
        await acquiring
    except StartFailed as error:
        return list(error.reasons)
    except Exception as error:
        return [_reason(node, error)]
    return []


def said(error: Exception) -> str:
    """Return what an error says, and its type where it is not ours."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    name = type(error).__name__
    return str(error) if isinstance(error, SinkgraphError) else f"{name}: {error}".rstrip(": ")


def _reason(node: Node, error: Exception) -> str:
    text = said(error)
    who = f"{node.kind} {node.name}: "
    return text if text.startswith(who) else who + text
