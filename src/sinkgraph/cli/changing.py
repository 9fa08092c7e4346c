"""What `apply`, `rollback` and `plan` share: a document sent to a running graph, and its answer.

Which graph is meant is `reaching`'s affair, what becomes of it the graph's.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.state_dir import parse_fates
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.api.client import Refused
    from sinkgraph.graph.diff import Plan
    from sinkgraph.spec.document import Syntax

__all__ = [
    "FATES",
    "fate_option",
    "fates_of",
    "if_match_option",
    "is_address",
    "plan_of",
    "refused",
    "sent",
    "told_applied",
]

FATES = ("drain", "dead_letter", "discard", "move_to", "keep")
"""What may become of the events of a queue that leaves a running graph."""

_MOST_BYTES = 16 * 1024**2
_ADDRESS = re.compile(r"[a-z+]+://.*|unix:.*|.*\.sock")
_DOCUMENT = (".yaml", ".yml", ".toml", ".json")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def if_match_option(command: _Command) -> _Command:
    """Add `--if-match`, a generation."""
    return click.option(
        "--if-match",
        type=click.IntRange(1),
        default=None,
        metavar="GENERATION",
        help="Change nothing when another generation runs by then.",
    )(command)


def fate_option(command: _Command) -> _Command:
    """Add `--fate`, of queues that leave a running graph."""
    return click.option(
        "--fate",
        "fates",
        multiple=True,
        metavar="NODE=FATE",
        help="What becomes of the events of a queue that is removed: drain, dead_letter, discard,"
        " move_to:QUEUE or keep, in place of its `on_remove`; may be repeated.",
    )(command)


def fates_of(given: tuple[str, ...]) -> dict[str, str]:
    """Return what `--fate` said. Raises a usage error."""
    return parse_fates(given, "", words=FATES)


def sent(file: str, syntax: Syntax | None) -> dict[str, Any]:
    """Return a file (`-`: standard input) as it is sent: its text, and where it stands.

    Raises a one-line error where it cannot be read.
    """
    from sinkgraph.spec.document import syntax_of
    from sinkgraph.spec.document_file import read_bytes

    known = syntax or syntax_of(file)
    if known is None and _stands_in_the_way(file):
        raise click.ClickException(
            f"`{safe_text(file)}` is not a regular file: name the file of a document"
        )
    if known is None and file != "-":
        raise click.UsageError(
            f"the name of `{safe_text(file)}` does not tell how it is written: give `--syntax`"
        )
    content, finding = read_bytes(file)
    if content is None:
        said = finding.headline if finding is not None else "it cannot be read"
        raise click.ClickException(f"{safe_text(file)}: {said}")
    if len(content) > _MOST_BYTES:
        raise click.ClickException(f"`{safe_text(file)}` is larger than 16 MiB")
    if not content.strip():
        what = "standard input" if file == "-" else f"`{safe_text(file)}`"
        raise click.ClickException(f"{what} is empty: nothing was sent; give a whole document")
    text = content.decode("utf-8", "replace")
    if known is None:
        known = "json" if text.lstrip().startswith(('{"', "{}")) else "yaml"
    made: dict[str, Any] = {"document": text, "syntax": known, "origin": "cli"}
    folder = os.getcwd()
    if file == "-":
        return {**made, "path": os.path.join(folder, "<stdin>"), "name": "<stdin>"}
    return {**made, "path": os.path.abspath(file), "name": file}


def is_address(text: str) -> bool:
    """Tell whether a text says which running graph is meant, and names no document.

    A file that is there is a document, and so is what has the suffix of one.
    """
    if text == "-" or text.lower().endswith(_DOCUMENT) or os.path.isfile(text):
        return False
    if _stands_in_the_way(text):
        return False
    return _ADDRESS.fullmatch(text) is not None or "/" not in text or os.path.exists(text)


def _stands_in_the_way(text: str) -> bool:
    """Tell whether a path is a device or a pipe: neither a document nor a control socket."""
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode)


def refused(error: Refused, *, as_json: bool) -> None:
    """Show why a graph did not take a document, as `check` shows findings; exit with 1."""
    problem = error.problem
    if as_json:
        echo(json.dumps({"applied": False, **problem.model_dump()}, indent=2))
        sys.exit(FINDINGS)
    if problem.told:
        for line in problem.told.splitlines():
            echo(safe_text(line, len(line) * 6 + 1), err=True)
        echo(err=True)
    else:
        echo(f"error: {safe_text(problem.detail)}", err=True)
        for one in problem.errors:
            echo(f"  {safe_text(one)}", err=True)
    echo("nothing has changed" if problem.status != 409 else safe_text(problem.detail), err=True)
    sys.exit(FINDINGS)


def plan_of(answer: Mapping[str, Any]) -> Plan:
    """Return the plan a running graph has answered."""
    from sinkgraph.graph.diff import FieldChange, NodeChange, Plan

    def fields(held: Sequence[Mapping[str, Any]]) -> tuple[FieldChange, ...]:
        return tuple(
            FieldChange(
                one["field"], one["before"], one["after"], one["tunable"], None, one["drawing"]
            )
            for one in held
        )

    nodes = tuple(
        NodeChange(
            one["name"],
            one["kind"],
            one["action"],
            one["was"],
            fields(one["changes"]),
            one["reason"],
            one["events"],
            one["fate"] or "",
            None,
            tuple(one["forgets"]),
        )
        for one in answer["nodes"]
    )
    document = fields(answer["document"])
    return Plan(answer["before"], answer["after"], nodes, (), document)


def told_applied(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """Show what a reload has changed."""
    if as_json:
        echo(json.dumps(answer, indent=2))
        return
    for line in str(answer.get("told") or "").splitlines():
        echo(safe_text(line, len(line) * 6 + 1), err=True)
    plan = answer["plan"]
    from sinkgraph.cli.planned import DONE

    held = {name: count for name, count in plan["counts"].items() if count and name != "keep"}
    shown = ", ".join(f"{count:,} {DONE[name]}" for name, count in held.items())
    number = answer["generation"]
    newer = answer.get("superseded")
    if newer is not None:
        echo(f"another asked for the same meanwhile ({safe_text(newer['by'] or newer['origin'])})")
    if not plan["changed"] and not plan["document"] and not held:
        echo(f"nothing changes, generation {number} runs on")
    else:
        echo(f"generation {number} runs now: {shown or 'only what describes it has changed'}")
