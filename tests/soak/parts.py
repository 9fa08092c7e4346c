"""What a soak is made of: which tests, how much of them in one round, and how to see one again.

Pure values; nothing here starts anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["PARTS", "Call", "Part"]

_SIMULATED = "tests.soak.simulated"


@dataclass(frozen=True)
class Call:
    """Is one command: the interpreter's arguments, and what is added to the environment."""

    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def shown(self, python: str = ".venv/bin/python") -> str:
        """Return it as somebody types it into a shell at the root of the checkout."""
        words = [f"{name}={value}" for name, value in self.env.items()]
        return " ".join([*words, python, *map(_quoted, self.arguments)])


def _quoted(word: str) -> str:
    return word if word and all(one.isalnum() or one in "-_./:=," for one in word) else f"'{word}'"


@dataclass(frozen=True)
class Part:
    """Is one part of a soak.

    `what` are the arguments of pytest, or the module to run for `module`. A round does `factor`
    times what every change does; `seeded` parts draw other chances in each round, `once` means
    that a second round would be the first one again.
    """

    name: str
    promise: str
    what: tuple[str, ...]
    factor: int = 10
    seeded: bool = True
    once: bool = False
    hypothesis: bool = False
    module: bool = False

    def call(self, seed: int) -> Call:
        """Return the command of the round with this seed."""
        if self.module:
            return Call(("-m", *self.what, str(seed), str(self.factor)))
        env = {"SINKGRAPH_SOAK": str(self.factor)}
        more: tuple[str, ...] = ()
        if self.hypothesis:
            env["HYPOTHESIS_PROFILE"] = "soak"
            more = (f"--hypothesis-seed={seed}",)
        elif self.seeded:
            env["SINKGRAPH_SEED"] = str(seed)
        quiet = ("-q", "-x", "-n", "2", "--timeout", "7200", "-p", "no:cacheprovider")
        return Call(("-m", "pytest", *quiet, *self.what, *more), env)


PARTS = (
    Part("properties", "P5 P15 P17 P19 P26", ("-m", "hypothesis"), 5, hypothesis=True),
    Part("simulated", "P4 P5 P6", (_SIMULATED,), 500, module=True),
    Part("crash", "P1", ("tests/e2e/test_crash.py",), 5),
    Part("disk-errors", "P2", ("tests/log/disk/test_honest_errors.py",), 20, once=True),
    Part("corruption", "P3", ("tests/log/disk/test_corruption.py",), 1_000, once=True),
    Part("order", "P7", ("tests/reliability/test_order.py",), 10),
    Part("reloads", "P9", ("tests/e2e/test_reload_under_load.py",), 50),
    Part(
        "random-reloads",
        "P9 P10",
        ("tests/reliability/test_reloads.py", "tests/runtime/reload/test_refused.py"),
        10,
        seeded=False,
        once=True,
    ),
    Part("duplicates", "P8", ("tests/reliability/test_duplicates.py",), 10),
    Part("memory", "P13", ("tests/reliability/test_memory.py",), 170, once=True),
    Part("herd", "P14", ("tests/reliability/test_herd.py",), 4),
    Part("clock", "P16", ("tests/reliability/test_clock.py",), 1),
    Part("slow-clients", "P22", ("tests/attack/test_slow_crowd.py",), 5, seeded=False, once=True),
    Part("documents", "G1 to G47", ("tests/graph/test_mutations.py",), 10),
)
"""In the order they are played."""
