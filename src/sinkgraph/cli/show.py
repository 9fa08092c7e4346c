"""How a run is told in plain lines: start summary, journal, countdown and ledger.

It formats frozen values; it reads no engine and prints nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.graph.model import Graph
    from sinkgraph.telemetry.journal import Entry
    from sinkgraph.telemetry.status import CloseReport, Snapshot

__all__ = [
    "bar",
    "breaker_words",
    "damaged_events",
    "dead_lines",
    "end_summary",
    "journal_line",
    "kept_lines",
    "ledger_table",
    "lost_lines",
    "report_line",
    "start_summary",
    "state_lines",
]

_COLUMNS = ("in", "delivered", "filtered", "dropped", "dead", "returned", "pending", "residue")
_READERS = frozenset({"stdin", "generate"})  # what they were handed back, nobody can give again
_SILENT = frozenset({"graph_started", "graph_stopped", "source_ended"})
_WORDS = {
    "breaker_opened": "breaker opened",
    "breaker_half_open": "breaker half-open, probing",
    "breaker_closed": "breaker closed",
    "breaker_isolated": "breaker isolated",
    "dead_letter_kept": "dead letter",
    "disk_short": "little room is left on the disk of the state dir: none is set aside for noting"
    " what is delivered once the disk is full",
    "events_dropped": "events were dropped",
    "file_missed": "no file is there",
    "document_not_kept": "the document that runs could not be kept for a resume or a rollback",
    "document_uncommitted": "a document was written and never ran: it is removed",
    "document_unreadable": "a document that was kept cannot be read",
    "file_differs": "the file is not what runs",
    "graph_reloaded": "reloaded",
    "override_dropped": "the file is run, not the document that was applied over it",
    "reload_asked": "a reload is asked for",
    "reload_changed_nothing": "reloaded, and nothing changed",
    "reload_refused": "the reload is refused, what ran runs on",
    "watch_polls": "the system does not tell of changes, so files are looked at now and then",
    "output_closed": "nobody reads standard output any more",
}


def start_summary(graph: Graph, version: str, size: str, places: Mapping[str, str]) -> list[str]:
    """Return what is said when a graph has started; `places` tells where sources listen."""
    title = f"sinkgraph {version}: {safe_text(graph.name)} is running"
    lines = [f"{title} ({size})"]
    if graph.description:
        lines.append(f"  {safe_text(graph.description)}")
    for name in graph.sources:
        node = graph.nodes[name]
        where = places.get(name, "")
        to = ", ".join(edge.target for edge in graph.downstream(name) if edge.port == "to")
        lines.append(f"  {name} ({node.kind}){' ' + where if where else ''} → {to}")
    return lines


def state_lines(state_dir: str, snapshot: Snapshot) -> list[str]:
    """Return what is said of the state dir at the start: where it is, and what was still there."""
    found = {name: node.ledger.recovered for name, node in snapshot.nodes.items()}
    lines = [f"  state in {safe_text(state_dir)}"]
    lines += [
        f"  {safe_text(name)}: {n:,} stored {'event' if n == 1 else 'events'} recovered"
        for name, n in found.items()
        if n
    ]
    return lines


def journal_line(entry: Entry) -> str | None:
    """Return the line for a journal entry, or None for one not worth a line."""
    if entry.kind in _SILENT:
        return None
    clock = datetime.fromtimestamp(entry.at, UTC).astimezone().strftime("%H:%M:%S")
    facts = dict(entry.facts)
    node = facts.pop("node", "")
    facts.pop("was", None)
    parts = [_WORDS.get(entry.kind, entry.kind.replace("_", " "))]
    error = facts.pop("error", None)
    if error:
        parts.append(str(error))
    probe = facts.pop("probe_in_s", None)
    if probe is not None:
        parts.append(f"next probe in {probe:.1f} s")
    parts += [f"{key}={value}" for key, value in facts.items() if value is not None]
    head = f"{clock} {node}: " if node else f"{clock} "
    return safe_text(head + "; ".join(parts))


def ledger_table(snapshot: Snapshot) -> list[str]:
    """Return the ledger of every node as an aligned table, and the law's verdict."""
    rows: list[tuple[str, ...]] = [("node", "kind", *_COLUMNS)]
    ledgers = [(node.name, node.kind, node.ledger) for node in snapshot.nodes.values()]
    ledgers += [(name, "removed", ledger) for name, ledger in snapshot.removed.items()]
    for name, kind, led in ledgers:
        numbers = (
            led.entered + led.recovered + led.replayed,
            led.delivered,
            sum(led.filtered.values()),
            sum(led.dropped.values()),
            led.dead_lettered,
            led.returned,
            led.pending,
            led.residue,
        )
        rows.append((safe_text(name), kind, *(f"{n:,}" for n in numbers)))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += _reasons(snapshot)
    lines.append(f"conservation law: residue {snapshot.residue} ({_verdict(snapshot)})")
    return lines


