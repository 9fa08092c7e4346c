"""Draws expressions of every kind that is compiled, some that are not, and payloads for them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from sinkgraph.event import Json, Meta
from sinkgraph.expr.check import Result

__all__ = ["JSON", "MORE", "UNREADABLE", "VARS", "expressions", "payloads"]

VARS = {"n": 2, "s": "x", "deep": {"f": 1.5}, "flag": True, "some": ["x", "y"], "ints": [1, 2]}
TEXTS = ["", "x", "xy", "y", "é", "x😀", "Push", " x ", "a,b", "12", "-7", "2.5", "true", "b", "\t"]
NUMBERS = [
    "0", "1", "-1", "2", "10", "1.0", "-0.0", "1.5", "9007199254740993", "9223372036854775807",
    "-9223372036854775808", "9.3e18", "1e300", "vars.n", "vars.deep.f", "1u",
]  # fmt: skip
EDGES = [
    0, 1, -1, 2, 3, 7, -7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0.0, -0.0, 1.0,
    1.5, -2.5, 2.0**53, 2.0**63, 1e300,
]  # fmt: skip
ENDLESS = [float("inf"), float("-inf"), float("nan")]
PLACES = [
    "data.a", "data.b", "data.n", "data.s", "data.l", "data.m", 'data["x-y"]', "data.b.c",
    "data.b.c.d", 'data.m["c"]', "data.m.d", "data.l[0]", "data.l[1]", "data.l[data.n]",
    "data[data.s]", "data.m[data.s]", "meta.m", "meta.m.c", "id", "type", "source", "data",
]  # fmt: skip
QUOTED = [f'"{text}"' for text in TEXTS]
OFTEN_TEXT = ["data.s", "id", "type", "data.s + id", "data.s.trim()", "string(data.n)", "meta.m"]
OFTEN_INT = [
    "data.n", "size(data.s)", "data.l.size()", "data.n * 2", "data.n % 3 + 1", "size(data.m)",
    "-data.n", "data.n / 2", "data.n - size(id)", 'data.s.indexOf("x")', "int(data.n)",
]  # fmt: skip
TIMES = ["time", 'timestamp("2001-09-09T01:46:40Z")', 'timestamp("1970-01-01T00:00:01.5Z")']
PARTS_OF_TIME = (
    "FullYear", "Month", "Date", "DayOfMonth", "Hours", "Minutes", "Seconds", "DayOfWeek",
    "Milliseconds",
)  # fmt: skip
PATTERNS = ["x", "^x", "y$", "^x$", "", "^$", "x.", "[a-c]|é", "(?i)push", r"^\\d+$", "^ ", "x|"]
TYPES = ["int", "double", "string", "bool", "list", "map", "bytes", "null_type", "uint"]

Draw = Callable[[Any], Any]


def one_of(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(values)


class Maker:
    """Draws the text of an expression, at most so deep."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._loops: list[str] = []

    def pick(self, *values: Any) -> Any:
        return self._draw(st.sampled_from(values))

    def condition(self, depth: int) -> str:
        how = self.pick(
            *(
                "compare",
                "compare",
                "compare",
                "text",
                "in",
                "has",
                "place",
                "constant",
                "optional",
            ),
            *(("time", "type", "and", "and", "or", "not", "either", "loop") if depth else ()),
        )
        match how:
            case "compare":
                sign = self.pick("==", "!=", "<", "<=", ">", ">=")
                return f"{self.value(depth - 1)} {sign} {self.value(depth - 1)}"
            case "likely":
                sign = self.pick("==", "!=", "<", "<=", ">", ">=")
                if self.pick(True, False):
                    return f"{self.pick(*OFTEN_TEXT)} {sign} {self.pick(*OFTEN_TEXT[1:], *QUOTED)}"
                return f"{self.pick(*OFTEN_INT)} {sign} {self.pick(*OFTEN_INT[1:], *NUMBERS)}"
            case "text":
                if self.pick(True, False, False):
                    return f"{self.receiver(depth - 1)}.matches(r'{self.pick(*PATTERNS)}')"
                method = self.pick("startsWith", "endsWith", "contains")
                return f"{self.receiver(depth - 1)}.{method}({self.text(depth - 1)})"
            case "in":
                return f"{self.value(depth - 1)} in {self.list(depth - 1)}"
            case "has":
                place = self.pick("data.a", "data.b.c", "data.m.d", "meta.m", "data.b", "meta.m.c")
                return f"has({self.loop_place() or place})"
            case "place":
                return self.place()
            case "optional":
                return f"{self.optional()}.hasValue()"
            case "time":
                sign = self.pick("==", "<", "<=", ">", ">=", "!=")
                return f"{self.pick(*TIMES)} {sign} {self.pick(*TIMES)}"
            case "type":
                return f"type({self.value(depth - 1)}) == {self.pick(*TYPES)}"
            case "and":
                return f"({self.condition(depth - 1)} && {self.condition(depth - 1)})"
            case "or":
                return f"({self.condition(depth - 1)} || {self.condition(depth - 1)})"
            case "not":
                return f"!({self.condition(depth - 1)})"
            case "either":
                condition, yes, no = (self.condition(depth - 1) for _ in range(3))
                return f"({condition} ? {yes} : {no})"
            case "loop":
                return self.loop(
                    self.pick("exists", "all", "exists_one"), depth - 1, ("condition",)
                )
        return str(self.pick("true", "false", "vars.flag", self.place()))

    def value(self, depth: int) -> str:
        if depth < 0:
            return self.place() if self.pick(True, True, False) else self.constant()
        how = self.pick("place", "place", "constant", "sum", "text", "number", "either", "optional",
                        "list", "map", "loop", "converted", "condition", "time")  # fmt: skip
        match how:
            case "place":
                return self.place()
            case "sum":
                sign = self.pick("+", "-", "*", "/", "%", "+")
                return f"({self.value(depth - 1)} {sign} {self.value(depth - 1)})"
            case "text":
                return self.text(depth)
            case "number":
                return self.number(depth)
            case "either":
                yes, no = self.value(depth - 1), self.value(depth - 1)
                return f"({self.condition(depth - 1)} ? dyn({yes}) : dyn({no}))"
            case "optional":
                return f"{self.optional()}.orValue({self.value(depth - 1)})"
            case "list":
                return self.list(depth)
            case "map":
                return f'{{"a": {self.value(depth - 1)}, "é": {self.value(depth - 1)}}}'
            case "loop":
                return self.list(depth)
            case "converted":
                name = self.pick("int", "double", "string", "dyn", "bool")
                return f"{name}({self.value(depth - 1)})"
            case "condition":
                return f"({self.condition(depth - 1)})"
            case "time":
                return f"time.get{self.pick(*PARTS_OF_TIME)}()"
        return self.constant()

    def place(self) -> str:
        return self.loop_place() or str(self.pick(*PLACES))

    def loop_place(self) -> str:
        if not self._loops or not self.pick(True, True, False):
            return ""
        return f"{self.pick(*self._loops)}{self.pick('', '', '.c', '.d')}"

    def constant(self) -> str:
        return str(self.pick(*QUOTED, *NUMBERS, "true", "null", "vars.s"))

    def receiver(self, depth: int) -> str:
        return self.place() if depth < 0 or self.pick(True, False) else self.text(depth)

    def text(self, depth: int) -> str:
        if depth < 0 or self.pick(True, False, False):
            return self.place() if self.pick(True, True, False) else f'"{self.pick(*TEXTS)}"'
        inner = self.receiver(depth - 1)
        how = self.pick(
            "lower", "upper", "trim", "replace", "substring", "charAt", "join", "string"
        )
        match how:
            case "lower" | "upper":
                return f"{inner}.{how}Ascii()"
            case "trim":
                return f"{inner}.trim()"
            case "replace":
                return f"{inner}.replace({self.text(depth - 1)}, {self.text(-1)})"
            case "substring":
                end = self.pick("", ", 1", ", 2", ", data.n")
                return f"{inner}.substring({self.pick('0', '1', 'data.n', '-1')}{end})"
            case "charAt":
                return f"{inner}.charAt({self.pick('0', '1', 'data.n')})"
            case "join":
                between = self.pick("", '"-"', "data.s")
                return f"{self.list(depth - 1)}.join({between})"
        return f"string({inner})"

    def number(self, depth: int) -> str:
        match self.pick("size", "indexOf", "minus", "int"):
            case "size":
                return str(
                    self.pick(
                        f"size({self.value(depth - 1)})", f"{self.receiver(depth - 1)}.size()"
                    )
                )
            case "indexOf":
                name = self.pick("indexOf", "lastIndexOf")
                return f"{self.receiver(depth - 1)}.{name}({self.text(depth - 1)})"
            case "minus":
                return f"-{self.place()}"
        return f"int({self.value(depth - 1)})"

    def list(self, depth: int) -> str:
        how = self.pick(
            "place", "texts", "numbers", "vars", *(("mixed", "split", "loop") if depth > 0 else ())
        )
        match how:
            case "texts":
                return "[" + ", ".join(self.pick('"x"', '"é"', '"y"') for _ in range(3)) + "]"
            case "numbers":
                return "[" + ", ".join(self.pick("1", "2", "-7") for _ in range(3)) + "]"
            case "vars":
                return str(self.pick("vars.some", "vars.ints"))
            case "mixed":
                return f"[dyn({self.value(depth - 1)}), dyn({self.value(depth - 1)})]"
            case "split":
                separator = self.pick('","', '"x"', '""')
                return f"{self.receiver(depth - 1)}.split({separator})"
            case "loop":
                kind = self.pick("filter", "map", "picked")
                if kind == "filter":
                    return self.loop("filter", depth - 1, ("condition",))
                parts = ("condition", "value") if kind == "picked" else ("value",)
                return self.loop("map", depth - 1, parts)
        return self.place()

    def loop(self, macro: str, depth: int, parts: tuple[str, ...]) -> str:
        over = self.list(depth)
        var = self.pick("v", "w", "data")
        self._loops.append(var)
        bodies = ", ".join(getattr(self, part)(max(depth, 0)) for part in parts)
        self._loops.pop()
        return f"{over}.{macro}({var}, {bodies})"

    def optional(self) -> str:
        return str(
            self.pick(
                "data.?a",
                "data.?b.?c",
                "data.?b.c",
                "data.?m.?d",
                'data[?"x-y"]',
                "data.b.?c",
                "meta.?m",
                "data.?nope",
                "data.?m.d.?e",
            )
        )


