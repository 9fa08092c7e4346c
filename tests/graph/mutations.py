"""Documents as they should not be: pieces lost, doubled, moved, swapped, and stray bytes.

It only makes them; what must hold for each is `test_mutations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

__all__ = ["ORIGINALS", "mutate", "mutated"]

_GRAPHS = Path(__file__).parents[2] / "graphs"
ORIGINALS = tuple(
    sorted(
        one
        for folder in (_GRAPHS, _GRAPHS / "broken")
        for one in folder.iterdir()
        if one.suffix in {".yaml", ".toml", ".json"}
    )
)
"""The documents that mutations start from."""

_WORD = re.compile(rb"[A-Za-z0-9_./-]+")
_MARK = re.compile(rb"[][{}:,=\"'#&*!|>-]")
_STRANGE = (
    *(b"${", b"${env:", b"${var:}", b"${${env:A}}", b"$$", b"\x00", b"\x1b[31m", b"\xff", b"\xfe"),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xf0\x9f\x92\xa5", b"\t", b"\r", b"\n"),
    *(b"&a ", b"*a", b"<<: ", b"!!python/object ", b"!t ", b"---\n", b"...\n", b"? ", b"- ", b"%"),
    *(b"null", b"true", b"~", b"no", b"NaN", b".inf", b"-1", b"0", b"1e400", b"0777", b"12:30:45"),
    *(b"9" * 5000, b"[" * 200, b"{" * 200, b"(" * 300, b"a" * 70_000, b"10MB", b"5", b"1e9h"),
    *(b"../", b"/dev/full", b"//", b"..", b"http://", b"to", b"kind", b"sinks", b"in", b"name"),
    *(b'"', b"'", b'"""', b"[[", b"]]", b"{}", b"[]", b"| ", b"> ", b": ", b" #", b"\\u0000"),
)

Mutator = Callable[[bytes, Random], bytes]


def mutated(rng: Random) -> tuple[str, bytes]:
    """Return the suffix and the bytes of a document with one to four mutations."""
    path = rng.choice(ORIGINALS)
    text = mutate(path.read_bytes(), rng)
    suffix = path.suffix if rng.random() < 0.95 else rng.choice((".yaml", ".toml", ".json"))
    return suffix, text


def mutate(text: bytes, rng: Random) -> bytes:
    """Return a document with one to four mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        text = rng.choice(_MUTATORS)(text, rng)
    return text


def _span(text: bytes, rng: Random, longest: int) -> tuple[int, int]:
    start = rng.randrange(len(text) + 1)
    return start, min(start + rng.randint(1, longest), len(text))


def _lose(text: bytes, rng: Random) -> bytes:
    start, end = _span(text, rng, rng.choice((1, 1, 8, 80)))
    return text[:start] + text[end:]


def _double(text: bytes, rng: Random) -> bytes:
    start, end = _span(text, rng, rng.choice((4, 40, 400)))
    return text[:end] + text[start:end] * rng.choice((1, 1, 1, 50)) + text[end:]


def _cut(text: bytes, rng: Random) -> bytes:
    return text[: rng.randrange(len(text) + 1)]


def _stray(text: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_STRANGE) + text[at:]


def _noise(text: bytes, rng: Random) -> bytes:
    made = bytearray(text)
    for _ in range(rng.randint(1, 4) if made else 0):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _lines(text: bytes, rng: Random) -> bytes:
    """Swap, move, repeat or indent whole lines."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            lines[a], lines[b] = lines[b], lines[a]
        case 1:
            lines.insert(b, lines.pop(a))
        case 2:
            lines.insert(b, lines[a])
        case 3:
            lines[a] = b" " * rng.randint(1, 4) + lines[a]
        case _:
            lines[a] = lines[a].lstrip() if rng.random() < 0.5 else b"\t" + lines[a]
    return b"".join(lines)


def _exchange(text: bytes, rng: Random, pattern: re.Pattern[bytes], by: Sequence[bytes]) -> bytes:
    found = list(pattern.finditer(text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + rng.choice(by) + text[one.end() :]


def _word(text: bytes, rng: Random) -> bytes:
    """Write another word, of this document or a strange one, where one stands."""
    words = sorted(set(_WORD.findall(text))) or [b"x"]
    return _exchange(text, rng, _WORD, words if rng.random() < 0.6 else _STRANGE)


def _mark(text: bytes, rng: Random) -> bytes:
    marks = tuple(bytes([one]) for one in b"[]{}:,=\"'#&*!|>- \n")
    return _exchange(text, rng, _MARK, marks)


def _slip(text: bytes, rng: Random) -> bytes:
    """Swap two neighbours inside a word, as fingers do."""
    found = [one for one in _WORD.finditer(text) if len(one[0]) > 2]
    if not found:
        return text
    one = rng.choice(found)
    at = rng.randrange(one.start(), one.end() - 1)
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _splice(text: bytes, rng: Random) -> bytes:
    """Go on in the middle of another document."""
    other = rng.choice(ORIGINALS).read_bytes()
    return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]


def _wide(text: bytes, rng: Random) -> bytes:
    match rng.randrange(3):
        case 0:
            return text.replace(b"\n", b"\r\n")
        case 1:
            return text.decode("utf-8", "replace").encode("utf-16")
        case _:
            return text.replace(b"  ", b"\t")


_MUTATORS: tuple[Mutator, ...] = (
    *(_lose, _double, _cut, _stray, _stray, _noise, _lines, _lines),
    *(_word, _word, _word, _mark, _mark, _slip, _slip, _splice, _wide),
)
