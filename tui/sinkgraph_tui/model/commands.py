"""The command line's twin of what a screen offers: text that can be pasted into a shell.

It spells commands and runs none.
"""

from __future__ import annotations

import shlex

__all__ = ["command"]

_BREAKER = frozenset({"trip", "reset", "probe"})


def command(
    verb: str,
    node: str | None = None,
    *,
    address: str | None = None,
    lasting: str | None = None,
    why: str | None = None,
) -> str:
    """Return what to type: `sinkgraph pause hooks --for 10m`.

    `address` says which graph, where more than one runs; only `replay` always needs it. `letters`
    and `replay` are about the dead letters of a node; other verbs are commands of that name.
    """
    words = ["sinkgraph"]
    if verb == "letters":
        return shlex.join([*words, "dlq", "ls", *(["--node", node] if node is not None else [])])
    if verb == "replay":
        chosen = ["--node", node] if node is not None else ["--all"]
        return shlex.join([*words, "dlq", "replay", *chosen, "--live", address or "ADDR"])
    words += ["breaker", verb] if verb in _BREAKER else [verb]
    named = [one for one in (node, address) if one is not None]
    options = ["--for", lasting] if lasting is not None else []
    options += ["--why", why] if why is not None else []
    if any(one.startswith("-") for one in named):
        return shlex.join([*words, *options, "--", *named])
    return shlex.join([*words, *named, *options])
