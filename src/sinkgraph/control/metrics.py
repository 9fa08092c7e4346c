"""The numbers of a running graph for Prometheus: made from the last look, when they are asked for.

Names have their units; labels are node names and words of ours, never anything from an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import core
from prometheus_client import exposition as text
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import CollectorRegistry

from sinkgraph.control.operating import is_paused
from sinkgraph.control.tally import OUTCOMES
from sinkgraph.telemetry.histogram import Histogram

if TYPE_CHECKING:
    from sinkgraph.control.desk import Desk

__all__ = ["METRICS", "exposition"]

BREAKER_STATES = ("closed", "half_open", "open", "isolated", "disabled")
_BUCKETS = range(7, 31, 2)  # of the histogram: from 0.2 ms to about 17 minutes


@dataclass(frozen=True, slots=True)
class Named:
    """Is one metric: its name without `sinkgraph_` and `_total`, its type, labels and meaning."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    unit: str = ""


METRICS: tuple[Named, ...] = (
    Named("queue_depth_events", "gauge", ("node",), "events pending", "events"),
    Named("queue_capacity_events", "gauge", ("node",), "most events that may be pending", "events"),
    Named("queue_pending_bytes", "gauge", ("node",), "bytes of payload pending", "bytes"),
    Named("oldest_age_seconds", "gauge", ("node",), "age of the oldest pending event", "seconds"),
    Named("node_paused", "gauge", ("node",), "1 while an operator holds it back"),
    Named("node_status", "gauge", ("node", "status"), "1 for the status the node has"),
    Named("events_in", "counter", ("node", "kind"), "events that came"),
    Named("events_out", "counter", ("node", "kind"), "events that were delivered"),
    Named("events_recovered", "counter", ("node",), "events an earlier run had stored"),
    Named("events_returned", "counter", ("node",), "events handed back to their writer"),
    Named("events_filtered", "counter", ("node", "reason"), "events that ended as intended"),
    Named("events_dropped", "counter", ("node", "reason"), "events lost by policy"),
    Named("events_dead_lettered", "counter", ("node",), "events that became dead letters"),
    Named("dead_letters_kept_events", "gauge", ("node",), "dead letters that are kept", "events"),
    Named("attempts", "counter", ("node",), "attempts to deliver"),
    Named("attempts_failed", "counter", ("node",), "attempts that failed"),
    Named("delivery_duration_seconds", "histogram", ("node",), "how long writes took", "seconds"),
    Named("breaker_state", "gauge", ("node", "state"), "1 for the state the breaker has"),
    Named("breaker_transitions", "counter", ("node", "state"), "how often it came to a state"),
    Named("reloads", "counter", ("outcome",), "reloads that were asked for"),
    Named("graph_generation", "gauge", (), "documents this process has run, this one included"),
    Named("graph_config", "info", ("name", "digest"), "what runs"),
    Named("graph_pending_events", "gauge", (), "events that still have to go somewhere", "events"),
    Named("ledger_residue_events", "gauge", (), "events not accounted for; a bug", "events"),
    Named("uptime_seconds", "gauge", (), "since the graph was started", "seconds"),
    Named("loop_lag_seconds", "gauge", (), "how late the loop was at the last look", "seconds"),
)
"""What `/metrics` has; the table of the docs is made from it."""


