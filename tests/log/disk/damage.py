"""Stores with a known content, and what can happen to their files."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from sinkgraph.log.disk.dead import DeadRow
from sinkgraph.log.disk.format import key_of, pack_record, pack_takers
from sinkgraph.log.disk.store import NewRow, Store

PAGE = 4096


@dataclass
class Known:
    """Is what was committed: every event of every log, every dead letter, every record."""

    events: dict[tuple[int, int], bytes] = field(default_factory=dict)
    heads: dict[int, int] = field(default_factory=dict)
    firsts: dict[int, int] = field(default_factory=dict)
    dead: dict[int, bytes] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    records: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)


def body_of(events: list[bytes]) -> bytes:
    """Return a body from which each event can be told: length and content."""
    return b"".join(len(one).to_bytes(4, "big") + one for one in events)


def events_of(body: bytes) -> list[bytes]:
    """Return the events of a body."""
    found: list[bytes] = []
    at = 0
    while at < len(body):
        n = int.from_bytes(body[at : at + 4], "big")
        found.append(body[at + 4 : at + 4 + n])
        at += 4 + n
    return found


def build(directory: Path, chance: random.Random, commits: int) -> Known:
    """Fill a store at random, and leave the files as a killed process would."""
    live = directory.with_suffix(".live")
    store = Store.open(str(live))
    known = Known()
    numbers: dict[tuple[str, str], int] = {}
    last_dead = 0
    for k in range(commits):
        rows: list[NewRow] = []
        for log in range(1, 4):
            if chance.random() < 0.6:
                rows.append(_row(known, chance, log, store.seq + 1))
        for name in ("a", "b", "c"):
            if chance.random() < 0.3:
                what = ("cursor", name)
                number = numbers.setdefault(what, len(numbers) + 1)
                value = b"%d" % k * chance.choice([1, 50])
                known.records.setdefault(what, []).append(value)
                rows.append((number, store.seq + 1, 0, 0, None, pack_record(*what, value)))
        dead: list[DeadRow] = []
        if chance.random() < 0.3:
            last_dead += 1
            known.dead[last_dead] = chance.randbytes(chance.choice([20, 700, 9_000]))
            dead.append(
                DeadRow(
                    "kept", "node", "why", f"e{last_dead}", "t", k, 0.5, 9, known.dead[last_dead]
                )
            )
        forget = []
        if chance.random() < 0.1 and known.heads:
            log = chance.choice(list(known.heads))
            forget = [(log, chance.randint(0, known.heads[log]))]
        gone = [chance.randint(1, last_dead)] if last_dead and chance.random() < 0.1 else []
        known.gone.update(gone)
        store.commit(rows, dead=dead, forget=forget, forget_dead=gone)
        if chance.random() < 0.03:
            store.db.wal_checkpoint()
    known.firsts = {log: head.first for log, head in store.heads().items()}
    directory.mkdir(mode=0o700)
    for name in ("events.db", "events.db-wal", "events.mark"):
        shutil.copy(live / name, directory / name)
    store.close()
    shutil.rmtree(live)
    return known


def _row(known: Known, chance: random.Random, log: int, seq: int) -> NewRow:
    n = chance.choice([1, 1, 3, 20])
    size = chance.choice([5, 100, 700, 4_000])
    events = [chance.randbytes(chance.randint(0, size)) for _ in range(n)]
    at = known.heads.get(log, 0)
    for k, one in enumerate(events):
        known.events[log, at + k] = one
    known.heads[log] = at + n
    body = body_of(events)
    return key_of(log, at), seq, n, len(body), pack_takers({1: None}), body


def hurt(directory: Path, chance: random.Random) -> str:
    """Damage the files in one way; return which."""
    db, wal = directory / "events.db", directory / "events.db-wal"
    target = wal if chance.random() < 0.4 and wal.stat().st_size > PAGE else db
    size = target.stat().st_size
    way = chance.choice(["flip", "flip", "flip", "flip", "header", "cut", "page", "zero", "flips"])
    if way == "cut":
        to = chance.randrange(size)
        os.truncate(target, to)
        return f"{target.name} cut at {to} of {size}"
    with open(target, "r+b") as file:
        if way == "page":
            at = chance.randrange(size) // PAGE * PAGE
            file.seek(at)
            file.write(chance.randbytes(min(PAGE, size - at)))
            return f"{target.name} noise at {at}"
        if way == "zero":
            at = chance.randrange(size) // 512 * 512
            file.seek(at)
            file.write(bytes(min(512, size - at)))
            return f"{target.name} zeros at {at}"
        places = [chance.randrange(size) for _ in range(8 if way == "flips" else 1)]
        if way == "header":  # of a page: where its structure is
            places = [min(size - 1, places[0] // PAGE * PAGE + chance.randrange(120))]
        for at in places:
            file.seek(at)
            byte = file.read(1)[0] ^ 1 << chance.randrange(8)
            file.seek(at)
            file.write(bytes([byte]))
        return f"{target.name} bits at {places} of {size}"
