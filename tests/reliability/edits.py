"""Random edits of drawn documents, and what each means for what has to arrive where.

An edit changes a copy of a plan; whoever reloads takes the copy for the plan once it runs. No edit
is one after which nobody could say what has to arrive.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.reliability.documents import MAX_WAIT_S, Plan, Spot

__all__ = ["EDITS", "Edited", "Sinks", "draw_edit", "targets_of"]

Sinks = dict[str, dict[str, Any]]


@dataclass
class Edited:
    """Is a plan after some edits. `at` is when they were drawn, `what` their names.

    `fates` go with the reload.
    """

    plan: Plan
    at: float
    disk: bool
    what: list[str] = field(default_factory=list)
    fates: dict[str, str] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    count: int = 0

    @property
    def sinks(self) -> Sinks:
        """The sinks of the document, to be changed."""
        sinks: Sinks = self.plan.document["sinks"]
        return sinks

    def of(self, *kinds: str) -> list[str]:
        """Return the names of the nodes of some kinds, but those these edits have made."""
        return [
            name
            for name, sink in self.sinks.items()
            if sink["kind"] in kinds and name not in self.fresh
        ]

    def name(self, kind: str) -> str:
        """Return a name nobody has had."""
        self.count += 1
        name = f"{kind}-r{self.count}"
        self.fresh.add(name)
        return name

    def below(self, name: str) -> Iterator[int]:
        """Yield which spots events come to by way of a node."""
        for k, spot in enumerate(self.plan.spots):
            if name in spot.nodes:
                yield k

    def change(self, name: str, **changes: Any) -> None:
        """Let the spots below a node be other than so far."""
        for k in list(self.below(name)):
            self.plan.spots[k] = replace(self.plan.spots[k], **changes)

    def unordered(self, name: str) -> None:
        """Expect no order below a node any more."""
        self.change(name, ordered=False)

    def known_as(self, name: str, new: str) -> None:
        """Note that what was buried at `new` was on its way past `name`."""
        for k, spot in enumerate(self.plan.spots):
            if name in spot.nodes:
                at = spot.nodes.index(name)
                nodes = (*spot.nodes[: at + 1], new, *spot.nodes[at + 1 :])
                self.plan.spots[k] = replace(spot, nodes=nodes)

    def relink(self, old: str, new: str, *, but: str = "") -> None:
        """Let every edge to `old` lead to `new`, except those of one node."""
        for where, holder in _holders(self.plan.document):
            if where != but:
                _repoint(holder, old, new)


def _holders(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in ("sources", "sinks"):
        yield from document[part].items()


def _repoint(holder: dict[str, Any], old: str, new: str) -> None:
    for port in ("to", "otherwise", "default"):
        if holder.get(port) == old:
            holder[port] = new
    if isinstance(holder.get("to"), list):
        for k, one in enumerate(holder["to"]):
            if one == old:
                holder["to"][k] = new
            elif isinstance(one, dict) and one["node"] == old:
                one["node"] = new
    for one in holder.get("routes", ()):
        _repoint(one, old, new)


Edit = Callable[[Edited, random.Random], bool]


def _pick(names: list[str], chance: random.Random) -> str | None:
    return chance.choice(names) if names else None


# settings


def _retune_queue(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue"), chance)
    if name is None:
        return False
    sink = edited.sinks[name]
    match chance.choice(["capacity", "capacity", "concurrency", "max_batch", "linger", "bytes"]):
        case "capacity":
            sink["capacity"] = chance.choice([1, 5, 20, 50, 200, 1000])
        case "concurrency":
            sink["concurrency"] = chance.choice([1, 1, 2, 4])
            if sink["concurrency"] > 1:
                edited.unordered(name)
        case "max_batch":
            sink["max_batch"] = chance.choice([1, 5, 50, 1000])
        case "linger":
            sink["linger"] = chance.choice(["0s", "20ms", "300ms"])
        case _:
            sink["max_bytes"] = chance.choice(["300B", "1000B", "1MiB"])
    return True


def _policy(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue"), chance)
    if name is None:
        return False
    policy = chance.choice(["block", "block", "drop_oldest", "drop_newest"])
    edited.sinks[name]["when_full"] = policy
    if policy.startswith("drop"):
        edited.change(name, sheds=True)
    return True


def _order_by(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue"), chance)
    if name is None:
        return False
    sink = edited.sinks[name]
    if "order_by" in sink and chance.random() < 0.5:
        del sink["order_by"]
    else:
        sink["order_by"] = f"data.n % {chance.randint(2, 5)}"
    if sink["concurrency"] > 1:
        edited.unordered(name)
    return True


def _store(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue"), chance)
    if name is None or not edited.disk:
        return False
    sink = edited.sinks[name]
    sink["store"] = "memory" if sink.get("store") == "disk" else "disk"
    edited.change(name, durable=False)
    return True


def _retune_retry(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("retry"), chance)
    if name is None:
        return False
    sink = edited.sinks[name]
    match chance.choice(["backoff", "breaker", "hold", "limits"]):
        case "backoff":
            base = chance.choice([0.05, 0.2, 1.0])
            sink["backoff"] = {"base": f"{base}s", "cap": f"{chance.choice([1.0, MAX_WAIT_S])}s"}
        case "breaker":
            if "breaker" in sink and chance.random() < 0.4:
                del sink["breaker"]
            else:
                sink["breaker"] = {
                    "failure_threshold": chance.randint(1, 5),
                    "open_for": chance.choice(["500ms", "1s", "2s"]),
                    "open_for_max": f"{MAX_WAIT_S:g}s",
                }
        case "hold":
            sink["hold"] = chance.choice(["lane", "event"])
            if sink["hold"] == "event":
                edited.unordered(name)
        case _:
            sink |= {"max_attempts": chance.randint(1, 4), "give_up_after": "2s"}
            edited.change(name, gives_up=True, ordered=False)
    return True


def _retune_http(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("http"), chance)
    if name is None:
        return False
    sink = edited.sinks[name]
    match chance.choice(["timeout", "format", "concurrency"]):
        case "timeout":
            sink["timeout"] = chance.choice(["500ms", "1s", "2s"])
        case "concurrency":
            sink["concurrency"] = chance.choice([1, 2, 64])
        case _:
            if "format" in sink:
                del sink["format"], sink["max_batch"]
            else:
                sink |= {"format": "ndjson", "max_batch": chance.choice([2, 20, 100])}
    return True


def _move_http(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("http"), chance)
    if name is None:
        return False
    host = chance.choice(edited.plan.hosts)
    url, before = f"{host}/{name}", edited.sinks[name]["url"]
    edited.sinks[name]["url"] = url
    for k, spot in enumerate(edited.plan.spots):
        if before not in spot.urls:
            continue
        judged = spot.judged or host in edited.plan.judging
        urls = spot.urls if url in spot.urls else (*spot.urls, url)
        edited.plan.spots[k] = replace(spot, urls=urls, judged=judged)
    return True


def _retune_others(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("batch", "rate_limit", "dedupe", "timeout"), chance)
    if name is None:
        return False
    sink = edited.sinks[name]
    match sink["kind"]:
        case "batch":
            sink |= {"max_events": chance.randint(1, 30), "max_wait": chance.choice(["50ms", "1s"])}
        case "rate_limit":
            sink |= {"rate": chance.choice(["100/s", "500/s"]), "burst": chance.randint(1, 60)}
        case "dedupe":
            sink["window"] = chance.choice(["1h", "2h"])
        case _:
            sink["after"] = chance.choice(["2500ms", "4s"])
    return True


# edges


def _insert_transform(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue", "retry", "broadcast", "http"), chance)
    if name is None:
        return False
    new = edited.name("transform")
    edited.relink(name, new)
    edited.sinks[new] = {"kind": "transform", "set": {"by": new}, "to": name}
    edited.known_as(name, new)
    return True


def _bypass(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("transform", "rate_limit"), chance)
    if name is None:
        return False
    gone = edited.sinks.pop(name)
    edited.relink(name, gone["to"])
    return True


def _insert_queue(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue", "retry", "transform"), chance)
    if name is None:
        return False
    new = edited.name("queue")
    edited.relink(name, new)
    store = "disk" if edited.disk and chance.random() < 0.5 else "memory"
    edited.sinks[new] = {
        "kind": "queue",
        "store": store,
        "concurrency": 1,
        "capacity": chance.choice([5, 50, 1000]),
        "to": name,
    }
    edited.known_as(name, new)
    if store == "memory":
        edited.change(name, durable=False)
    return True


def _swap_queue(edited: Edited, chance: random.Random) -> bool:
    """Put another queue in a queue's place; what that holds follows a fate."""
    name = _pick(edited.of("queue"), chance)
    if name is None:
        return False
    new = edited.name("queue")
    gone = edited.sinks.pop(name)
    edited.relink(name, new)
    edited.sinks[new] = {**gone, "store": gone.get("store", "memory"), "concurrency": 1}
    edited.sinks[new].pop("was", None)
    fate = chance.choice(["drain", "drain", f"move_to:{new}", "dead_letter", "discard"])
    if fate != "drain" or chance.random() < 0.5:
        edited.fates[name] = fate
    edited.known_as(name, new)
    edited.unordered(new)
    if fate == "discard":
        edited.change(new, sheds=True)
    elif edited.disk or not fate.startswith("move"):
        edited.change(new, gives_up=True)  # what is late, or left by a crash, is buried
    edited.change(new, durable=False)
    return True


