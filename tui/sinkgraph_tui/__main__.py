"""Answer `python -m sinkgraph_tui`: say what this version can and cannot show.

It opens no screen and talks to no running graph.
"""

from __future__ import annotations

import sys

NOTICE = """\
The terminal interface is not in this version.
It will show a running graph live: the graph itself, depth and rate of every queue, breaker
states, and the fate of every event; `sinkgraph top` will open it.
Until then: `sinkgraph run GRAPH` logs what happens, `sinkgraph render GRAPH` draws the graph.
"""


def main() -> int:
    """Print what will come, and return 1: what was asked for is not here."""
    sys.stderr.write(NOTICE)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
