"""Documents as nobody should write them: random YAML full of comments, and real ones spoilt.

It only makes them; what must hold for each is `laws`.
"""

from __future__ import annotations

from random import Random

__all__ = ["Untidy", "spoilt", "untidy_toml"]

_LEAVES = (
    *("a", "to", "hello world", '"x y"', "'its'", "'it''s'", '"a\\n b"', "1.10", "no", "on"),
    *('"on"', "0012345", "'0012345'", "~", "", "{}", "[]", '"# no"', "'a: b'", "é ü", '"\\u00e9"'),
    *("http://x/y#z", "-1", "1e3", ".nan", '"*"', '"${var:x}"', "${x", "a#b", '"\\""', "'\"'"),
    *('"tab\\t"', '"null"', "null", "True", "2001-01-01", '"y"', "'two  spaces'", '" lead"'),
    *('"x" ', "a:b", "'a #b'", '"1.10"', "'- a'", "💥", "'true'", '"a-b/c.d_e"', '"a,b"'),
)
_IN_BLOCKS = ('data.x == "y"', "x, y", "a {b}", "${var:x}", "it's [so]", '"x" + "y', "a ? b : c")
_KEYS = ("a", "b", "c", "kind", "to", "name", "x y", '"q"', "'s s'", '"on"', "a.b", "é", "vars")
_HEADERS = ("|", ">", "|-", ">-", "|+", ">+")


class Untidy:
    """Makes one YAML text; its comments have numbers."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.count = 0
        self.anchors = 0

    def document(self) -> str:
        """Return the text of a document."""
        rng = self.rng
        lines = self._own(0, 0.3)
        lines += ["sinkgraph: 1" + self._tail(), *self._mapping(rng.randint(1, 3), 0)]
        text = "\n".join([*lines, *self._own(0, 0.3)]) + rng.choice(("", "\n", "\n\n"))
        return text if rng.random() < 0.9 else text.replace("\n", "\r\n")

    # --- comments and lines -------------------------------------------------------------------

    def _comment(self) -> str:
        self.count += 1
        return f"# c{self.count}"

    def _own(self, indent: int, chance: float = 0.15) -> list[str]:
        lines = []
        while self.rng.random() < chance:
            margin = " " * max(0, indent + self.rng.choice((0, 0, 0, 0, -2, 2, 1)))
            lines.append(self.rng.choice(("", margin + self._comment())))
        return lines

    def _tail(self, chance: float = 0.15) -> str:
        if self.rng.random() > chance:
            return ""
        return self.rng.choice((" ", "  ", "     ")) + self._comment()

    def _break(self, indent: int) -> str:
        """Return a line break within brackets, or nothing."""
        if self.rng.random() > 0.2:
            return ""
        lines = [self._tail(0.3), *self._own(indent)]
        return "\n".join([*lines, " " * indent])

    # --- values -------------------------------------------------------------------------------

    def _leaf(self, *, block: bool) -> str:
        return self.rng.choice((*_LEAVES, *_IN_BLOCKS) if block else _LEAVES)

    def _anchor(self) -> str:
        if self.rng.random() > 0.06:
            return ""
        self.anchors += 1
        return f"&n{self.anchors} "

    def _keys(self, count: int) -> list[str]:
        found = {key.strip("\"'"): key for key in self.rng.sample(_KEYS, count)}
        return list(found.values())

    def _flow(self, depth: int, indent: int, *, block: bool = False) -> str:
        rng = self.rng
        chance = rng.random()
        if depth <= 0 or chance < 0.5:
            if self.anchors and rng.random() < 0.05:
                return f"*n{rng.randint(1, self.anchors)} "
            return self._leaf(block=block)
        gap = self._break
        count = rng.randint(0, 3)
        if chance < 0.75:
            pairs = [
                f"{gap(indent)}{key}: {gap(indent)}{self._flow(depth - 1, indent)}{gap(indent)}"
                for key in self._keys(count)
            ]
            return "{" + gap(indent) + ", ".join(pairs) + "}"
        items = [
            f"{gap(indent)}{self._flow(depth - 1, indent) or 'e'}{gap(indent)}"
            for _ in range(count)
        ]
        return "[" + gap(indent) + ",".join(items) + "]"

    def _block(self, depth: int, indent: int) -> tuple[str, list[str]]:
        """Return what stands behind a key or dash, and the lines below it."""
        rng = self.rng
        chance = rng.random()
        if depth <= 0 or chance < 0.35:
            return f" {self._anchor()}{self._flow(2, indent + 4, block=True)}", []
        if chance < 0.42:
            margin = " " * (indent + 2)
            kinds = ("text # no", "  more", "", "# not a comment", "trail  ", "tab\there")
            lines = [margin + one if (one := rng.choice(kinds)) else "" for _ in range(4)]
            return f" {rng.choice(_HEADERS)}{self._tail()}", lines[: rng.randint(0, 4)]
        if chance < 0.5:
            quote = rng.choice(('"', "", "'"))
            blank = [""] * rng.randint(0, 1)
            lines = [" " * (indent + 2) + "line", *blank, " " * (indent + 4) + "text" + quote]
            return f" {quote}multi", lines
        if chance < 0.8:
            anchor = self._anchor().rstrip()
            inner = indent + rng.choice((2, 2, 4, 1))
            lines = [*self._own(inner), *self._mapping(depth - 1, inner)]
            return (f" {anchor}" if anchor else "") + self._tail(), lines
        inner = indent + rng.choice((0, 2, 2, 4))
        return self._tail(), [*self._own(inner), *self._list(depth - 1, inner)]

    def _mapping(self, depth: int, indent: int) -> list[str]:
        margin = " " * indent
        lines = []
        for key in self._keys(self.rng.randint(1, 4)):
            lines += self._own(indent)
            behind, below = self._block(depth, indent)
            if self.rng.random() < 0.05:
                lines += [f"{margin}? {key}{self._tail(0.1)}", f"{margin}:{behind}", *below]
            else:
                lines += [f"{margin}{key}:{behind}", *below]
            if not below and "#" not in behind:
                lines[-1] += self._tail()
        return lines + self._own(indent)

    def _list(self, depth: int, indent: int) -> list[str]:
        margin = " " * indent
        lines = []
        for _ in range(self.rng.randint(1, 3)):
            lines += self._own(indent)
            chance = self.rng.random()
            if chance < 0.5:
                make = self._mapping if chance < 0.4 else self._list
                below = make(depth - 1, indent + 2)
                while below and (not below[0].strip() or below[0].lstrip()[0] == "#"):
                    below.pop(0)
                first = below[0].lstrip() if below else "z"
                lines += [f"{margin}- {first}", *below[1:]]
            else:
                behind, below = self._block(depth, indent)
                lines += [f"{margin}-{behind}", *below]
        return lines


def spoilt(text: str, rng: Random) -> str:
    """Return a document with comments, blanks and line breaks where there were none."""
    lines = text.split("\n")
    for number in range(rng.randint(1, 8)):
        at = rng.randrange(len(lines))
        chance = rng.random()
        if chance < 0.35:
            lines.insert(
                at, " " * rng.choice((0, 0, 2, 2, 4, 4, 6, 8, 1, 3, 5)) + f"# own {number}"
            )
        elif chance < 0.6:
            lines[at] += " " * rng.choice((1, 2, 2, 9)) + f"# tail {number}"
        elif chance < 0.75:
            lines.insert(at, " " * rng.choice((0, 0, 3)))
        elif chance < 0.8:
            lines[at] += "  "
        elif chance < 0.9:
            places = [place for place, char in enumerate(lines[at]) if char in ",{["]
            if places:
                place = rng.choice(places) + 1
                gap = rng.choice(("\n", "  # in\n", "\n   # own in\n  ")) + " " * 10
                lines[at] = lines[at][:place] + gap + lines[at][place:]
        elif at + 1 < len(lines):
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)


_TOML_LEAVES = (
    *('"a"', "'b'", "1", "1_000", "0x1F", "1.10", "true", "inf", "1979-05-27 07:32:00", "07:32:00"),
    *('"é # no"', "'it\"s'", "'C:\\d'", '"""\na # no\n\n  b"""', "'''\nit's\n'''", '""', "''"),
)
_TOML_KEYS = ("kind", "to", "url", '"q"', "'s s'", "a.b", '"x.y" . c', "capacity", "1", "on")


