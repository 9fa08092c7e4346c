"""Questions on the terminal, each answer judged at once by the checker.

What may be asked for is `cli.new.answers`; a question is put again until the document its answer
gives has no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sinkgraph.cli.new.answers import ENDS, SOURCES, STARTERS, Answers
from sinkgraph.cli.options import echo
from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["ask", "findings_of", "said_of"]

Judge = Callable[[Answers], list[Diagnostic]]

_EVERY = "all"
_ANSWERS = {
    "listen": ("Address to listen on", ("webhook", "registry"), tuple(ENDS)),
    "paths": ("Files to follow", ("logs",), tuple(ENDS)),
    "url": ("URL of the webhook", tuple(SOURCES), ("webhook",)),
    "first_url": ("URL of the first endpoint", tuple(SOURCES), ("failover",)),
    "second_url": ("URL of the second endpoint", tuple(SOURCES), ("failover",)),
    "file": ("File they go to", tuple(SOURCES), ("file",)),
}
"""Field → its question, and the sources and ends it is asked for."""


def ask(name: str | None, default_name: str | None, judge: Judge) -> Answers:
    """Return what somebody at the terminal answers; raise Abort when they leave.

    `name` is given and not asked for; `default_name` is offered, else that of the starter.
    """
    judge = _with_warnings_once(judge)
    source = _choose("Where do events come from?", SOURCES, "webhook")
    ends = {key: end.what for key, end in ENDS.items() if source in end.sources}
    end = _choose("Where do they go?", ends, "levels" if source == "logs" else "webhook")
    pairs = {pair: starter for starter, pair in STARTERS.items()}
    starter = pairs.get((source, end))
    answers = Answers.of(starter) if starter else Answers(source=source, end=end, name=source)
    for field, (question, sources, ends_of) in _ANSWERS.items():
        if source in sources and end in ends_of:
            answers = _field(answers, field, question, judge)
    answers = _where(answers, judge)
    if answers.queued:
        durable = click.confirm(
            "Must accepted events outlive a kill? (queues on disk)", default=True, err=True
        )
        answers = replace(answers, durable=durable)
    answers = replace(answers, name=name or default_name or answers.name)
    return answers if name else _field(answers, "name", "Name of the graph", judge)


def _with_warnings_once(judge: Judge) -> Judge:
    """Return a judge that does not tell of a warning again."""
    told: set[str] = set()

    def judged(answers: Answers) -> list[Diagnostic]:
        found = [one for one in judge(answers) if said_of(one) not in told]
        told.update(said_of(one) for one in found if one.severity == "warning")
        return found

    return judged


def _choose(question: str, options: Mapping[str, str], default: str) -> str:
    echo(question, err=True)
    width = max(map(len, options))
    for key, what in options.items():
        echo(f"  {key.ljust(width)}  {what}", err=True)
    kind = click.Choice(list(options), case_sensitive=False)
    chosen: str = click.prompt(
        "Which one", type=kind, default=default, show_choices=False, err=True
    )
    return chosen


def _field(answers: Answers, field: str, question: str, judge: Judge) -> Answers:
    """Ask for one field until the document it gives has no error."""

    def made(text: str) -> Answers:
        changed: dict[str, Any] = {field: text.strip()}
        return replace(answers, **changed)

    return _until_right(question, getattr(answers, field), made, judge)


def _where(answers: Answers, judge: Judge) -> Answers:
    echo(f"Which of them go on? A condition such as `data.level == 1`, or `{_EVERY}`.", err=True)

    def made(text: str) -> Answers:
        return replace(answers, where=None if text.strip() == _EVERY else text.strip())

    return _until_right("Those for which", answers.where or _EVERY, made, judge)


def _until_right(
    question: str, default: str, made: Callable[[str], Answers], judge: Judge
) -> Answers:
    while True:
        answers = made(click.prompt(question, default=default, err=True))
        found = judge(answers)
        for one in found:
            echo(said_of(one), err=True)
        if not any(one.severity == "error" for one in found):
            return answers


def said_of(found: Diagnostic) -> str:
    """Return a finding without its place, which nobody has seen yet."""
    lines = [f"{found.severity}[{found.code}]: {found.headline}"]
    lines += [f"  = note: {one}" for one in found.notes]
    lines += [f"  = help: {one}" for one in found.help]
    return "\n".join(safe_text(line) for line in lines)


def findings_of(text: str, name: str, syntax: str) -> list[Diagnostic]:
    """Return what the checker says of a document that is not written yet."""
    import os

    from sinkgraph.graph.load import load_tree
    from sinkgraph.spec.document import Syntax, parse

    written: Syntax = "toml" if syntax == "toml" else "json" if syntax == "json" else "yaml"
    tree, found = parse(text, name, written)
    if tree is None:
        return found
    base = Path.cwd() if name == "-" else Path(name).absolute().parent
    _, more = load_tree(
        tree, base=base, output=Path.cwd(), set_vars={}, secrets="placeholder", env=os.environ
    )
    return [*found, *more]
