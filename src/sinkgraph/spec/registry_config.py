"""A Docker registry's `notifications.endpoints`, as a document that does the same.

It reads a tree and writes text; what the text means is judged like any other document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.units import format_duration
from sinkgraph.spec.written_secrets import CREDENTIAL

__all__ = ["Imported", "import_registry"]

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_GO_UNITS["h"] = 3600.0
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")
_TAKEN = ("registry", "fanout", "dead-letters", "inlet")
_MIN_S = 0.001
_ENDPOINT = ("name", "disabled", "url", "headers", "timeout", "threshold", "backoff")
_KNOWN = frozenset((*_ENDPOINT, "ignoredmediatypes", "ignore"))


@dataclass(slots=True)
class Imported:
    """Is the document, what somebody has to know of it, and what could not be read."""

    text: str = ""
    notes: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)


@dataclass(slots=True)
class _Endpoint:
    name: str
    url: str
    enabled: bool
    headers: dict[str, str]
    timeout_s: float
    threshold: int
    backoff_s: float
    media_types: list[str]
    actions: list[str]


def import_registry(tree: Mapping, *, name: str = "registry", listen: str) -> Imported:
    """Return the document of a registry's configuration; `listen` is where it takes events."""
    made = Imported()
    endpoints = _endpoints(tree, made)
    if made.found:
        return made
    made.text = "\n".join(_document(endpoints, made, name, listen)) + "\n"
    return made


# reading


def _endpoints(tree: Mapping, made: Imported) -> list[_Endpoint]:
    held = tree.get("notifications")
    listed = held.get("endpoints") if isinstance(held, Mapping) else None
    if held is None or (isinstance(held, Mapping) and _is_empty(listed)):
        at = tree.key_span("notifications") or tree.span
        help = "a registry notifies the endpoints listed under `notifications: endpoints:`"
        made.found.append(
            Diagnostic("SG121", "the configuration has no endpoints", "error", at, "", help=(help,))
        )
        return []
    if not isinstance(listed, Sequence):
        node = listed if listed is not None else held
        _wrong(made, node, "`notifications.endpoints`", "a list of endpoints")
        return []
    taken = set(_TAKEN)
    return [
        one for k, node in enumerate(listed) if (one := _endpoint(node, k, taken, made)) is not None
    ]


def _endpoint(node: Node, k: int, taken: set[str], made: Imported) -> _Endpoint | None:
    label = f"endpoint {k + 1}"
    if not isinstance(node, Mapping):
        _wrong(made, node, label, "a mapping")
        return None
    url = _text(node, "url", label, made)
    if url is None:
        at = node.key_span("name") or node.span
        headline = f"{label} does not say its `url`"
        made.found.append(Diagnostic("SG121", headline, "error", at, "`url` is missing"))
    said = _text(node, "name", label, made) or f"endpoint-{k + 1}"
    for entry in node:
        if entry.key.text not in _KNOWN:
            made.notes.append(f"`{safe_text(entry.key.text, 80)}` of {label} is left out")
    ignore = node.get("ignore")
    types = _texts(node, "ignoredmediatypes", label, made)
    actions: list[str] = []
    if isinstance(ignore, Mapping):
        types += _texts(ignore, "mediatypes", label, made)
        actions = _texts(ignore, "actions", label, made)
    elif not _is_empty(ignore) and ignore is not None:
        _wrong(made, ignore, f"`ignore` of {label}", "a mapping")
    return _Endpoint(
        _name(said, taken, made),
        url or "",
        _value(node.get("disabled")) is not True,
        _headers(node, label, made),
        _seconds(node, "timeout", label, made),
        _threshold(node, label, made),
        _seconds(node, "backoff", label, made),
        list(dict.fromkeys(types)),
        list(dict.fromkeys(actions)),
    )


def _headers(node: Mapping, label: str, made: Imported) -> dict[str, str]:
    held = node.get("headers")
    if held is None or _is_empty(held):
        return {}
    if not isinstance(held, Mapping):
        _wrong(made, held, f"`headers` of {label}", "a mapping")
        return {}
    headers: dict[str, str] = {}
    for entry in held:
        values = _texts(held, entry.key.text, f"`headers` of {label}", made)
        headers[entry.key.text] = ", ".join(values)
    return headers


def _seconds(node: Mapping, key: str, label: str, made: Imported) -> float:
    """Return a duration as Go writes it; a number alone is nanoseconds; none, or 0, is 1 s."""
    held = node.get(key)
    if held is None or _is_empty(held):
        return 1.0
    text = held.text.strip() if isinstance(held, Scalar) else ""
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        seconds = int(text) * 1e-9
    else:
        parts = _GO_PART.findall(text)
        if not text or "".join(number + unit for number, unit in parts) != text:
            _wrong(made, held, f"`{key}` of {label}", "a duration like `500ms`")
            return 1.0
        seconds = sum(float(number) * _GO_UNITS[unit] for number, unit in parts)
    if 0 < seconds < _MIN_S:
        made.notes.append(
            f"`{key}: {safe_text(text, 40)}` of {label} is {seconds * 1e9:.0f} ns to a registry, "
            f"and became {format_duration(_MIN_S)}; was `{safe_text(text, 30)}ms` meant?"
            if text.isdigit()
            else f"`{key}: {safe_text(text, 40)}` of {label} became {format_duration(_MIN_S)}"
        )
    return max(seconds, _MIN_S) if seconds > 0 else 1.0


