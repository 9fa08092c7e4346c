"""`sinkgraph breaker`: trip, reset and probe the circuit breakers of a running graph.

Which commands there are stands here; each is a module of this package.
"""

from __future__ import annotations

from sinkgraph.cli.group import LazyGroup

__all__ = ["SECTIONS", "command"]

SECTIONS = {
    "Commands": {
        "trip": "Let nothing through a breaker, until it is reset.",
        "reset": "Close a breaker, whatever it was.",
        "probe": "Let an open breaker try at once.",
    },
}
"""Section → command → what it does."""

command = LazyGroup(
    name="breaker",
    package=__name__,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Trip, reset and probe the breakers of a running graph.\n\n"
    "NODE is the node that has the breaker, or one above it that leads to no other.",
)
