"""What may be answered, and the document that follows from it.

A starter is a document of this package with one source and the sinks behind it. An answer chooses
whose source and whose sinks, and changes their fields; nothing is asked or written here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sinkgraph.cli.new.tree import Entry, leaf, read_tree, value_of
from sinkgraph.cli.new.written import MODELINES
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["ENDS", "SOURCES", "STARTERS", "Answers", "End", "commands", "composed", "starter_text"]

SOURCES = {
    "webhook": "requests over HTTP: JSON or NDJSON",
    "registry": "the notifications of a Docker registry",
    "logs": "lines of files, followed as they grow",
}
"""Starter → where its events come from."""

TOKEN = "INGEST_TOKEN"
"""The environment variable that holds the token of a source other machines can reach."""


_PATHS = "logs/*.ndjson"
_IN_MEMORY = {
    "audit": "# A queue in memory: a kill loses what waits in it.",
    "outbox": "# One queue in front of both, so order is kept. In memory: a kill loses what waits.",
}
"""Node → the comment above it when its queue is not on disk."""


@dataclass(frozen=True, slots=True)
class End:
    """Is where events may go: the starter that has it, and the first of its sinks."""

    starter: str
    first: str
    what: str
    sources: tuple[str, ...] = tuple(SOURCES)


ENDS = {
    "webhook": End("webhook", "fanout", "a webhook, and an audit file beside it"),
    "failover": End("failover", "outbox", "one of two endpoints: the second while the first fails"),
    "file": End("logs", "rest", "a file"),
    "levels": End("logs", "by_level", "a file for errors, another for the rest", ("logs",)),
}
"""Where events may go."""

STARTERS = {
    "webhook": ("webhook", "webhook"),
    "registry": ("registry", "webhook"),
    "logs": ("logs", "levels"),
    "failover": ("webhook", "failover"),
}
"""Starter → the source and the end it is made of."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Is what a new document is to say; what does not belong to its source and end is passed over.

    `where` None lets every event through.
    """

    source: str = "webhook"
    end: str = "webhook"
    name: str = "webhook"
    listen: str = "127.0.0.1:8700"
    paths: str = _PATHS
    url: str = "http://127.0.0.1:9000/hook"
    first_url: str = "http://127.0.0.1:9001/events"
    second_url: str = "http://127.0.0.1:9002/events"
    file: str = "rest.ndjson"
    where: str | None = None
    durable: bool = True

    @classmethod
    def of(cls, starter: str) -> Answers:
        """Return the answers that give a starter as it is."""
        source, end = STARTERS[starter]
        where = 'data.action == "push"' if starter == "registry" else None
        return cls(source=source, end=end, name=starter, where=where)

    @property
    def starter(self) -> str | None:
        """The starter with this source and this end."""
        pairs = {pair: name for name, pair in STARTERS.items()}
        return pairs.get((self.source, self.end))

    @property
    def asks_token(self) -> bool:
        """Whether other machines reach the source, so that it asks for a token."""
        from sinkgraph.spec.addresses import parse_address
        from sinkgraph.spec.refused import Refused

        try:
            return self.source != "logs" and not parse_address(self.listen).loopback
        except Refused:
            return False

    @property
    def queued(self) -> bool:
        """Whether there is a queue on the way, which may be on disk."""
        return self.end in {"webhook", "failover"}


@cache
def starter_text(name: str) -> str:
    """Return the document of a starter."""
    return (Path(__file__).parent / "starters" / f"{name}.yaml").read_text(encoding="utf-8")


def composed(answers: Answers, file: str) -> Entry:
    """Return the document that answers give; `file` is what its comments call it."""
    end = ENDS[answers.end]
    own = answers.starter or end.starter
    root = read_tree(starter_text(own))
    source = read_tree(starter_text(answers.source)).at("sources").entries[0]
    root.at("sources").entries = [source]
    _header(root, answers, file)
    root.at("name").text = leaf(answers.name)
    _source(source, answers)
    _sinks(root.at("sinks"), answers)
    first = end.first
    if answers.where is not None and root.at("sinks").get("wanted") is None:
        root.at("sinks").before(first, _filter(answers.where, first))
        first = "wanted"
    source.at("to").text = first
    _reachable(root.at("sinks"), first)
    _promises(root, answers, source.key)
    return root


def commands(answers: Answers, file: str) -> list[tuple[str, str]]:
    """Return the commands that try the document out, each with what it is for."""
    made: list[tuple[str, str]] = []
    urls = {
        "webhook": [(answers.url, "a webhook that prints what it gets")],
        "failover": [
            (answers.first_url, "the first endpoint"),
            (answers.second_url, "the second"),
        ],
    }
    for url, what in urls.get(answers.end, []):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}:
            path = f" --path {parts.path}" if parts.path not in {"", "/"} else ""
            made.append((f"sinkgraph receive --listen {parts.netloc}{path}", what))
    made.append((f"sinkgraph run {_shell(file)}", "this graph"))
    if answers.source == "webhook":
        token = f'-H "Authorization: Bearer ${TOKEN}" ' if answers.asks_token else ""
        sent = f"""curl {token}-H 'Content-Type: application/json' -d '{{"n": 1}}'"""
        made.append((f"{sent} http://{answers.listen}/events", ""))
    elif answers.source == "logs" and answers.paths == _PATHS:
        line = '{"level": "error", "text": "disk full"}'
        made.append((f"mkdir -p logs; echo '{line}' >> logs/service.ndjson", ""))
    return made


def _shell(file: str) -> str:
    import shlex

    return safe_text(shlex.quote(file))


def _header(root: Entry, answers: Answers, file: str) -> None:
    """Write the comment at the head, and the description."""
    source, end = SOURCES[answers.source], ENDS[answers.end].what
    if answers.starter is None:
        root.at("description").text = leaf(f"Takes {source}; an event goes to {end}.")
        intro = [f"# From {source}", f"# to {end}."]
    else:
        above = root.entries[0].above
        intro = above[1 : above.index("#")]
    lines = [MODELINES["yaml"], *intro, "#"]
    if answers.source == "registry":
        lines += [
            "#   notifications:".ljust(61) + " (in the registry's config.yml)",
            f'#     endpoints: [{{name: sinkgraph, url: "http://{answers.listen}/events"}}]',
            "#",
        ]
    for command, what in commands(answers, file):
        lines.append(f"#   {command}".ljust(61) + f" ({what})" if what else f"#   {command}")
    root.entries[0].above = lines


def _source(source: Entry, answers: Answers) -> None:
    if answers.source == "logs":
        source.at("paths").text = f"[{json.dumps(answers.paths, ensure_ascii=False)}]"
        return
    source.at("listen").text = leaf(answers.listen)
    if answers.asks_token:
        why = "# Other machines can reach it, so a request must carry this bearer token."
        source.before("to", Entry("token", f'"${{env:{TOKEN}}}"', above=[why]))


def _sinks(sinks: Entry, answers: Answers) -> None:
    """Set the fields that were answered, and where queues keep their events."""
    fields = {
        ("hook", "url"): answers.url,
        ("primary", "url"): answers.first_url,
        ("second", "url"): answers.second_url,
        ("rest", "path"): answers.file,
    }
    for (name, field), value in fields.items():
        found = sinks.get(name)
        if found is not None:
            found.at(field).text = leaf(value)
    wanted = sinks.get("wanted")
    if wanted is not None and answers.where is not None:
        wanted.at("where").text = leaf(answers.where)
    elif wanted is not None:
        sinks.without("wanted")
        sinks.at("fanout", "to").text = "[audit, hook]"
    for node in sinks.entries:
        if not answers.durable and node.get("store") is not None:
            node.without("store")
            if node.key in _IN_MEMORY:
                node.above = [_IN_MEMORY[node.key]]


def _filter(where: str, to: str) -> Entry:
    why = "# What this does not hold for goes no further, and is counted as filtered."
    fields = {"kind": "filter", "where": leaf(where), "to": to}
    return Entry("wanted", entries=[Entry(*one) for one in fields.items()], above=[why])


def _reachable(sinks: Entry, first: str) -> None:
    """Leave out the sinks no event reaches; one blank line stands between those that stay."""
    reached = {first}
    todo = [first]
    while todo:
        named = _texts(value_of(sinks.at(todo.pop()))) - reached
        more = [one.key for one in sinks.entries if one.key in named]
        reached.update(more)
        todo += more
    sinks.entries = [one for one in sinks.entries if one.key in reached]
    for k, sink in enumerate(sinks.entries):
        sink.above = [*([""] if k else []), *filter(None, sink.above)]


def _texts(value: Any) -> set[str]:
    """Return every text in a value."""
    if isinstance(value, str):
        return {value}
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_texts, held))


def _promises(root: Entry, answers: Answers, source: str) -> None:
    """Promise what holds for the sinks that are left."""
    kept: list[Entry] = []
    for one in root.at("promises").entries:
        promise = value_of(one) | {"from": source}
        if root.at("sinks").get(promise["to"].partition(".")[0]) is None:
            continue
        if answers.queued and not answers.durable:
            promise = {key: promise[key] for key in ("from", "to", "order") if key in promise}
        if len(promise) > 2:
            one.text = "{" + ", ".join(f"{key}: {value}" for key, value in promise.items()) + "}"
            kept.append(one)
    root.at("promises").entries = kept
    if not kept:
        root.without("promises")
