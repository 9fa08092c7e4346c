"""The circuit breaker: its state, the rules between states, and the machine that holds both.

Nothing here waits, reads a clock or does I/O: every call is told `now`, in monotonic seconds.
What counts as a failure is the caller's decision; the policy is `sinks.breaker_policy`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sinkgraph.clock import Random
from sinkgraph.sinks.breaker_policy import Breaker

__all__ = ["Breaker", "BreakerMachine", "BreakerState", "Permit", "StateName", "following"]

StateName = Literal["closed", "open", "half_open", "isolated", "disabled"]

_SHORTEST_S = 0.001  # a shorter wait may be lost in rounding, and who waits it would spin
_HOUR_S = 3600.0
_REMEMBERED = 3600  # openings
_SLOTS = 10  # a window is counted in so many parts, the oldest of which is forgotten at a time


@dataclass(frozen=True, slots=True)
class BreakerState:
    """Is where a breaker stands. Every transition starts a new generation.

    `until`: when open ends (it may probe), or when half-open must have ended. `leased`: probes
    under way. `failures`: in a row, while closed. `reopens`: failed probes since it tripped.
    `opens`: how often it opened in all. `window`: `(slot, attempts, failed, slow)` by age.
    """

    state: StateName = "closed"
    generation: int = 0
    failures: int = 0
    reopens: int = 0
    opens: int = 0
    since: float = 0.0
    until: float = 0.0
    leased: int = 0
    window: tuple[tuple[int, int, int, int], ...] = ()


def acquired(
    policy: Breaker, state: BreakerState, now: float, draw: float
) -> tuple[BreakerState, float]:
    """Return the state after somebody asked to attempt, and how long they must wait (0: go)."""
    state = elapsed(policy, state, now, draw)
    match state.state:
        case "closed" | "disabled":
            return state, 0.0
        case "isolated":
            return state, policy.open_for_max
        case "open":
            if now < state.until:
                return state, max(state.until - now, _SHORTEST_S)
            state = _moved(state, "half_open", now, until=now + policy.half_open_max)
        case "half_open":
            pass
    if state.leased < policy.probes:
        return replace(state, leased=state.leased + 1), 0.0
    return state, min(max(state.until - now, _SHORTEST_S), policy.open_for)


def elapsed(policy: Breaker, state: BreakerState, now: float, draw: float) -> BreakerState:
    """Return the state once time alone has had its effect: half-open too long is open again."""
    if state.state == "half_open" and now >= state.until:
        return _opened(policy, state, state.until, draw, state.reopens + 1)
    return state


def succeeded(
    policy: Breaker, state: BreakerState, generation: int, now: float, took_s: float, draw: float
) -> BreakerState:
    """Return the state after an attempt of `generation` succeeded in `took_s` seconds."""
    state = elapsed(policy, state, now, draw)
    if generation != state.generation:
        return state
    if state.state == "half_open":
        return _moved(state, "closed", now)
    if state.state == "closed":
        if state.failures:
            state = replace(state, failures=0)
        return _judged(policy, state, now, False, took_s, draw)
    return state


def failed(
    policy: Breaker, state: BreakerState, generation: int, now: float, took_s: float, draw: float
) -> BreakerState:
    """Return the state after an attempt of `generation` failed in a way that counts."""
    state = elapsed(policy, state, now, draw)
    if generation != state.generation:
        return state
    if state.state == "half_open":
        return _opened(policy, state, now, draw, state.reopens + 1)
    if state.state == "closed":
        state = replace(state, failures=state.failures + 1)
        if state.failures >= policy.failure_threshold:
            return _opened(policy, state, now, draw, 0)
        return _judged(policy, state, now, True, took_s, draw)
    return state


def released(state: BreakerState, generation: int) -> BreakerState:
    """Return the state after an attempt of `generation` ended without an outcome."""
    if generation == state.generation and state.state == "half_open" and state.leased:
        return replace(state, leased=state.leased - 1)
    return state


def retuned(old: Breaker, policy: Breaker, state: BreakerState) -> BreakerState:
    """Return the state under a new policy: counts stay, waits are not longer than it allows."""
    if state.state == "open":
        longest = policy.open_span(state.reopens, 1.0)
        return replace(state, until=min(state.until, state.since + longest))
    if state.state == "half_open":
        return replace(state, until=min(state.until, state.since + policy.half_open_max))
    return state if old.window == policy.window else replace(state, window=())


def _moved(
    state: BreakerState,
    to: StateName,
    now: float,
    *,
    until: float = 0.0,
    reopens: int | None = None,
) -> BreakerState:
    kept = to in ("open", "half_open")
    return BreakerState(
        state=to,
        generation=state.generation + 1,
        failures=state.failures if kept else 0,
        reopens=(state.reopens if reopens is None else reopens) if kept else 0,
        opens=state.opens + (to == "open"),
        since=now,
        until=until,
    )


def _opened(
    policy: Breaker, state: BreakerState, now: float, draw: float, reopens: int
) -> BreakerState:
    until = now + policy.open_span(reopens, draw)
    return _moved(state, "open", now, until=until, reopens=reopens)


def _judged(
    policy: Breaker, state: BreakerState, now: float, bad: bool, took_s: float, draw: float
) -> BreakerState:
    """Note one attempt in the window, if there is one, and open when its shares are too high."""
    if policy.window is None:
        return state
    slow = policy.slow_after is not None and took_s > policy.slow_after
    slot = math.floor(now / policy.window * _SLOTS)
    kept = [part for part in state.window if slot - _SLOTS < part[0]]
    if kept and kept[-1][0] == slot:
        _, calls, failures, slows = kept.pop()
        kept.append((slot, calls + 1, failures + bad, slows + slow))
    else:
        kept.append((slot, 1, int(bad), int(slow)))
    calls = sum(part[1] for part in kept)
    if calls >= policy.min_calls and (
        _over(policy.failure_rate, sum(part[2] for part in kept), calls)
        or _over(policy.slow_rate, sum(part[3] for part in kept), calls)
    ):
        return _opened(policy, state, now, draw, 0)
    return replace(state, window=tuple(kept))


def _over(rate: float | None, part: int, whole: int) -> bool:
    return rate is not None and part >= rate * whole


class Permit:
    """Lets one attempt through. Give it back once, by success, failure or release."""

    __slots__ = ("generation", "probe", "spent")

    def __init__(self, generation: int, *, probe: bool) -> None:
        self.generation = generation
        self.probe = probe
        self.spent = False


class BreakerMachine:
    """Holds one breaker: counts outcomes, hands out permits and tells of transitions.

    `on_transition(old, new, now)` is called synchronously after the state has changed. Any number
    of tasks of one loop may share it. While nothing fails, `acquire` and `success` cost two
    comparisons and allocate nothing.
    """

    __slots__ = (
        *("_door", "_opened", "_policy", "_quiet", "_state", "on_transition", "random"),
        "turned_at",
    )

    def __init__(
        self,
        policy: Breaker,
        random: Random,
        on_transition: Callable[[str, str, float], None] | None = None,
    ) -> None:
        self._policy = policy
        self.random = random
        self.on_transition = on_transition
        self._state = BreakerState()
        self._opened: deque[float] = deque(maxlen=_REMEMBERED)  # when it opened, the oldest first
        self.turned_at: float | None = None  # Unix seconds of its last transition, by its owner
        self._door: Permit | None = None
        self._quiet: Permit | None = None
        self._refresh()

    def facts(self, now: float) -> dict[str, object]:
        """Return what a node says of its breaker: state, failures, seconds until it may probe.

        `since` is in Unix seconds, None until it has turned for the first time.
        """
        probe = self.retry_at
        while self._opened and now - self._opened[0] > _HOUR_S:
            self._opened.popleft()
        return {
            "state": self.state,
            "failures": self.failures,
            "failure_threshold": self._policy.failure_threshold,
            "opens": self.opens,
            "opens_last_hour": len(self._opened),
            "since": self.turned_at,
            "probe_in_s": max(0.0, probe - now) if probe is not None else None,
        }

    # one attempt

    def acquire(self, now: float) -> Permit | float:
        """Return a Permit that lets the attempt through, or the seconds to wait (above 0).

        The wait is always finite: somebody isolated, or waiting for another's probe, asks again.
        """
        door = self._door
        if door is not None:
            return door
        self.tick(now)
        state, wait = acquired(self._policy, self._state, now, self.random.random())
        self._set(state, now)
        return wait or Permit(state.generation, probe=True)

    def success(self, permit: Permit, now: float, took_s: float = 0.0) -> None:
        """Note that the attempt succeeded."""
        if permit is not self._quiet and self._spend(permit):
            draw = self.random.random()
            self._set(
                succeeded(self._policy, self._state, permit.generation, now, took_s, draw), now
            )

    def failure(self, permit: Permit, now: float, took_s: float = 0.0) -> None:
        """Note that the attempt failed in a way that says something about the destination."""
        if self._spend(permit):
            draw = self.random.random()
            self._set(failed(self._policy, self._state, permit.generation, now, took_s, draw), now)

    def release(self, permit: Permit) -> None:
        """Give the permit back without an outcome: the attempt was cancelled or is ignored."""
        if self._spend(permit):
            self._set(released(self._state, permit.generation), self._state.since)

    # the operator

    def trip(self, now: float) -> None:
        """Isolate it: nothing passes until `reset`."""
        self._set(_moved(self._state, "isolated", now), now)

    def reset(self, now: float) -> None:
        """Close it, whatever it was, and forget its failures."""
        self._set(_moved(self._state, "closed", now), now)

    def disable(self, now: float | None = None) -> None:
        """Let everything through and count nothing until `reset`."""
        when = self._state.since if now is None else now
        self._set(_moved(self._state, "disabled", when), when)

    def probe(self, now: float) -> None:
        """Let an open breaker probe at once instead of at its time."""
        if self._state.state == "open":
            self._set(replace(self._state, until=min(self._state.until, now)), now)

    def retune(self, policy: Breaker) -> None:
        """Follow another policy from now on; state and counts are kept."""
        old, self._policy = self._policy, policy
        self._set(retuned(old, policy, self._state), self._state.since)
        self._refresh()

    def tick(self, now: float) -> None:
        """Let time have its effect, for whoever only looks: half-open ends at its time."""
        self._set(elapsed(self._policy, self._state, now, self.random.random()), now)

    # what it says of itself

    @property
    def policy(self) -> Breaker:
        """The policy it follows."""
        return self._policy

    @property
    def value(self) -> BreakerState:
        """Its state as a frozen value."""
        return self._state

    @property
    def state(self) -> str:
        """`closed`, `open`, `half_open`, `isolated` or `disabled`."""
        return self._state.state

    @property
    def retry_at(self) -> float | None:
        """The monotonic time from which an open breaker probes; None in every other state."""
        return self._state.until if self._state.state == "open" else None

    @property
    def failures(self) -> int:
        """Failures in a row that led here."""
        return self._state.failures

    @property
    def opens(self) -> int:
        """How often it has opened."""
        return self._state.opens

    def _spend(self, permit: Permit) -> bool:
        if not permit.probe:
            return True
        unspent, permit.spent = not permit.spent, True
        return unspent

    def _set(self, state: BreakerState, now: float) -> None:
        old, self._state = self._state, state
        if old is state:
            return
        self._refresh()
        if old.state == state.state:
            return
        if state.state == "open":
            self._opened.append(now)
        if self.on_transition is not None:
            self.on_transition(old.state, state.state, now)

    def _refresh(self) -> None:
        state, door = self._state, self._door
        if state.state not in ("closed", "disabled"):
            self._door = self._quiet = None
            return
        if door is None or door.generation != state.generation:
            door = self._door = Permit(state.generation, probe=False)
        calm = state.state == "disabled" or (not state.failures and self._policy.window is None)
        self._quiet = door if calm else None


def following(
    machine: BreakerMachine | None,
    policy: Breaker | None,
    random: Random,
    moved: Callable[[str, str, float], None],
) -> BreakerMachine | None:
    """Return the machine that follows a policy: the same where there is one, its state kept."""
    if policy is None:
        return None
    if machine is None:
        return BreakerMachine(policy, random, moved)
    machine.retune(policy)
    return machine
