"""Is the terminal interface of sinkgraph, in its first, still empty form.

It will draw a running graph from what `sinkgraph.api` hands out and imports nothing else of
sinkgraph. It does not run graphs.
"""

from __future__ import annotations

__all__: list[str] = []