def _rename(edited: Edited, chance: random.Random) -> bool:
    name = _pick(edited.of("queue", "dedupe", "retry", "http"), chance)
    if name is None:
        return False
    sink = edited.sinks.pop(name)
    new = edited.name(sink["kind"])
    edited.sinks[new] = {**sink, "was": name}
    edited.relink(name, new)
    edited.known_as(name, new)
    return True


def _add_branch(edited: Edited, chance: random.Random) -> bool:
    fan = _pick(edited.of("broadcast"), chance)
    if fan is None:
        return False
    spots = [edited.plan.spots[k] for k in edited.below(fan)]
    above = next((spot for spot in spots if spot.until == math.inf), None)
    if above is None:
        return False
    queue, retry, http = (edited.name(kind) for kind in ("queue", "retry", "http"))
    host = chance.choice(edited.plan.hosts)
    disk = edited.disk and chance.random() < 0.5
    nodes: Sinks = {
        queue: {
            "kind": "queue",
            "to": retry,
            "store": "disk" if disk else "memory",
            "concurrency": 1,
        },
        retry: {
            "kind": "retry",
            "to": http,
            "backoff": {"base": "100ms", "cap": f"{MAX_WAIT_S:g}s"},
        },
        http: {"kind": "http", "url": f"{host}/{http}", "timeout": "1s"},
    }
    edited.sinks.update(nodes)
    edited.sinks[fan]["to"].append(queue)
    depth = above.nodes.index(fan) + 1
    above_it = above.nodes[:depth]
    edited.plan.spots.append(
        Spot(
            urls=(f"{host}/{http}",),
            tests=above.tests,  # more than hold at the fan-out: it wants fewer than may come
            nodes=(*above_it, queue, retry, http),
            durable=False,
            ordered=False,
            gives_up=above.gives_up,
            sheds=above.sheds,
            judged=host in edited.plan.judging,
            since=edited.at,
            strict=False,
        )
    )
    return True


