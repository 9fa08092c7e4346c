"""The difference of two graphs as data: what a reload would do, node by node.

Nothing here runs or waits; carrying a plan out is the runtime's.
"""

from sinkgraph.graph.diff.compare import diff
from sinkgraph.graph.diff.pairs import beside
from sinkgraph.graph.diff.plan import ACTIONS, Action, FieldChange, NodeChange, Plan

__all__ = ["ACTIONS", "Action", "FieldChange", "NodeChange", "Plan", "beside", "diff"]
