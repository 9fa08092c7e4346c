"""One text of a document, with every `${…}` in it replaced by its value or found at fault.

It reads environment, files and vars through what it is given, and knows no tree and no field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText
from sinkgraph.spec.document_file import read_regular
from sinkgraph.spec.document_text import MAX_FINDINGS
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.leaves import FilledText, ParamText, Placeholder, SecretText, written
from sinkgraph.spec.secret import Secret
from sinkgraph.spec.written_at import written_at

__all__ = ["MAX_FILLED", "MAX_SECRET_BYTES", "Filler", "Mode"]

Mode = Literal["strict", "placeholder"]

MAX_SECRET_BYTES = 65_536
MAX_FILLED = 16 * 1024 * 1024
"""Characters that the values filled into one document may have together."""

_MARK = re.compile(r"\$\$|\$\{")
_INNER = re.compile(r"\$\{|\}")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_AGAIN = re.compile(r"\$\{(?:env|file|var|param):")
_SCHEMES = ("env", "file", "var", "param")
_FORMS = "`${env:NAME}`, `${env:NAME:-default}`, `${file:/path}` or `${var:name}`"


@dataclass(slots=True)
class _Filling:
    """Is one text being filled: its parts so far, and what is known of them."""

    scalar: Scalar
    path: str
    parts: list[str] = field(default_factory=list)
    filled: bool = False
    secret: bool = False
    unset: bool = False
    params: bool = False


class Filler:
    """Fills texts, and remembers what it found and which files it read.

    `template`: what is filled stands in a template, where `${param:NAME}` waits for its uses.
    """

    def __init__(
        self,
        vars: AnyMapping[str, object],
        env: AnyMapping[str, str],
        base_dir: Path,
        mode: Mode,
        bases: AnyMapping[SourceText, Path] | None = None,
    ) -> None:
        self.vars = vars
        self.env = env
        self.base_dir = base_dir
        self.bases = bases or {}
        self.severity: Literal["error", "warning"] = "error" if mode == "strict" else "warning"
        self.found: list[Diagnostic] = []
        self.files: dict[tuple[Path, str], tuple[str | None, str]] = {}
        self.left = MAX_FILLED
        self.template = False

    def leaf_or_shell(self, node: Node, path: str, expression: bool) -> Node:
        """Return a filled leaf, or an empty collection of the same kind and place."""
        if isinstance(node, Mapping):
            return Mapping(node.span, [])
        if isinstance(node, Sequence):
            return Sequence(node.span, [])
        if not isinstance(node, Scalar) or "$" not in node.text or not isinstance(node.value, str):
            return node
        return self._refuse(node, path) if expression else self._fill(node, path)

    def check_key(self, key: Scalar, path: str) -> None:
        """Refuse a `${…}` in a key."""
        mark = key.text.find("${")
        if mark >= 0:
            at = _Filling(key, path)
            self._add(
                "SG130",
                "a key cannot hold a `${…}`",
                at,
                mark,
                mark + 2,
                "in a key",
                "write the key out",
            )

    def _refuse(self, scalar: Scalar, path: str) -> Scalar:
        mark = scalar.text.find("${")
        if mark < 0:
            return scalar
        end = scalar.text.find("}", mark) + 1 or len(scalar.text)
        self._add(
            "SG409",
            "an expression holds a `${…}`",
            _Filling(scalar, path),
            mark,
            end,
            "would become part of the expression",
            f"read a {'param as `params.name`' if self.template else 'var as `vars.name`'}",
        )
        return Scalar(scalar.span, scalar.text, Placeholder(scalar.text), True)

    def _fill(self, scalar: Scalar, path: str) -> Scalar:
        text = scalar.text
        filling = _Filling(scalar, path)
        at = 0
        while (mark := _MARK.search(text, at)) is not None:
            filling.parts.append(text[at : mark.start()])
            if mark[0] == "$$":
                filling.parts.append("$")
                at = mark.end()
            else:
                at = self._one(filling, mark.start())
        filling.parts.append(text[at:])
        value: str = "".join(filling.parts)
        if filling.unset:
            value = Placeholder(text)
        elif filling.params:
            value = ParamText(value)
        elif filling.secret:
            value = SecretText(value)
        elif filling.filled:
            value = FilledText(value)
        secret = filling.secret and not filling.unset
        return Scalar(scalar.span, str(value), value, True, secret)

    def _one(self, at: _Filling, start: int) -> int:
        """Fill the `${…}` that begins at `start`; return where the text goes on."""
        text = at.scalar.text
        closing = _INNER.search(text, start + 2)
        if closing is None:
            self._bad(at, start, len(text), "a `${` is never closed", "no `}` follows", "close it")
            return len(text)
        if closing[0] == "${":
            end = _nest_end(text, start)
            self._bad(
                at,
                closing.start(),
                closing.end(),
                "a `${…}` stands inside another",
                "inside the one before",
                "give the inner one a var of its own",
            )
            return end
        end = closing.end()
        body = text[start + 2 : closing.start()]
        scheme, colon, rest = body.partition(":")
        if scheme == "env" and colon:
            self._env(at, start, end, rest)
        elif scheme == "file" and colon:
            self._file(at, start, end, rest)
        elif scheme == "var" and colon:
            self._var(at, start, end, rest)
        elif scheme == "param" and colon:
            self._param(at, start, end, rest)
        else:
            self._unknown(at, start, end, body)
        return end

    # --- schemes --------------------------------------------------------------------------------

    def _env(self, at: _Filling, start: int, end: int, rest: str) -> None:
        name, default, fallback = rest.partition(":-")
        if not _ENV.fullmatch(name):
            self._bad(
                at,
                start,
                end,
                f"`{safe_text(name, 80)}` names no environment variable",
                "not a name",
                "a name has letters, digits and `_`: `${env:NAME}`",
            )
            return
        value = self.env.get(name)
        if value:
            self._put(at, start, end, value, secret=True)
        elif default:
            self._put(at, start, end, fallback, secret=False)
        else:
            state = "not set" if value is None else "empty"
            self._unset(
                "SG501",
                f"the environment variable `{name}` is {state}",
                at,
                start,
                end,
                state,
                f"set it, or give a default: `${{env:{name}:-…}}`",
            )

    def _file(self, at: _Filling, start: int, end: int, rest: str) -> None:
        if not rest:
            self._bad(at, start, end, "a `${file:…}` names no file", "no path", "write the path")
            return
        span = at.scalar.span
        base = self.base_dir if span is None else self.bases.get(span.source, self.base_dir)
        if (base, rest) not in self.files:
            self.files[base, rest] = _read_secret(base, rest)
        value, problem = self.files[base, rest]
        if value is None:
            headline = f"the file `{safe_text(rest, 200)}` {problem}"
            self._unset(
                "SG502",
                headline,
                at,
                start,
                end,
                problem,
                "write the value into that file, or name another",
            )
        else:
            self._put(at, start, end, value, secret=True)

    def _var(self, at: _Filling, start: int, end: int, rest: str) -> None:
        if rest not in self.vars:
            near = nearest(rest, self.vars)
            help = f"the nearest is `{safe_text(near)}`" if near else "declare it under `vars:`"
            at.unset = True
            self._add(
                "SG132",
                f"no var is named `{safe_text(rest, 80)}`",
                at,
                start,
                end,
                "not declared under `vars:`",
                help,
            )
            return
        value = self.vars[rest]
        if value is None or isinstance(value, Placeholder):
            at.unset = True
            return
        if isinstance(value, Secret):
            self._put(at, start, end, value.reveal(), secret=True)
            return
        text = written(value)
        if text is None:
            self._bad(
                at,
                start,
                end,
                f"the var `{safe_text(rest, 80)}` is not text",
                "a list or mapping",
                "only text, numbers and booleans can stand in a text",
            )
            return
        self._put(at, start, end, text, secret=isinstance(value, SecretText))

    def _param(self, at: _Filling, start: int, end: int, rest: str) -> None:
        if not self.template:
            headline = "a `${param:…}` stands outside of `templates`"
            help = "write the value, or declare a var and write `${var:name}`"
            self._bad(at, start, end, headline, "only a template has params", help)
        elif not _PARAM.fullmatch(rest):
            headline = f"`{safe_text(rest, 80)}` names no param"
            self._bad(at, start, end, headline, "not a name", "write `${param:NAME}`")
        else:
            at.params = True
            at.parts.append(f"\0{rest}\0")

    def _unknown(self, at: _Filling, start: int, end: int, body: str) -> None:
        scheme = body.partition(":")[0]
        near = nearest(scheme, _SCHEMES)
        if ":" in body and near:
            help = f"the nearest is `${{{near}:…}}`"
        elif _ENV.fullmatch(body):
            help = f"write `${{env:{body}}}`, or `$${{{body}}}` for the text itself"
        else:
            help = f"write {_FORMS}; `$${{` is the text `${{`"
        at.unset = True
        self._add(
            "SG131",
            f"`${{{safe_text(body, 80)}}}` is not known",
            at,
            start,
            end,
            "none of `env:`, `file:`, `var:`",
            help,
        )

    # --- parts and findings ---------------------------------------------------------------------

    def _put(self, at: _Filling, start: int, end: int, value: str, *, secret: bool) -> None:
        """Add a value; one that asks to be expanded again is refused and not shown."""
        if _AGAIN.search(value):
            self._bad(
                at,
                start,
                end,
                "a value holds a `${…}` itself",
                "its value is not shown",
                "values are expanded once; write the final text there",
            )
            return
        before, self.left = self.left, self.left - len(value)
        if self.left < 0:
            at.unset = True
            if before >= 0:
                headline = f"the values filled in are longer than {MAX_FILLED} characters together"
                self._bad(at, start, end, headline, "the one too many", "write shorter values")
            return
        at.filled = True
        at.secret = at.secret or secret
        at.parts.append(value)

    def _unset(
        self, code: str, headline: str, at: _Filling, start: int, end: int, label: str, help: str
    ) -> None:
        at.unset = True
        self._add(code, headline, at, start, end, label, help, severity=self.severity)

    def _bad(
        self, at: _Filling, start: int, end: int, headline: str, label: str, help: str
    ) -> None:
        at.unset = True
        self._add("SG130", headline, at, start, end, label, help)

    def _add(
        self,
        code: str,
        headline: str,
        at: _Filling,
        start: int,
        end: int,
        label: str,
        help: str,
        *,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        if len(self.found) >= MAX_FINDINGS:
            return
        self.found.append(
            Diagnostic(
                code,
                headline,
                severity,
                span=written_at(at.scalar, start, end),
                label=label,
                path=at.path,
                help=(help,),
            )
        )


def _nest_end(text: str, start: int) -> int:
    """Return where the outermost of nested `${…}` ends."""
    depth, at = 1, start + 2
    while depth and (found := _INNER.search(text, at)) is not None:
        depth += 1 if found[0] == "${" else -1
        at = found.end()
    return at if not depth else len(text)


def _read_secret(base_dir: Path, name: str) -> tuple[str | None, str]:
    """Return the text of a file without its final newline, or None and why not."""
    content, problem = read_regular(str(base_dir / name), MAX_SECRET_BYTES)
    if content is None:
        return None, problem
    if len(content) > MAX_SECRET_BYTES:
        return None, f"is larger than {MAX_SECRET_BYTES} bytes"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None, "is not UTF-8 text"
    if "\0" in text:
        return None, "is not text: it holds a NUL character"
    text = text.removesuffix("\n").removesuffix("\r")
    return (text, "") if text else (None, "is empty")
