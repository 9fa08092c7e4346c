"""Which dead letters a command is about: numbers, event ids, a filter, or all of them.

It reads what was given and asks the store; what is done with the letters is the commands' own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sinkgraph.cli.options import many
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter
    from sinkgraph.log.disk.store import Store

__all__ = ["Choice", "choice_options", "filter_options", "letters_of", "refused", "take_filter"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_LARGEST = (1 << 63) - 1
_FILTERS = ("node", "reason", "type", "id", "sink", "since", "before")
_SHOWN = 5


def filter_options(command: _Command) -> _Command:
    """Add the options that choose by what letters have; read them with `take_filter`."""
    made: Any = command
    for name, metavar, help in reversed(
        (
            ("node", "NODE", "Those that died at this node."),
            ("reason", "REASON", "Those that died for this reason: gave_up, rejected, …"),
            ("type", "TYPE", "Events of this type."),
            ("id", "ID", "The event with this id."),
            ("sink", "SINK", "Those that this dead_letter sink keeps."),
            ("since", "WHEN", "Those that failed last since then: 90m, 2d, or an RFC 3339 time."),
            ("before", "WHEN", "Those that failed last before then."),
        )
    ):
        made = click.option(f"--{name}", name, default=None, metavar=metavar, help=help)(made)
    return made  # type: ignore[no-any-return]


def choice_options(command: _Command) -> _Command:
    """Add `LETTER…`, `--all` and the filter's options; make a `Choice` of what they give."""
    made: Any = filter_options(command)
    made = click.option("--all", "every", is_flag=True, help="All dead letters.")(made)
    return click.argument("letters", nargs=-1, metavar="[LETTER]...")(made)  # type: ignore[no-any-return]


def take_filter(given: dict[str, Any], now: float | None = None) -> DeadFilter:
    """Take the filter's options out of what a command was given. Raises a usage error."""
    from sinkgraph.log.disk.dead import DeadFilter

    at = time.time() if now is None else now
    parts = {name: given.pop(name) for name in _FILTERS}
    for name in ("since", "before"):
        if parts[name] is not None:
            parts[name] = _when(parts[name], f"--{name}", at)
    return DeadFilter(**parts)


def _when(text: str, option: str, now: float) -> float:
    """Return the Unix time of an age or of an RFC 3339 time."""
    from sinkgraph.formats.times import parse_rfc3339
    from sinkgraph.spec.refused import Refused
    from sinkgraph.spec.units import parse_duration

    found = parse_rfc3339(text)
    if found is not None:
        return found
    try:
        return now - parse_duration(text, zero=True)
    except Refused:
        shown = safe_text(text, 80)
        raise click.UsageError(
            f"`{option} {shown}` is no time: give an age (`90m`, `2d`) or a time"
            " (`2026-11-23T22:00:00Z`)"
        ) from None


@dataclass(frozen=True, slots=True)
class Choice:
    """Is what the arguments choose: letters by number or id, or a filter; one of the two."""

    letters: tuple[str, ...]
    filter: DeadFilter
    every: bool

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Choice:
        """Take the arguments out of what a command was given; raise a usage error."""
        from sinkgraph.log.disk.dead import EVERY

        letters, every = tuple(given.pop("letters")), bool(given.pop("every"))
        filter = take_filter(given)
        ways = (bool(letters), every, filter != EVERY)
        if sum(ways) > 1:
            raise click.UsageError(
                "letters, a filter and `--all` are three ways to choose: give one"
            )
        if not any(ways):
            raise click.UsageError(
                "nothing is chosen: name letters (`sinkgraph dlq ls --list` has their numbers),"
                " give a filter such as `--node NODE`, or `--all`"
            )
        return cls(letters, filter, every)

    def found(self, store: Store) -> DeadFilter | list[int]:
        """Return what it chooses in a store; raise a one-line error where it is nothing."""
        from sinkgraph.log.disk import dead

        if self.letters:
            return letters_of(store, self.letters)
        if not self.every and not dead.count(store, self.filter):
            raise click.ClickException(_no_match(store, self.filter))
        return self.filter


def letters_of(store: Store, given: Sequence[str]) -> list[int]:
    """Return the numbers of letters that were named by number (`12`, `#12`) or by event id.

    An id stands for every letter of that event. Raises a one-line error for one that is neither.
    """
    numbers: dict[int, None] = {}
    for one in given:
        numbers.update(dict.fromkeys(_letters_of(store, one)))
    return list(numbers)


def _letters_of(store: Store, given: str) -> list[int]:
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.letters import same_id

    digits = given.removeprefix("#")
    plain = digits.isascii() and digits.isdigit() and len(digits) < 20
    number = int(digits) if plain and int(digits) <= _LARGEST else None
    there = number is not None and dead.letter(store, number) is not None
    by_id = [] if given.startswith("#") and there else same_id(store, given)
    if there and by_id and by_id != [number]:
        raise click.ClickException(
            f"{safe_text(given)} is the number of one dead letter and the event id of"
            f" {many(len(by_id), 'another')}: write `#{number}`, or `--id {number}`"
        )
    if number is not None and there:
        return [number]
    if by_id:
        return by_id
    raise click.ClickException(
        f"no dead letter has the number or the event id `{safe_text(given, 80)}`:"
        " `sinkgraph dlq ls --list` lists them"
    )


def _no_match(store: Store, chosen: DeadFilter) -> str:
    """Return that a filter chooses nothing, and what it may have meant."""
    from sinkgraph.log.disk import dead

    groups = dead.groups(store)
    if not groups:
        return "there are no dead letters in this state dir"
    asked = {"node": chosen.node, "reason": chosen.reason, "sink": chosen.sink}
    for what, wanted in asked.items():
        there = list(dict.fromkeys(getattr(one, what) for one in groups))
        if isinstance(wanted, str) and wanted not in there:
            near = nearest(wanted, there)
            listed = ", ".join(f"`{safe_text(one, 80)}`" for one in there[:_SHOWN])
            more = ", …" if len(there) > _SHOWN else ""
            help = f"the nearest is `{safe_text(near)}`" if near else f"there are {listed}{more}"
            return f"no dead letter has the {what} `{safe_text(wanted, 80)}`; {help}"
    return f"none of {many(sum(one.count for one in groups), 'dead letter')} matches"


@contextmanager
def refused(directory: str) -> Iterator[None]:
    """Say of a state dir that is in use what can be done meanwhile; it has to be there."""
    from sinkgraph.log.disk.directory import found
    from sinkgraph.log.disk.errors import StateLocked

    found(directory)
    try:
        yield
    except StateLocked as error:
        who = f"process {error.pid}" if error.pid else "another process"
        raise click.ClickException(
            f"state directory {safe_text(directory)} is in use by {who}: stop that first;"
            " `dlq ls`, `show`, `export` and `replay --dry-run` work meanwhile,"
            " `replay` and `purge` with `--live ADDR`"
        ) from None
