"""The command `sinkgraph`: which commands there are.

Each is a module of this package, loaded when it is called; how a run ends is `cli.group`.
"""

from __future__ import annotations

import atexit
import gc
import os

import click

from sinkgraph import __version__
from sinkgraph.cli.group import LazyGroup

__all__ = ["SECTIONS", "cli", "main"]

SECTIONS = {
    "Documents": {
        "check": "Report every problem of graph documents.",
        "fmt": "Put graph documents in order, comments kept.",
        "explain": "Say what findings mean, or what is known of a graph before it runs.",
        "render": "Draw a graph document.",
        "plan": "Say what a reload to another document would do.",
        "kinds": "List the kinds of nodes, or the fields of one.",
        "schema": "Print the JSON Schema of graph documents, for editors.",
        "new": "Write a graph document to begin from.",
        "import": "Turn the configuration of another program into a graph document.",
    },
    "Events": {
        "run": "Run a graph document until its sources end, or Ctrl-C.",
        "receive": "Receive webhooks and print one line for each.",
        "demo": "Run the quickstart graph on real notifications and take its webhook down mid-way.",
    },
    "A running graph": {
        "status": "Say how a running graph stands, the worst first.",
        "watch": "Say what changes in a running graph, one sentence a line.",
        "tap": "Show a sample of the events that pass a node of a running graph.",
        "apply": "Run a document in a running graph from now on.",
        "rollback": "Run a document again that ran before.",
        "pause": "Hold a queue or a source of a running graph back.",
        "resume": "Let a paused queue or source of a running graph go on.",
        "breaker": "Trip, reset and probe the breakers of a running graph.",
    },
    "Stored events": {
        "queue": "Look into, check, repair and empty the queues of a state dir.",
        "dlq": "Look at dead letters, replay them, delete them.",
    },
}
"""Section → command → what it does."""


@click.group(
    cls=LazyGroup,
    package="sinkgraph.cli",
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Describe where events go as a typed graph; check it, draw it, run it.",
    epilog="Exit codes: 0 ok, 1 findings, a failed start or events lost, 2 usage,"
    " 3 no running graph can be reached, 130 interrupted.",
)
@click.version_option(__version__, message="sinkgraph %(version)s")
def cli() -> None:
    """Hold the commands."""


def _hold_standard_streams() -> None:
    """Fill a standard descriptor that was closed with one that fails in its way of use.

    Otherwise the next file or socket to be opened gets its number, and output goes into that.
    """
    for number, way in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, way)  # gets the lowest free number, this one


def main() -> None:
    """Run the command line of this process."""
    _hold_standard_streams()
    atexit.register(gc.freeze)  # what is left at the end goes with the process, uncounted
    cli.main(prog_name="sinkgraph")