def untidy_toml(rng: Random) -> str:
    """Return a TOML text with tables in any order, and comments everywhere."""
    names = [f"{top}.n{number}" for top in ("sinks", "sources", "vars") for number in range(2)]
    headers = [f"[{name}]" for name in names if rng.random() < 0.7]
    headers += [f"[{name}.breaker]" for name in names if rng.random() < 0.4]
    headers += [f"[[{name}.routes]]" for name in names for _ in range(rng.randint(0, 2))]
    rng.shuffle(headers)
    lines = [*_toml_comments(rng), *_toml_entries(rng, ("sinkgraph = 1", "name = 'a'"))]
    for header in headers:
        lines += _toml_comments(rng)
        margin = rng.choice(("", "", "  "))
        lines.append(margin + header.replace(".", rng.choice((".", " . "))) + _toml_tail(rng))
        if header.endswith(".routes]]") and rng.random() < 0.3:
            lines.append(f"[{header.strip('[]')}.to]")
        lines += _toml_entries(rng)
    text = "\n".join([*lines, *_toml_comments(rng)]) + rng.choice(("", "\n"))
    return text if rng.random() < 0.9 else text.replace("\n", "\r\n")


def _toml_comments(rng: Random) -> list[str]:
    lines = []
    while rng.random() < 0.4:
        lines.append(rng.choice(("", " ", "# own", "  # own", f"# own {rng.randint(0, 99)}")))
    return lines


def _toml_tail(rng: Random) -> str:
    return rng.choice((" ", "  ", "      ")) + f"# tail {rng.randint(0, 99)}" * (rng.random() < 0.3)


def _toml_entries(rng: Random, more: tuple[str, ...] = ()) -> list[str]:
    entries = [*more]
    for key in rng.sample(_TOML_KEYS, rng.randint(0, 4)):
        equals = rng.choice((" = ", "=", "  =   "))
        entries.append(f"{key}{equals}{_toml_value(rng, 2)}{_toml_tail(rng)}")
    rng.shuffle(entries)
    return [line for entry in entries for line in (*_toml_comments(rng), entry)]


def _toml_value(rng: Random, depth: int, *, braced: bool = False) -> str:
    chance = rng.random()
    if depth == 0 or chance < 0.6:
        return rng.choice(_TOML_LEAVES)
    if chance < 0.75:
        pairs = [
            f"{key} = {_toml_value(rng, depth - 1, braced=True)}"
            for key in rng.sample(_TOML_KEYS, rng.randint(0, 3))
        ]
        return "{ " + rng.choice((", ", " , ")).join(pairs) + "}"
    gaps = ("", " ") if braced else ("", "", "\n", "\n\n  ", "  # in\n", "\n  # own in\n\n")
    items = [
        rng.choice(gaps) + _toml_value(rng, depth - 1, braced=braced) + rng.choice(gaps)
        for _ in range(rng.randint(0, 3))
    ]
    end = "," if items and rng.random() < 0.3 else ""
    return "[" + ",".join(items) + end + rng.choice(gaps) + "]"
