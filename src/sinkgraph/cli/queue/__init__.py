"""`sinkgraph queue`: look into, check, repair and empty the queues of a state dir, without a run.

Which commands there are stands here; each is a module of this package.
"""

from __future__ import annotations

from sinkgraph.cli.group import LazyGroup

__all__ = ["SECTIONS", "command"]

SECTIONS = {
    "Look, also while a run uses the state dir": {
        "ls": "List the queues that hold events, and what else a state dir holds.",
        "peek": "Show the oldest pending events of a queue.",
        "export": "Write the pending events of a queue as lines of JSON, and leave them there.",
        "check": "Verify everything in a state dir, and say what is damaged or missing.",
    },
    "Change, while nothing else uses it": {
        "drain": "Move the pending events of a queue to a file or a pipe, as lines of JSON.",
        "repair": "Save everything that can be read of a damaged state dir.",
        "migrate": "Bring the stored events of an older sinkgraph to the format of this one.",
    },
}
"""Section → command → what it does."""

command = LazyGroup(
    name="queue",
    package=__name__,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look into, check, repair and empty the queues of a state dir.\n\n"
    "The state dir is `--state-dir`, else SINKGRAPH_STATE_DIR or STATE_DIRECTORY, else the only"
    " one below $XDG_STATE_HOME/sinkgraph that holds events.",
)
