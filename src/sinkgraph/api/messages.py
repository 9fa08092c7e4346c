"""What is asked of a running graph over the control plane, what is answered, and what is refused.

These models are the contract, as `models` is for what is only looked at.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "ApplyRequest",
    "Done",
    "GenerationList",
    "GenerationView",
    "JournalEntry",
    "JournalList",
    "LetterGroup",
    "LetterGroups",
    "LetterList",
    "LetterView",
    "PlanRequest",
    "Problem",
    "PurgeRequest",
    "Purged",
    "ReplayRequest",
    "Replayed",
    "RollbackRequest",
    "TapEvent",
    "TapGap",
    "VerbRequest",
    "WriteRequest",
    "Written",
]

_Text = Annotated[str, StringConstraints(max_length=1024)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Asked(BaseModel):
    """Is sent by a client; a field nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Said):
    """Why a request was refused (RFC 9457); what is null or empty is not known, or not there."""

    type: str = Field(description="stays the same for the same reason")
    title: str
    status: int
    detail: str
    errors: list[str] = Field(default=[])
    nearest: str | None = None
    diagnostics: list[dict[str, Any]] = Field(default=[], description="findings of a document")
    told: str | None = Field(default=None, description="those findings, as a person reads them")


class JournalEntry(_Said):
    """One fact about the graph; `seq` grows by one."""

    seq: int
    at: float = Field(description="Unix seconds")
    kind: str = Field(description="in the past tense: breaker_opened")
    node: str | None
    facts: dict[str, Any]


class JournalList(_Said):
    """The newest facts, oldest first."""

    entries: list[JournalEntry]


class WriteRequest(_Asked):
    """Events to write into the graph; all of them are taken, or none."""

    events: list[Any] = Field(min_length=1, max_length=10_000, description="payloads")
    to: _Name | None = Field(default=None, description="the inlet, where there are several")
    type: _Text | None = None
    source: _Text | None = None
    timeout_s: float = Field(default=2.0, ge=0, le=5, description="how long to wait for room")


class Written(_Said):
    """How many events were taken."""

    accepted: int


class VerbRequest(_Asked):
    """How an operator's verb is carried out; all fields are optional."""

    for_s: float | None = Field(
        default=None, gt=0, le=30 * 86_400, description="seconds after which it is taken back"
    )
    why: _Text | None = Field(default=None, description="is noted in the journal")


class Done(_Said):
    """What a verb did; `changed` is false when it was so before."""

    node: str = Field(description="the node it was done to: part of a composite, perhaps")
    verb: str
    changed: bool
    state: str
    pending: int | None = None
    reverts_in_s: float | None = None


class PlanRequest(_Asked):
    """A document, and what becomes of events in queues that leave."""

    document: Annotated[str, StringConstraints(min_length=1, max_length=16 * 1024**2)] | None = (
        Field(default=None, description="without it, what the file of the run says")
    )
    syntax: Literal["yaml", "toml", "json"] = "yaml"
    path: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        default=None, description="where it stands; counts only over the unix socket"
    )
    name: _Text | None = Field(default=None, description="how findings call it")
    origin: Literal["api", "cli", "tui"] = Field(default="api", description="for the journal")
    fates: dict[_Name, _Text] = Field(default={})


class ApplyRequest(PlanRequest):
    """A document to be run from now on."""


class RollbackRequest(_Asked):
    """The generation whose document is to be run again."""

    generation: int | None = Field(
        default=None, ge=1, description="without it, the one before what runs"
    )
    fates: dict[_Name, _Text] = Field(default={})


class GenerationView(_Said):
    """One document that was committed and is kept."""

    generation: int
    digest: str
    at: float = Field(description="Unix seconds")
    origin: str = Field(description="start, watch, signal, api, cli, tui or rollback")
    by: str
    override: bool = Field(description="whether the file of the run said something else")
    of: int = Field(description="the generation whose document it is")
    name: str = Field(description="what the document is called")
    runs: bool


class GenerationList(_Said):
    """The documents that are kept, the oldest first."""

    generations: list[GenerationView]


class TapEvent(_Said):
    """One event seen at a node; large ones are cut, secrets are ***."""

    seq: int = Field(description="grows by one with each that is shown")
    id: str
    type: str
    source: str
    time: float
    meta: dict[str, Any]
    data: Any = Field(default=None, description="absent when it was too large")
    preview: str | None = Field(default=None, description="the beginning of what was too large")
    size: int | None = Field(description="bytes of the payload as JSON, where that is known")


class TapGap(_Said):
    """How much passed that was not shown, since the stream began."""

    seen: int
    shown: int
    filtered: int = Field(description="not chosen by `where`")
    failed: int = Field(description="`where` could not be evaluated")
    sampled_out: int = Field(description="passed faster than is shown")
    missed: int = Field(description="shown too late for a slow reader")


class LetterGroup(_Said):
    """Dead letters of one node and reason."""

    sink: str
    node: str
    reason: str
    count: int
    bytes: int
    first: float
    last: float


class LetterGroups(_Said):
    """Dead letters by node and reason, the most frequent first."""

    groups: list[LetterGroup]
    total: int


class LetterView(_Said):
    """One dead letter; `event` only for those that may see events."""

    number: int
    sink: str
    node: str
    reason: str
    id: str
    type: str
    at: float
    first: float
    bytes: int
    attempts: int | None = None
    errors: list[str] = Field(default=[])
    event: Any = None


class LetterList(_Said):
    """Dead letters in order of number; `after` for the next page, if there is one."""

    letters: list[LetterView]
    after: int | None


class ReplayRequest(_Asked):
    """Which dead letters are to be written again: all, unless chosen."""

    node: _Name | None = None
    reason: _Name | None = None
    type: _Text | None = None
    id: _Text | None = Field(default=None, description="of the event")
    sink: _Name | None = Field(default=None, description="kept by this dead_letter sink")
    since: float | None = Field(default=None, description="failed last since this Unix time")
    before: float | None = Field(default=None, description="failed last before this Unix time")
    numbers: list[int] | None = Field(default=None, min_length=1, max_length=10_000)
    to: _Name | None = Field(default=None, description="into this node, not where each died")
    rate: float | None = Field(default=None, gt=0, description="events a second into each node")
    expect: int | None = Field(default=None, ge=0, description="how many that must be")


class Replayed(_Said):
    """How many letters go into which node, and which stay and why."""

    replayed: dict[str, int]
    left: dict[str, str]


class PurgeRequest(_Asked):
    """Dead letters to delete, and how many that must be."""

    numbers: list[int] = Field(min_length=1, max_length=10_000)
    expect: int = Field(ge=1)


class Purged(_Said):
    """How many dead letters were deleted."""

    purged: int
