"""Situations and what is said of them: headlines, WHY and NEXT, as an operator reads them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.model.situations import (
    Situation,
    broken_disk,
    by_ops,
    draining,
    dropping,
    dying,
    failing,
    full,
    outage,
    overrun,
    paused,
    probing,
    seen_at,
    slow,
    tripped,
    well,
    with_policy,
)

BY_OPS = {"entries": by_ops("queue_paused", "hooks")}
RATE_LIMIT = {"entries": by_ops("breaker_tripped", "hooks.retry", "rate limit")}


@pytest.mark.parametrize(
    ("situation", "how", "said"),
    [
        (outage, {}, "P2 ○ hooks OPEN 19s 503 → queue full in 20s → blocks fanout"),
        (
            outage,
            {"graph": with_policy("reject")},
            "P2 ○ hooks OPEN 19s 503 → queue full in 20s → refuses fanout",
        ),
        (full, {}, "P2 ○ hooks OPEN 19s 503 → queue full → shop waits"),
        (probing, {}, "P4 ◐ hooks PROBING 19s 503"),
        (
            tripped,
            RATE_LIMIT,
            "P5 ⊘ hooks TRIPPED 19s by ops@bastion (rate limit) · resets in 6m",
        ),
        (paused, BY_OPS, "P5 ‖ hooks paused by ops@bastion 19s ago · resumes in 3m"),
        (slow, {}, "P4 ! hooks slow p99 1.41s · 31× usual"),
        (failing, {}, "P4 ! hooks fails 30% of attempts · timeout"),
        (dropping, {"graph": with_policy("drop_oldest")}, "P1 ▲ hooks FULL → loses 12/s"),
        (dying, {}, "P4 ! hooks 5 dead letters in 1m · 422"),
        (broken_disk, {}, "P1 ✕ audit FAILED 19s permission denied"),
        (overrun, {}, "P2 ▲ audit growing +10/s full in 1m20s → blocks fanout"),
        (well, {"loop_lag_s": 1.2}, "P1 ! engine 1.20s late"),
        (well, {"residue": 12}, "P1 ✕ 12 events not accounted for: a bug in sinkgraph"),
        (well, {"status": "draining", "pending": 7}, "P6 ▼ the graph stops: 7 events to deliver"),
    ],
)
def test_one_trouble_is_one_alarm(situation: Situation, how: dict[str, Any], said: str) -> None:
    view = seen_at(situation, **how)
    assert [f"P{one.level} {view.headline(one).plain}" for one in view.alarms] == [said]
    assert view.strip.plain == "1 ALARM"


@pytest.mark.parametrize("situation", [well, draining])
def test_what_is_as_it_should_be_is_no_alarm(situation: Situation) -> None:
    view = seen_at(situation)
    assert view.alarms == ()
    assert view.strip.plain == "NO ALARMS · all 8 nodes nominal"
    assert view.level == 6


PROBING = (
    "The breaker of hooks.retry probes after 19s open, 4 probes failed, "
    "last: 503 from billing.example."
)
OPEN = (
    "Nothing drains: the breaker of hooks.retry has been open for 19s, 4 probes failed, "
    "last: 503 from billing.example."
)


@pytest.mark.parametrize(
    ("situation", "how", "name", "said"),
    [
        (well, {}, "hooks", ["All is well: 50/s in, 50/s out."]),
        (well, {}, "hooks.http", ["All is well: 50/s in, 50/s out, p99 45ms."]),
        (well, {}, "fanout", ["All is well; nothing has come yet."]),
        (well, {}, "nobody", ["nobody is not in the graph that runs."]),
        (
            outage,
            {},
            "hooks",
            [
                OPEN,
                "hooks grows +50/s, 1.00k/2.00k, the oldest waits 20s.",
                "Inflow is normal: 50/s, usually 50/s.",
            ],
        ),
        (outage, {}, "shop", ["All is well: 50/s in, 50/s out."]),
        (
            full,
            {},
            "shop",
            [
                OPEN,
                "shop has been made to wait by hooks for 20s.",
                "hooks is full, 2.00k/2.00k, the oldest waits 20s.",
            ],
        ),
        (
            probing,
            {},
            "hooks.retry",
            [
                PROBING,
            ],
        ),
        (
            tripped,
            RATE_LIMIT,
            "hooks.retry",
            ["hooks.retry was tripped by ops@bastion (rate limit) 19s ago."],
        ),
        (
            paused,
            BY_OPS,
            "hooks",
            [
                "hooks has been paused by ops@bastion for 19s.",
                "hooks grows +20/s, 400/100k.",
                "Inflow is normal: 50/s, usually 50/s.",
            ],
        ),
        (
            slow,
            {},
            "hooks.http",
            ["hooks.http is slow: p99 1.41s from billing.example, usually 45ms."],
        ),
        (
            failing,
            {},
            "hooks",
            ["30% of the attempts of hooks.retry fail, last: timeout from billing.example."],
        ),
        (
            dropping,
            {"graph": with_policy("drop_oldest")},
            "hooks",
            ["hooks is full: 50/s in, 50/s out.", "hooks loses 12/s: drop_oldest."],
        ),
        (
            broken_disk,
            {},
            "audit",
            ["audit.file failed 19s ago: permission denied. It needs a person."],
        ),
        (overrun, {}, "audit", ["audit grows +10/s: more comes than goes, 60/s in, 50/s out."]),
        (draining, {}, "hooks", ["It drains: 1,000 events left, -100/s, empty in 10s."]),
    ],
)
def test_why(situation: Situation, how: dict[str, Any], name: str, said: list[str]) -> None:
    assert [line.plain for line in seen_at(situation, **how).why(name)] == said


THEN = "then shop waits, and audit gets nothing either"


@pytest.mark.parametrize(
    ("situation", "name", "said"),
    [
        (well, "hooks", []),
        (draining, "hooks", ["in 10s hooks is empty"]),
        (
            outage,
            "hooks",
            [
                "in 3s hooks.retry probes; if that works, hooks drains",
                f"in 20s hooks is full, {THEN}",
                "try now: sinkgraph breaker probe hooks.retry",
                "take nothing more in: sinkgraph pause shop --for 5m",
            ],
        ),
        (outage, "audit", [f"in 20s hooks is full, {THEN}"]),
        (
            full,
            "hooks",
            [
                "now hooks is full: shop waits, and audit gets nothing either",
                "in 3s hooks.retry probes; if that works, hooks drains in about 40s",
                "try now: sinkgraph breaker probe hooks.retry",
                "take nothing more in: sinkgraph pause shop --for 5m",
            ],
        ),
        (
            probing,
            "hooks",
            [
                "now a probe of hooks.retry is under way; if that works, hooks drains",
                "look at what passes: sinkgraph tap hooks.retry",
            ],
        ),
        (
            tripped,
            "hooks",
            [
                "in 6m hooks.retry is reset by itself",
                "let events through again: sinkgraph breaker reset hooks.retry",
            ],
        ),
        (
            paused,
            "hooks",
            [
                "in 3m hooks is resumed by itself; then hooks drains",
                "let it go on: sinkgraph resume hooks",
            ],
        ),
        (slow, "hooks", ["look at what passes: sinkgraph tap hooks.http"]),
        (dying, "hooks", ["look at the dead letters: sinkgraph dlq ls --node hooks.retry"]),
        (
            overrun,
            "audit",
            [
                f"in 1m20s audit is full, {THEN.replace('audit', 'hooks')}",
                "look at what comes: sinkgraph tap audit",
                "take nothing more in: sinkgraph pause shop --for 5m",
            ],
        ),
    ],
)
def test_next(situation: Situation, name: str, said: list[str]) -> None:
    view = seen_at(situation)
    assert [step.told(view.now).plain for step in view.next(name)] == said


def test_a_command_names_the_graph_where_it_has_to() -> None:
    from dataclasses import replace

    view = replace(seen_at(paused), address="orders")
    assert view.next("hooks")[-1].command == "sinkgraph resume hooks orders"


def test_what_follows_a_pause_after_it_has_ended_is_not_foretold() -> None:
    (alarm,) = seen_at(paused).alarms
    assert [sign.kind for sign in alarm.trouble.signs] == ["paused", "filling"]
    assert [sign.kind for sign in alarm.trouble.due] == ["paused"]
