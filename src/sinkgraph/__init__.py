"""Describe where events go as a typed graph; check it, draw it, run it.

Importing this package loads almost nothing: every public name is looked up in `_EXPORTS` when it
is first used, so that `import sinkgraph` costs neither networkx nor an HTTP stack.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkgraph.errors import BreakerOpen as BreakerOpen
    from sinkgraph.errors import DeliveryFailed as DeliveryFailed
    from sinkgraph.errors import DocumentError as DocumentError
    from sinkgraph.errors import NotOwned as NotOwned
    from sinkgraph.errors import Overloaded as Overloaded
    from sinkgraph.errors import Owed as Owed
    from sinkgraph.errors import PartialWrite as PartialWrite
    from sinkgraph.errors import Rejected as Rejected
    from sinkgraph.errors import SinkClosed as SinkClosed
    from sinkgraph.errors import SinkgraphError as SinkgraphError
    from sinkgraph.errors import StartFailed as StartFailed
    from sinkgraph.errors import StoreFailed as StoreFailed
    from sinkgraph.errors import StoreFull as StoreFull
    from sinkgraph.errors import TooLarge as TooLarge
    from sinkgraph.event import Batch as Batch
    from sinkgraph.event import Event as Event
    from sinkgraph.graph.load import check as check
    from sinkgraph.graph.load import load as load
    from sinkgraph.graph.model import Graph as Graph
    from sinkgraph.runtime.background import background as background
    from sinkgraph.runtime.live import Live as Live
    from sinkgraph.runtime.run import run as run
    from sinkgraph.sinks.base import Sink as Sink
    from sinkgraph.sources.base import Source as Source
    from sinkgraph.telemetry.status import CloseReport as CloseReport
    from sinkgraph.telemetry.status import Snapshot as Snapshot

__version__ = "0.1.0"

_EXPORTS: dict[str, str] = {
    "Batch": "sinkgraph.event",
    "BreakerOpen": "sinkgraph.errors",
    "DeliveryFailed": "sinkgraph.errors",
    "DocumentError": "sinkgraph.errors",
    "CloseReport": "sinkgraph.telemetry.status",
    "Event": "sinkgraph.event",
    "Graph": "sinkgraph.graph.model",
    "Live": "sinkgraph.runtime.live",
    "NotOwned": "sinkgraph.errors",
    "Overloaded": "sinkgraph.errors",
    "Owed": "sinkgraph.errors",
    "PartialWrite": "sinkgraph.errors",
    "Rejected": "sinkgraph.errors",
    "SinkClosed": "sinkgraph.errors",
    "SinkgraphError": "sinkgraph.errors",
    "Sink": "sinkgraph.sinks.base",
    "Snapshot": "sinkgraph.telemetry.status",
    "Source": "sinkgraph.sources.base",
    "StartFailed": "sinkgraph.errors",
    "StoreFailed": "sinkgraph.errors",
    "StoreFull": "sinkgraph.errors",
    "TooLarge": "sinkgraph.errors",
    "background": "sinkgraph.runtime.background",
    "check": "sinkgraph.graph.load",
    "load": "sinkgraph.graph.load",
    "run": "sinkgraph.runtime.run",
}
"""Public name → the module that defines it."""

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'sinkgraph' has no attribute {name!r}")
    found = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
