"""Text of others made harmless and measurable, for clients that show it.

It is what `diagnostics.safe` has, by the one name clients may import; it adds nothing.
"""

from __future__ import annotations

from sinkgraph.diagnostics.safe import clip, safe_text, width

__all__ = ["clip", "safe_text", "width"]
