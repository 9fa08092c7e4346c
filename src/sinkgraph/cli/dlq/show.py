"""`sinkgraph dlq show LETTER`: one dead letter, with where and why it died.

It changes nothing and may be asked of a state dir that is in use.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.dlq.choosing import letters_of
from sinkgraph.cli.dlq.words import letter_object
from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.queue.opening import for_reading, state_option
from sinkgraph.cli.queue.target import Target
from sinkgraph.cli.queue.words import size_words, time_words
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.event import Event
    from sinkgraph.log.disk.dead import DeadLetter
    from sinkgraph.log.disk.letters import Told

__all__ = ["command"]

_LINES = 60
_LINE = 400
_TEXT = 2_000
_HEX_ROWS = 32


@click.command(name="show")
@click.argument("letter", metavar="LETTER")
@state_option
@click.option("--full", is_flag=True, help="Show all of a long payload.")
@click.option("--raw", is_flag=True, help="Print the payload alone, as it came.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(letter: str, state_dir: str | None, full: bool, raw: bool, as_json: bool) -> None:
    """Show a dead letter: the event, where and why it died.

    LETTER is its number, as `dlq ls --list` has it, or the id of its event.
    """
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.letters import tell

    if raw and as_json:
        raise click.UsageError("`--raw` and `--json` are two ways to print: give one")
    with for_reading(held_dir(state_dir)) as store:
        *others, number = letters_of(store, [letter])
        one = dead.letter(store, number)
        assert one is not None, "it was found in the same view of the store"
    told = tell(one)
    if as_json:
        echo(json.dumps(_object(one, told), indent=2, default=repr))
    elif raw and told is not None:
        with Target("-") as out:
            out.write(_bytes(told.event) + (b"" if _is_bytes(told.event) else b"\n"))
    elif not raw:
        echo("\n".join(_lines(one, told, others, full)))
    if told is None:
        _refuse_damaged(number)


def _refuse_damaged(number: int) -> None:
    echo(
        f"error: dead letter #{number} is damaged: its event can neither be read nor replayed",
        err=True,
    )
    sys.exit(FINDINGS)


def _is_bytes(event: Event) -> bool:
    return isinstance(event.payload, bytes)


def _bytes(event: Event) -> bytes:
    from sinkgraph.payload import encode_json

    payload = event.payload
    return payload if isinstance(payload, bytes) else encode_json(payload)


def _object(letter: DeadLetter, told: Told | None) -> dict[str, Any]:
    from sinkgraph.formats.event_line import event_line

    made = letter_object(letter, told)
    made["event"] = None
    if told is not None:
        try:
            made["event"] = json.loads(event_line(told.event))
        except (ValueError, RecursionError):  # nested too deep, or numbers too long, to be decoded
            made["event"] = {"id": told.event.id, "data_base64": _base64(_bytes(told.event))}
    return made


def _base64(held: bytes) -> str:
    return base64.b64encode(held).decode()


def _lines(letter: DeadLetter, told: Told | None, others: list[int], full: bool) -> Iterator[str]:
    """Yield what a person reads."""
    yield f"dead letter #{letter.number}, kept by {safe_text(letter.sink)}"
    yield _fact("event", safe_text(letter.id, _TEXT))
    yield _fact("type", safe_text(letter.type, _TEXT))
    if told is not None:
        yield _fact("source", safe_text(told.event.source, _TEXT) or "—")
        yield _fact("time", time_words(told.event.time))
    yield _fact("died at", safe_text(letter.node, _TEXT) or "—")
    if told is not None and told.path:
        yield _fact("path", " → ".join(safe_text(one, _TEXT) for one in told.path))
    yield _fact("reason", safe_text(letter.reason, _TEXT))
    yield _fact("failed", f"first {time_words(letter.first)}, last {time_words(letter.at)}")
    if told is None:
        yield _fact("data", "damaged: what is stored is not what was written")
        return
    yield _fact("attempts", f"{told.attempts:,}")
    if told.replayed:
        yield _fact("replayed", "once before" if told.replayed == 1 else f"{told.replayed} times")
    yield from _history(told) if told.history else _errors(told)
    if told.graph:
        yield _fact("graph", safe_text(told.graph, _TEXT))
    if others:
        numbers = ", ".join(f"#{one}" for one in others)
        yield _fact("also", f"{numbers} of the same event")
    if told.event.meta:
        yield _fact("meta", safe_text(_json(dict(told.event.meta)), _TEXT))
    yield from _payload(told.event, full)


def _fact(name: str, text: str) -> str:
    return f"  {name:<9} {text}"


def _history(told: Told) -> Iterator[str]:
    """Yield every attempt that is kept: its number, when it failed, and why."""
    numbers = [f"{one.number:,}" for one in told.history]
    wide = max(map(len, numbers))
    name, last = "history", 0
    for one, number in zip(told.history, numbers, strict=True):
        missing = one.number - last - 1
        if missing > 0:
            yield _fact(name, f"{'…':>{wide}}  {missing:,} left out")
            name = ""
        at = "" if one.at is None else f"{time_words(one.at)}  "
        yield _fact(name, f"{number:>{wide}}  {at}{safe_text(one.error, _TEXT)}")
        name, last = "", one.number


def _errors(told: Told) -> Iterator[str]:
    """Yield every error that is kept, numbered, oldest first."""
    for k, text in enumerate(told.errors):
        wide = len(str(len(told.errors)))
        name = "errors" if k == 0 else ""
        yield _fact(name, f"{k + 1:>{wide}}  {safe_text(text, _TEXT)}")


def _payload(event: Event, full: bool) -> Iterator[str]:
    held = _bytes(event)
    if _is_bytes(event):
        yield _fact("data", f"{size_words(len(held))} of bytes")
        rows = list(_hex(held if full else held[: 16 * _HEX_ROWS]))
        yield from rows
        left = len(held) - 16 * len(rows)
    else:
        yield _fact("data", f"{size_words(len(held))} of JSON")
        text = _pretty(held)
        lines = text if full else text[:_LINES]
        yield from (f"    {safe_text(line, None if full else _LINE)}" for line in lines)
        left = len(text) - len(lines)
    if left > 0 and not full:
        yield "    … (`--full` shows the rest, `--raw` prints it as it came)"


def _pretty(held: bytes) -> list[str]:
    """Return JSON text as lines; as it is where it cannot be decoded."""
    try:
        return json.dumps(json.loads(held), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return held.decode("utf-8", "replace").split("\n")


def _hex(held: bytes) -> Iterator[str]:
    for at in range(0, len(held), 16):
        row = held[at : at + 16]
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in row)
        yield f"    {at:08x}  {row.hex(' '):<47}  {text}"


def _json(value: Any) -> str:
    return json.dumps(value, default=repr, ensure_ascii=False)
