r"""What each code means: its cause, a document that gives it, and the same document without it.

The texts stand in `explained/CODE.md`; the pages of the documentation and `sinkgraph explain` are
made from them. Nothing is checked here: `sinkgraph.graph.examples` tries the documents.

In a document of a text, a line that ends in `# × 1,001` stands for so many lines, with `{n}` and
`{n+1}` counted up from 1; in one marked `escapes`, `\xe9` stands for that byte and `\t` for a tab.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sinkgraph.diagnostics.codes import CODES

__all__ = ["Example", "Explained", "explained"]

_FENCE = re.compile(r"^```(\w+) ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REPEATED = re.compile(r"^(.*?) +# × ([0-9,]+)$")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|t)")


@dataclass(frozen=True, slots=True)
class Example:
    """Is a document of an explanation, as it is shown: its file name, syntax and text.

    `absent`: there is no such file, and the text says so. `escapes`: bytes are written as escapes.
    """

    name: str
    syntax: str
    text: str
    absent: bool = False
    escapes: bool = False

    @property
    def content(self) -> bytes:
        """The document itself."""
        text = "".join(_lines(self.text)).encode()
        return _ESCAPE.sub(_byte, text) if self.escapes else text


@dataclass(frozen=True, slots=True)
class Explained:
    """Is what there is to say about one code.

    `cause`: paragraphs. `beside`: names and texts of files that the second document reads;
    `both`: of those that both read.
    """

    code: str
    cause: tuple[str, ...]
    failing: Example
    fixed: Example
    beside: tuple[tuple[str, str], ...] = ()
    both: tuple[tuple[str, str], ...] = ()


@cache
def explained(code: str) -> Explained:
    """Return the explanation of a code; KeyError when there is no such code."""
    text = files(__package__).joinpath("explained", f"{CODES[code].code}.md").read_text("utf-8")
    prose, *_ = text.partition("```")
    cause = tuple(" ".join(one.split()) for one in prose.strip().split("\n\n"))
    examples: dict[str, Example] = {}
    others: dict[str, list[tuple[str, str]]] = {"beside": [], "both": []}
    for syntax, said, body in _FENCE.findall(text):
        role, *words = said.split()
        if role in others:
            others[role].append((words[0], body))
            continue
        named = [word for word in words if word not in ("absent", "escapes")]
        name = named[0] if named else f"graph.{syntax}"
        examples[role] = Example(name, syntax, body, "absent" in words, "escapes" in words)
    beside, both = tuple(others["beside"]), tuple(others["both"])
    return Explained(code, cause, examples["failing"], examples["fixed"], beside, both)


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        found = _REPEATED.match(line)
        if found is None:
            yield line
            continue
        for n in range(1, int(found[2].replace(",", "")) + 1):
            yield found[1].replace("{n}", str(n)).replace("{n+1}", str(n + 1)) + "\n"


def _byte(found: re.Match[bytes]) -> bytes:
    return b"\t" if found[1] is None else bytes.fromhex(found[1].decode("ascii"))