def _reasons(snapshot: Snapshot) -> list[str]:
    """Return what the columns sum up, node by node: where events came from, why they ended."""
    lines = []
    for node in snapshot.nodes.values():
        led = node.ledger
        parts = [("recovered", led.recovered), ("replayed", led.replayed)]
        parts += [(f"filtered: {reason}", n) for reason, n in led.filtered.items()]
        parts += [(f"dropped: {reason}", n) for reason, n in led.dropped.items()]
        said = [f"{n:,} {safe_text(word)}" for word, n in parts if n]
        if said:
            lines.append(f"  {safe_text(node.name)}: {', '.join(said)}")
    return lines


def _verdict(snapshot: Snapshot) -> str:
    if not snapshot.residue:
        return "every event is accounted for"
    where = ", ".join(f"{safe_text(name)} {n:+,}" for name, n in snapshot.residues.items())
    return (
        f"EVENTS ARE UNACCOUNTED FOR: {where}; this is a bug in sinkgraph, please report it with"
        " this ledger"
    )


def end_summary(report: CloseReport, state_dir: str | None = None) -> list[str]:
    """Return what is said when a graph has stopped: the ledger, what is kept, what is lost."""
    snapshot = report.snapshot
    kept = kept_lines(report, state_dir)
    return [*ledger_table(snapshot), *kept, *lost_lines(report), *dead_lines(snapshot, state_dir)]


def report_line(report: CloseReport) -> str:
    """Return a close report as one line of JSON."""
    return json.dumps(report.as_dict(), ensure_ascii=True)


def kept_lines(report: CloseReport, state_dir: str | None) -> list[str]:
    """Return what stays on disk for the next start, queue by queue; [] when nothing does."""
    if not report.kept:
        return []
    where = f" in {safe_text(state_dir)}" if state_dir is not None else ""
    lines = [f"{_events(sum(report.kept.values()))} kept{where} for the next start:"]
    return lines + [f"  {safe_text(name)}: {n:,}" for name, n in report.kept.items()]


def lost_lines(report: CloseReport) -> list[str]:
    """Return what a stop lost, node by node; [] when it lost nothing."""
    lines = []
    if report.left:
        lines.append(f"{_events(report.lost)} still pending in memory and lost:")
        lines += [f"  {safe_text(name)}: {n:,}" for name, n in report.left.items()]
    for name, n in damaged_events(report.snapshot).items():
        lines.append(f"{_events(n)} damaged on disk and lost, of {safe_text(name)}")
    for node in report.snapshot.nodes.values():
        if node.kind in _READERS and node.ledger.returned:
            lines.append(f"{_events(node.ledger.returned)} read by {safe_text(node.name)} and lost")
    return lines


def damaged_events(snapshot: Snapshot) -> dict[str, int]:
    """Return how many stored events could not be read in this run any more, by node."""
    ledgers = [(node.name, node.ledger) for node in snapshot.nodes.values()]
    found = [(name, led.dropped.get("damaged", 0)) for name, led in ledgers]
    return {name: n for name, n in found if n}


def dead_lines(snapshot: Snapshot, state_dir: str | None = None) -> list[str]:
    """Return how many dead letters this run made, where they are and why; [] for none."""
    lines = []
    for node in snapshot.nodes.values():
        if node.kind != "dead_letter" or node.ledger.entered <= node.ledger.returned:
            continue
        durable, over = node.facts.get("durable"), node.ledger.dropped.get("dead_letters_full", 0)
        count = node.ledger.entered - node.ledger.returned - (over if durable else 0)
        what, ends = ("letter was", "ends") if count == 1 else ("letters were", "end")
        reasons = node.facts.get("reasons", {})
        if durable:
            where = f" in {safe_text(state_dir)}" if state_dir is not None else ""
            lines.append(f"{count:,} dead {what} kept{where}:")
            reasons = node.facts.get("came", reasons)  # not what earlier runs have left
            told = "without room, and dropped"
        else:
            lines.append(f"{count:,} dead {what} kept in memory only and {ends} with this process:")
            told = "pushed out before, to keep to its capacity"
        lines += [f"  {safe_text(reason)}: {n:,}" for reason, n in reasons.items()]
        if over:
            lines.append(f"  {told}: {over:,}")
    return lines


def _events(count: int) -> str:
    return "1 event was" if count == 1 else f"{count:,} events were"


def bar(value: int, most: int, width: int = 20) -> str:
    """Return a bar of `width` cells, filled in proportion; any value above 0 shows."""
    filled = 0 if most <= 0 or value <= 0 else max(1, min(width, round(width * value / most)))
    return "█" * filled + "·" * (width - filled)


def breaker_words(facts: Mapping[str, Any]) -> str:
    """Return a breaker's state as a few words, with the time to the next probe."""
    held = facts.get("breaker")
    if not isinstance(held, Mapping):
        return ""
    state = str(held["state"])
    probe = held.get("probe_in_s")
    if state == "open":
        return f"OPEN, probe in {probe:.1f} s" if probe is not None else "OPEN"
    return state.replace("_", "-")
