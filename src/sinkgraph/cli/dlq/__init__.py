"""`sinkgraph dlq`: look at dead letters, replay them, delete them, of a state dir, without a run.

Which commands there are stands here; each is a module of this package.
"""

from __future__ import annotations

from sinkgraph.cli.group import LazyGroup

__all__ = ["SECTIONS", "command"]

SECTIONS = {
    "Look, also while a run uses the state dir": {
        "ls": "List dead letters by node and reason, or one by one.",
        "show": "Show a dead letter: the event, where and why it died.",
        "export": "Write dead letters as lines of JSON, and leave them there.",
    },
    "Change, while nothing else uses it": {
        "replay": "Have the next run write dead letters into their nodes again.",
        "purge": "Delete dead letters for good.",
    },
}
"""Section → command → what it does."""

command = LazyGroup(
    name="dlq",
    package=__name__,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look at dead letters, replay them, delete them.\n\n"
    "The state dir is `--state-dir`, else SINKGRAPH_STATE_DIR or STATE_DIRECTORY, else the only"
    " one below $XDG_STATE_HOME/sinkgraph that holds events.",
)