def _threshold(node: Mapping, label: str, made: Imported) -> int:
    held = node.get("threshold")
    value = _value(held)
    if held is None or value is None:
        return 10
    if type(value) is not int:
        _wrong(made, held, f"`threshold` of {label}", "a whole number")
        return 10
    return value if value > 0 else 10


def _texts(node: Mapping, key: str, label: str, made: Imported) -> list[str]:
    held = node.get(key)
    if held is None or _is_empty(held):
        return []
    items = held.items if isinstance(held, Sequence) else [held]
    found = [one.text for one in items if isinstance(one, Scalar)]
    if len(found) != len(items):
        _wrong(made, held, f"`{safe_text(key, 80)}` of {label}", "text, or a list of texts")
    return found


def _text(node: Mapping, key: str, label: str, made: Imported) -> str | None:
    held = node.get(key)
    if held is None or _is_empty(held):
        return None
    if not isinstance(held, Scalar):
        _wrong(made, held, f"`{key}` of {label}", "text")
        return None
    return held.text


def _name(said: str, taken: set[str], made: Imported) -> str:
    """Return a name a node may have: the endpoint's own, if it may be one and is not taken."""
    name = said
    if _PLAIN_NAME.fullmatch(said) is None or ".." in said or not said.strip("."):
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", said).strip("-")[:60] or "endpoint"
    free, n = name, 2
    while free in taken:
        free, n = f"{name}-{n}", n + 1
    taken.add(free)
    if free != said:
        made.notes.append(f"endpoint `{safe_text(said, 80)}` is called `{free}`")
    return free


def _value(node: Node | None) -> object:
    return node.value if isinstance(node, Scalar) else None


def _is_empty(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _wrong(made: Imported, node: Node, what: str, wanted: str) -> None:
    headline = f"{what} is not {wanted}"
    made.found.append(Diagnostic("SG122", headline, "error", node.span, f"not {wanted}"))


# writing


def _document(endpoints: list[_Endpoint], made: Imported, name: str, listen: str) -> Iterator[str]:
    yield "# Made from a Docker registry's `notifications.endpoints`. Let the registry notify this:"
    yield "#"
    yield "#   notifications:"
    yield "#     endpoints:"
    yield f"#       - {{name: sinkgraph, url: http://{listen}/events, timeout: 5s}}"
    yield "#"
    yield "# An endpoint that is away is tried for ever, as the registry did. What it refuses (4xx)"
    yield "# is kept as a dead letter; the registry tried that for ever too, and all behind it"
    yield "# waited: `on_status: {4xx: retry}` brings that back. `store: disk` outlives a restart."
    yield "sinkgraph: 1"
    yield f"name: {_text_of(name)}"
    yield ""
    yield "sources:"
    yield "  registry:"
    yield "    kind: http"
    yield f"    listen: {_text_of(listen)}"
    yield "    path: /events"
    yield "    schema: docker.registry"
    to = endpoints[0].name if len(endpoints) == 1 else "fanout"
    yield f"    to: {_text_of(to)}"
    yield ""
    yield "sinks:"
    if len(endpoints) > 1:
        names = ", ".join(_text_of(one.name) for one in endpoints)
        yield f"  fanout: {{kind: broadcast, to: [{names}]}}"
        yield ""
    for place, one in enumerate(endpoints):
        if place:
            yield ""
        yield from _sink(one, made)


def _sink(one: _Endpoint, made: Imported) -> Iterator[str]:
    yield f"  {_text_of(one.name)}:"
    yield "    kind: endpoint"
    if not one.enabled:
        yield "    enabled: false"
    yield f"    url: {_text_of(one.url)}"
    yield "    format: docker"
    yield "    max_batch: 1                     # one event a request, as the registry sends them"
    if one.headers:
        yield "    headers:"
        for header, value in one.headers.items():
            yield f"      {_text_of(header)}: {_text_of(_header(one, header, value, made))}"
    yield f"    timeout: {format_duration(one.timeout_s)}"
    if one.actions or one.media_types:
        yield "    ignore:"
        if one.actions:
            yield f"      actions: [{', '.join(map(_text_of, one.actions))}]"
        if one.media_types:
            yield f"      media_types: [{', '.join(map(_text_of, one.media_types))}]"
    wait = format_duration(one.backoff_s)
    yield "    breaker:"
    yield f"      failure_threshold: {one.threshold}"
    yield f"      open_for: {wait}"
    yield f"      open_for_max: {wait}"
    yield "      reopen_factor: 1"
    yield "      jitter: 0"
    yield "    give_up_after: 3650d"
    yield "    on_status: {3xx: ok}"


def _header(one: _Endpoint, header: str, value: str, made: Imported) -> str:
    """Return what stands for a header's value: a credential comes from the environment."""
    value = value.replace("$", "$$")
    if CREDENTIAL.search(header) is None or not value:
        return value
    variable = re.sub(r"[^A-Z0-9]+", "_", f"{one.name}_{header}".upper()).strip("_")
    if variable[:1].isdigit():
        variable = f"_{variable}"
    made.env.append(variable)
    return f"${{env:{variable}}}"


def _text_of(text: str) -> str:
    """Return a text as YAML: as it is where nothing in it means anything, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./+-]*", text) is not None
    if plain and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n"):
        return text
    return json.dumps(text, ensure_ascii=False)
