"""What a running graph says of itself over the control plane: snapshot, graph and history.

These models are the contract: the server answers in their shape, the OpenAPI is made from them.
What is asked of a graph, and how it is refused, is in `messages`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "PROTOCOL",
    "BreakerView",
    "Delta",
    "DriftView",
    "EdgeView",
    "Full",
    "GraphNodeView",
    "GraphView",
    "Health",
    "HeldView",
    "HistoryView",
    "LatencyView",
    "LedgerTerms",
    "NodeView",
    "SnapshotView",
]

PROTOCOL = 1
"""The version of what is said here; it grows when a client has to know."""


class _View(BaseModel):
    """Is said by the server; a client passes over fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class LedgerTerms(_View):
    """The conservation law of one node: what came, and how each event ended."""

    entered: int
    recovered: int = Field(description="stored by an earlier run")
    replayed_in: int = Field(description="dead letters that were made events again")
    delivered: int
    filtered: dict[str, int] = Field(description="ended here as intended, by reason")
    dropped: dict[str, int] = Field(description="lost by policy, by reason")
    dead_lettered: int
    returned: int = Field(description="still owed by the writer")
    pending: int
    residue: int = Field(description="what is not accounted for; other than 0 is a bug")


class HeldView(_View):
    """Who holds a node back, and why: an operator's pause, or a breaker that was tripped."""

    by: str
    why: str | None = Field(default=None, description="in the words of who did it")
    since: float = Field(description="Unix seconds")


class BreakerView(_View):
    """Where a circuit breaker stands."""

    state: Literal["closed", "open", "half_open", "isolated", "disabled"]
    failures: int = Field(description="in a row, while closed")
    failure_threshold: int
    opens: int = Field(description="how often it opened in all")
    retry_in_s: float | None = Field(description="until an open breaker probes")
    reverts_in_s: float | None = Field(description="until what an operator did is taken back")
    isolated: HeldView | None = Field(default=None, description="who tripped it, where one did")
    since: float | None = Field(default=None, description="in this state; Unix seconds")
    opens_last_hour: int | None = None


class LatencyView(_View):
    """How long writes took, in seconds; each is the upper bound of a bucket of factor 2."""

    p50_s: float | None
    p99_s: float | None
    recent_p50_s: float | None = Field(description="since the last look")
    recent_p99_s: float | None = Field(description="since the last look")
    writes: int


class NodeView(_View):
    """One node at one instant."""

    name: str
    kind: str
    role: str = Field(description="source, fan, choose, change, reliability or terminal")
    group: str | None
    origin: str | None = Field(description="the composite it is part of")
    status: Literal["starting", "ok", "degraded", "failed", "draining", "stopped"]
    paused: bool
    resumes_in_s: float | None = Field(description="until a pause ends by itself")
    depth: int = Field(description="events it is responsible for and has not settled")
    waiting: int = Field(description="of those, events that wait here and not further up")
    in_flight: int | None
    capacity: int | None
    bytes: int | None
    max_bytes: int | None
    oldest_s: float | None = Field(description="age of the oldest pending event, within a second")
    in_per_s: float
    out_per_s: float
    attempts: int | None
    breaker: BreakerView | None
    latency: LatencyView | None
    last_error: str | None
    ledger: LedgerTerms
    facts: dict[str, Any] = Field(description="what else this kind says of itself")
    pause: HeldView | None = Field(default=None, description="who paused it, while it is paused")


class DriftView(_View):
    """How what runs differs from what its file says; `running` and `file` are digests."""

    why: Literal["override", "changed", "refused"]
    said: str
    since: float = Field(description="Unix seconds")
    running: str
    file: str | None
    reasons: list[str] = Field(description="what stands against the file")
    diagnostics: list[dict[str, Any]] = Field(description="findings in the file, with places")


class SnapshotView(_View):
    """A whole graph at one instant."""

    name: str
    run_id: str
    status: str
    generation: int
    digest: str
    at: float = Field(description="Unix seconds")
    uptime_s: float
    pending: int = Field(description="events that still have to go somewhere")
    residue: int
    loop_lag_s: float = Field(description="how late the engine's loop was, at worst, since before")
    nodes: dict[str, NodeView]
    removed: dict[str, LedgerTerms] = Field(description="of nodes that have left")
    drift: DriftView | None = Field(default=None, description="none when the file runs")


class Full(_View):
    """The first message of a stream, and after a gap: everything."""

    seq: int
    protocol: int
    snapshot: SnapshotView


class Delta(_View):
    """What changed since message `seq` - 1: fields of the snapshot, and of nodes by name."""

    seq: int
    at: float
    snapshot: dict[str, Any] = Field(description="changed fields but `nodes`")
    nodes: dict[str, dict[str, Any]] = Field(description="changed fields by node; new ones whole")
    gone: list[str]


class GraphNodeView(_View):
    """One node of the graph, as it was declared; secrets are ***."""

    name: str
    kind: str
    role: str
    group: str | None
    origin: str | None
    implied: bool
    durable: bool
    description: str | None
    fields: dict[str, Any]


class EdgeView(_View):
    """One edge; `index` counts the targets of a port."""

    source: str
    port: str
    target: str
    required: bool
    index: int


class GraphView(_View):
    """The graph that runs."""

    name: str
    description: str | None
    generation: int
    digest: str
    drift: str | None = Field(description="why what runs is not what the file says, if so")
    nodes: list[GraphNodeView] = Field(description="in topological order, sources first")
    edges: list[EdgeView]


class HistoryView(_View):
    """Up to 10 minutes at one look a second; a series has as many values as `at`."""

    step_s: float
    at: list[float] = Field(description="Unix seconds, oldest first")
    nodes: dict[str, dict[str, list[float | None]]]
    left_out: int = Field(description="nodes without a history: there are too many")


class Health(_View):
    """Whether it lives, or is ready to be written to; `nodes` only for those that may read."""

    status: Literal["ok", "degraded", "starting", "draining", "stopped", "failed"]
    ready: bool
    nodes: dict[str, str] | None = None