def exposition(desk: Desk, accept: str) -> tuple[bytes, str]:
    """Return the metrics as OpenMetrics where that is accepted, else as text, and their type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(desk))
    if "application/openmetrics-text" in accept:
        write: Callable[[CollectorRegistry], bytes] = openmetrics.generate_latest
        return write(registry), openmetrics.CONTENT_TYPE_LATEST
    return text.generate_latest(registry), text.CONTENT_TYPE_LATEST


class _Collector:
    """Reads the last look once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[Metric]:
        """Return nothing: what it collects is not asked for twice."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, with all its nodes."""
        families: dict[str, Callable[..., Any]] = {
            "gauge": core.GaugeMetricFamily,
            "counter": core.CounterMetricFamily,
            "histogram": core.HistogramMetricFamily,
        }
        samples = _Samples(self._desk).all()
        for named in METRICS:
            name, help = f"sinkgraph_{named.name}", f"{named.help[0].upper()}{named.help[1:]}."
            if named.type == "info":
                family: Any = core.InfoMetricFamily(name, help)
                for labels, _ in samples[named.name]:
                    family.add_metric([], dict(zip(named.labels, labels, strict=True)))
                yield family
                continue
            family = families[named.type](name, help, labels=named.labels, unit=named.unit)
            for labels, value in samples[named.name]:
                if isinstance(value, Histogram):
                    family.add_metric(labels, *_buckets(value))
                else:
                    family.add_metric(labels, value)
            yield family


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, int]], float]:
    """Return cumulative counts by upper bound in seconds, and the sum."""
    made, counts = [], histogram.counts
    for k in _BUCKETS:
        made.append((repr(2.0 ** (k - 20)), sum(counts[: k + 1])))
    made.append(("+Inf", histogram.total))
    return made, histogram.total_s


class _Samples:
    """Gathers the values of every metric."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: dict[str, list[tuple[tuple[str, ...], Any]]] = {m.name: [] for m in METRICS}

    def all(self) -> dict[str, list[tuple[tuple[str, ...], Any]]]:
        """Return label values and value of each sample, by metric."""
        desk = self._desk
        snapshot, sampler = desk.sampler.latest, desk.sampler
        self._add("graph_generation", snapshot.generation)
        self._add("graph_config", 1, snapshot.name, desk.live.topology.assembly.digest)
        self._add("graph_pending_events", snapshot.pending)
        self._add("ledger_residue_events", snapshot.residue)
        self._add("uptime_seconds", snapshot.uptime_s)
        self._add("loop_lag_seconds", sampler.lag_s)
        for name, node in snapshot.nodes.items():
            self._node(name, node)
        for name, live in desk.live.nodes.items():
            latency = getattr(live, "latency", None)
            if isinstance(latency, Histogram):
                self._add("delivery_duration_seconds", latency, name)
        for (name, state), n in desk.tally.transitions.items():
            self._add("breaker_transitions", n, name, state)
        for outcome in OUTCOMES:
            self._add("reloads", desk.tally.reloads.get(outcome, 0), outcome)
        return self._made

    def _add(self, metric: str, value: Any, *labels: str) -> None:
        self._made[metric].append((labels, value))

    def _node(self, name: str, node: Any) -> None:
        ledger, facts = node.ledger, node.facts
        if node.kind == "queue":
            self._add("queue_depth_events", facts["depth"], name)
            self._add("queue_capacity_events", facts["capacity"], name)
            if facts["bytes"] is not None:
                self._add("queue_pending_bytes", facts["bytes"], name)
        if node.kind == "dead_letter":
            self._add("dead_letters_kept_events", facts["depth"], name)
        else:
            age = self._desk.sampler.measures[name].oldest_s
            self._add("oldest_age_seconds", age or 0.0, name)
        live = self._desk.live.nodes.get(name)
        self._add("node_paused", int(is_paused(live)), name)
        self._add("node_status", 1, name, node.status)
        self._add("events_in", ledger.entered + ledger.replayed, name, node.kind)
        self._add("events_out", ledger.delivered, name, node.kind)
        self._add("events_recovered", ledger.recovered, name)
        self._add("events_returned", ledger.returned, name)
        self._add("events_dead_lettered", ledger.dead_lettered, name)
        for reason, n in ledger.filtered.items():
            self._add("events_filtered", n, name, reason)
        for reason, n in ledger.dropped.items():
            self._add("events_dropped", n, name, reason)
        if "attempts" in facts:
            self._add("attempts", facts["attempts"], name)
            self._add("attempts_failed", facts["failures"], name)
        breaker = facts.get("breaker")
        if isinstance(breaker, dict):
            for state in BREAKER_STATES:
                self._add("breaker_state", int(breaker["state"] == state), name, state)
