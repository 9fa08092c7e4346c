"""What a check of a state dir found, one finding each: what is wrong, what it means, what to do.

It reads everything there is and changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sinkgraph.errors import SinkgraphError
from sinkgraph.log.disk.offline import Held, held
from sinkgraph.log.disk.rebuild import LOST
from sinkgraph.log.disk.salvage import Checked, check, places_words
from sinkgraph.log.disk.store import Store

if TYPE_CHECKING:
    from sinkgraph.log.disk.format import Row

__all__ = ["Finding", "Findings", "findings"]

_REPAIR = "run `sinkgraph queue repair`: it saves what can be read and keeps the damaged file"


@dataclass(frozen=True, slots=True)
class Finding:
    """Is one thing that is not as it was written, what follows from it, and what to do."""

    what: str
    means: str
    help: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Is what stands in a state dir and what is wrong there.

    `pending`: by queue, how many events wait. `gone`: events that a repair found to be lost.
    """

    checked: Checked
    found: tuple[Finding, ...]
    pending: dict[str, int] = field(default_factory=dict)
    gone: int = 0

    @property
    def sound(self) -> bool:
        """Whether everything is as it was written, but for what is known to be lost."""
        return not self.found


def findings(directory: str) -> Findings:
    """Verify a state dir, in use or not: every checksum, every queue's place, the end of the file.

    Raises StateUnusable for a directory that cannot be looked into.
    """
    checked = check(directory)
    found = [_explained(problem) for problem in checked.problems]
    for log, at, n, why in checked.quarantine:
        if why != LOST:
            name = next((one.name for one in checked.logs if one.log == log), f"log {log}")
            said = f"{name}, {places_words(at, n)} in quarantine: {why}"
            found.append(Finding(said, *_DAMAGED))
    gone = sum(n for _, _, n, why in checked.quarantine if why == LOST)
    if not checked.records and not checked.logs and checked.problems:
        return Findings(checked, tuple(found), gone=gone)  # it could not be opened
    queues: dict[str, Held] = {}
    store = Store.open(directory, read_only=True)
    try:
        queues = held(store)
        found += _places(store, queues, bool(found) or gone > 0)
    except SinkgraphError as error:
        found.append(_explained(str(error)))
    finally:
        store.close()
    pending = {name: one.pending for name, one in queues.items() if one.pending}
    return Findings(checked, tuple(found), pending, gone)


_DAMAGED = (
    "a queue that comes to them counts them as dropped (damaged) and goes on",
    _REPAIR,
)
_CUT = (
    "the file is older than what was acknowledged: an older copy, or one without its log",
    "put the newer file back if there is one; else start as usual, these events are gone",
)
_RECORDS = (
    "places of queues or positions of files are lost: what they had done may be done again",
    _REPAIR,
)
_LETTERS = ("they cannot be shown or replayed", _REPAIR)
_KNOWN = {" dead letter": _LETTERS, " record": _RECORDS, " cut off": _CUT}
_OF_A_LOG = re.compile(r", positions? [\d,]+")
_STRUCTURE = ("parts of the file cannot be reached, or not in order", _REPAIR)


def _explained(problem: str) -> Finding:
    """Return the finding for a line of `Checked.problems`."""
    if _OF_A_LOG.search(problem):
        return Finding(problem, *_DAMAGED)
    for known, words in _KNOWN.items():
        if known in problem:
            return Finding(problem, *words)
    return Finding(problem, *_STRUCTURE)


def _places(store: Store, queues: dict[str, Held], lossy: bool) -> list[Finding]:
    """Return what does not fit between the places of queues and what is stored for them.

    `lossy`: events are known to be lost or damaged, which explains that less is stored.
    """
    found = [
        Finding(
            f"the place of queue {one.name} cannot be read: {one.misread}",
            "no run starts with it, since what was delivered is not known",
            "use the sinkgraph that wrote it, or a newer one",
        )
        for one in queues.values()
        if one.misread
    ]
    stored: Counter[int] = Counter()
    owners = {one.number: one for one in queues.values()}
    for log, head in store.heads().items():
        for row in store.headers(log, head.first):
            for number in row.takers:
                stored[number] += _unsettled(row, owners.get(number), number)
    for number, n in sorted(stored.items()):
        if number not in owners:
            found.append(
                Finding(
                    f"{_events(n)} wait for a queue whose place is lost (number {number})",
                    "no run delivers them, and they are deleted with what else is not needed",
                    "run `sinkgraph queue repair`: it makes a queue of them again",
                )
            )
    for one in queues.values():
        missing = one.pending - stored[one.number]
        if missing > 0 and not lossy:
            found.append(
                Finding(
                    f"queue {one.name} waits for {_events(missing)} that are not stored",
                    "a run counts them as dropped (damaged) and goes on",
                    "look for other files of this state dir before the next start",
                )
            )
        elif missing < 0 and not one.misread:
            found.append(
                Finding(
                    f"{_events(-missing)} are stored for queue {one.name} that it does not count",
                    "they are delivered all the same; its figures are wrong until then",
                    "report it with this output: it should not happen",
                )
            )
    return found


def _unsettled(row: Row, one: Held | None, number: int) -> int:
    """Return how many events of a row a queue has not settled."""
    taken = row.takers[number]
    parts = [[0, row.n]] if taken is None else taken
    if one is None:
        return sum(b - a for a, b in parts)
    stretch = one.stretches.get(row.log)
    if stretch is None:
        return sum(b - a for a, b in parts)
    return sum(
        end - start for a, b in parts for start, end in stretch.done.missing(row.at + a, row.at + b)
    )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"