def _drop_branch(edited: Edited, chance: random.Random) -> bool:
    fans = [one for one in edited.of("broadcast") if len(edited.sinks[one]["to"]) > 2]
    fan = _pick(fans, chance)
    if fan is None:
        return False
    targets = edited.sinks[fan]["to"]
    dropped = chance.choice(targets)
    name = dropped["node"] if isinstance(dropped, dict) else dropped
    if name in edited.fresh:
        return False
    targets.remove(dropped)
    spots = list(edited.below(name))
    todo = [name]
    while todo:
        gone = edited.sinks.pop(todo.pop())
        todo += targets_of(gone)
    for k in spots:
        spot = edited.plan.spots[k]
        until = min(spot.until, edited.at)
        edited.plan.spots[k] = replace(
            spot, until=until, gives_up=True, ordered=False, durable=False
        )
    return True


def targets_of(sink: dict[str, Any]) -> list[str]:
    """Return the names a sink writes to."""
    found: list[Any] = [sink.get(port) for port in ("otherwise", "default")]
    to = sink.get("to", [])
    found += to if isinstance(to, list) else [to]
    found += [one["to"] for one in sink.get("routes", ())]
    return [one["node"] if isinstance(one, dict) else one for one in found if one]


def _words(edited: Edited, chance: random.Random) -> bool:
    edited.plan.document["description"] = f"drawn {chance.randrange(1000)}"
    return True


EDITS: dict[str, Edit] = {
    "retune queue": _retune_queue,
    "policy": _policy,
    "order by": _order_by,
    "store": _store,
    "retune retry": _retune_retry,
    "retune http": _retune_http,
    "move http": _move_http,
    "retune others": _retune_others,
    "insert transform": _insert_transform,
    "bypass": _bypass,
    "insert queue": _insert_queue,
    "swap queue": _swap_queue,
    "rename": _rename,
    "add branch": _add_branch,
    "drop branch": _drop_branch,
    "words": _words,
}
"""Every edit by its name."""


def draw_edit(
    plan: Plan, chance: random.Random, *, at: float, disk: bool, count: int, most: int = 3
) -> Edited:
    """Return a plan after one to `most` random edits; the one given stays as it is."""
    edited = Edited(
        Plan(copy.deepcopy(plan.document), plan.hosts, plan.judging, list(plan.spots)),
        at,
        disk,
        count=count,
    )
    for sink in edited.sinks.values():
        if chance.random() < 0.5:
            sink.pop("was", None)
    wanted = chance.randint(1, most)
    for _ in range(20):
        what = chance.choice(sorted(EDITS))
        if EDITS[what](edited, chance):
            edited.what.append(what)
            if len(edited.what) == wanted:
                break
    return edited
