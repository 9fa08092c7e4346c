"""`sinkgraph import`: another program's configuration as a graph document.

Which programs there are stands here; each is a module of this package.
"""

from __future__ import annotations

from sinkgraph.cli.group import LazyGroup

__all__ = ["SECTIONS", "command"]

SECTIONS = {
    "Programs": {"registry": "Turn a Docker registry's `notifications.endpoints` into a graph."},
}
"""Section → command → what it does."""

command = LazyGroup(
    name="import",
    package=__name__,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn the configuration of another program into a graph document.",
)
