"""Text becomes one tree with positions, whatever the syntax: YAML, TOML or JSON.

It knows no kind and no field; what a document may say is judged later, on the tree.
"""

from __future__ import annotations

from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence, Value

__all__ = ["Entry", "Mapping", "Node", "Scalar", "Sequence", "Value"]
