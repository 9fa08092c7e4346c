"""Plays the parts of a soak, each for so long, and shows how it goes.

What is run and how it is shown are the subjects of `parts` and `report`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from tests.soak.parts import Call, Part
from tests.soak.report import Result, clock_face, progress, table

__all__ = ["Clock", "Outcome", "Runner", "play", "run_call"]

ROOT = Path(__file__).parents[2]
_LOOK_EVERY_S = 0.5
_TAIL = 60  # lines of a failed round that are shown

Clock = Callable[[], float]
Outcome = tuple[int | None, str]
"""The exit code and the output of a round; None when it was cut short."""

Runner = Callable[[Call, float, Callable[[], None]], Outcome]
"""Runs a command for at most so many seconds; calls back now and then."""


def run_call(call: Call, limit_s: float, tick: Callable[[], None]) -> Outcome:
    """Run a command as a process group of its own; what is left of it at the limit is killed."""
    until = time.monotonic() + limit_s
    with tempfile.TemporaryFile() as heard:
        process = subprocess.Popen(
            [sys.executable, *call.arguments],
            cwd=ROOT,
            env={**os.environ, **call.env},
            stdin=subprocess.DEVNULL,
            stdout=heard,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        try:
            while code is None and time.monotonic() < until:
                tick()
                try:
                    code = process.wait(_LOOK_EVERY_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        heard.seek(0)
        return code, heard.read().decode(errors="replace")


def play(
    parts: Sequence[Part],
    limit_s: float,
    seed: int,
    out: TextIO,
    *,
    runner: Runner = run_call,
    clock: Clock = time.monotonic,
) -> list[Result]:
    """Play every part for at most `limit_s` seconds; a part ends with its first failure."""
    results: list[Result] = []
    try:
        for part in parts:
            results.append(Result(part))
            for result in _rounds(part, limit_s, seed, out, runner, clock):
                results[-1] = result
    finally:
        out.write(f"\n{table(results)}\n")
        out.flush()
    return results


def _rounds(
    part: Part, limit_s: float, seed: int, out: TextIO, runner: Runner, clock: Clock
) -> Sequence[Result]:
    """Play one part; return how it stood after each round."""
    shows = out.isatty()
    began = clock()
    result = Result(part)
    story: list[Result] = []

    def show() -> None:
        if shows:
            out.write(f"\r\x1b[K{progress(result, clock() - began, limit_s)}")
            out.flush()

    while (left := limit_s - (clock() - began)) > 0:
        own = seed + result.rounds * (part.factor if part.module else 1)
        call = part.call(own)
        code, text = runner(call, left, show)
        took_s = clock() - began
        if code is None:
            result = replace(result, cut=True, took_s=took_s)
            story.append(result)
            break
        result = result.after(own, code, took_s)
        story.append(result)
        if not shows:
            said = "ok" if not code else f"failed with {code}"
            out.write(
                f"{part.name}: round {result.rounds} {said}, seed {own}, {clock_face(took_s)}\n"
            )
            out.flush()
        if code:
            _tell(out, call, own, text)
        if code or part.once:
            break
    if shows:
        show()
        out.write("\n")
    elif result.cut:
        out.write(f"{part.name}: a round was cut short at {clock_face(limit_s)}\n")
    out.flush()
    return story


def _tell(out: TextIO, call: Call, seed: int, text: str) -> None:
    """Show the end of what a failed round said, and how to see it again."""
    tail = text.rstrip().splitlines()[-_TAIL:]
    out.write("\n" + "\n".join(f"  | {line}" for line in tail) + "\n")
    out.write(f"seed {seed}; to see it again:\n  {call.shown()}\n")