@st.composite
def expressions(draw: Draw) -> tuple[str, Result]:
    result = draw(st.sampled_from(["bool", "bool", "any", "string"]))
    made = Maker(draw)
    depth = draw(st.integers(0, 3))
    if result == "bool":
        return made.condition(depth), "bool"
    return (made.value(depth) if result == "any" else made.text(depth)), result


UNREADABLE: list[Any] = [
    "\0", "x\0", "\ud800", 2**64, -(2**63) - 1, b"\0", object(), ["\0"], {"c": "\0"}, {"c": 2**70},
    ["x", "\ud800"], {"\0": 1}, (1, 2), {1: 2}, {"1": 5, 1: 6}, {"c": {1: 2}}, Json(b'{"c":1}'),
    Json(b"{"), Meta(c=True), {"x"}, bytearray(b"x"), [{"c": 1, 2: 3}, "x"],
]  # fmt: skip
JSON: list[Any] = [None, True, False]
MORE: list[Any] = [*JSON, *ENDLESS, b"x", b""]


class Payloads:
    """Makes payloads whose fields mostly hold what their names say.

    They come from a seed: drawn value by value they would take most of the time.
    """

    def __init__(self, seed: int, odd: list[Any]) -> None:
        self._chance = Random(seed)
        self._odd = odd

    def some(self, n: int) -> list[Any]:
        """Return payloads; a few of them are no maps."""
        return [
            self.value(2) or "x" if self._chance.random() < 0.05 else self.map() for _ in range(n)
        ]

    def map(self) -> dict[str, Any]:
        chance = self._chance
        made = {
            "a": self.value(2),
            "b": self.value(2) if chance.random() < 0.3 else self.members(2),
            "n": self.number() if chance.random() < 0.8 else self.value(1),
            "s": chance.choice(TEXTS) if chance.random() < 0.8 else self.value(1),
            "l": [self.value(1) for _ in range(chance.randrange(4))],
            "m": self.members(1),
            "x-y": self.value(1),
        }
        if chance.random() < 0.5:
            made["l"] = [chance.choice(TEXTS) for _ in range(chance.randrange(4))]
        missing = chance.choice([0, 0, 1, 3, 7])
        for name in chance.sample(list(made), missing):
            del made[name]
        return made

    def value(self, depth: int) -> Any:
        chance = self._chance
        kind = chance.randrange(10 if depth else 6)
        if kind < 2:
            return chance.choice(TEXTS)
        if kind < 4:
            return self.number()
        if kind < 6:
            return chance.choice(self._odd)
        if kind < 8:
            return [self.value(depth - 1) for _ in range(chance.randrange(4))]
        return self.members(depth - 1)

    def members(self, depth: int) -> dict[str, Any]:
        chance = self._chance
        names = chance.sample(["c", "d", "x", ""], chance.randrange(5))
        return {name: self.value(depth) for name in names}

    def number(self) -> Any:
        return self._chance.choice([0, 1, 2, 3, *EDGES])


def payloads(odd: list[Any]) -> st.SearchStrategy[list[Any]]:
    """Return a strategy of up to eight payloads, with values of `odd` among others."""
    seeds = st.integers(0, 2**32)
    return st.builds(lambda seed, n: Payloads(seed, odd).some(n), seeds, st.integers(1, 8))
