"""`sinkgraph fmt PATHS…`: put graph documents in order, or say which ones are not.

How a document is written is `sinkgraph.spec.formatting`; here are only files and what is said.
"""

from __future__ import annotations

import difflib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.documents import find_documents
from sinkgraph.cli.options import FINDINGS, OK, echo, many, once, syntax_option, wants_color
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]

_NO_DOCUMENT = "no graph document is found here"


@click.command(name="fmt")
@click.argument("paths", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a document would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option(
    "--stdin-name",
    metavar="NAME",
    default=None,
    help="What `-` is called; its suffix tells how it is written.",
)
@syntax_option
def command(
    paths: tuple[str, ...], check: bool, diff: bool, stdin_name: str | None, syntax: Syntax | None
) -> None:
    """Put graph documents in order, comments kept.

    PATHS are documents in YAML, TOML or JSON, folders and globs of them [.]; `-` reads standard
    input and prints the document.

    Keys stand in the order of the reference: `kind` first, where events go last. Nodes, vars, lists
    and all names of yours keep their order; comments stay with what they belong to. What a document
    says never changes: one with errors, or that could not be kept whole, is left as it is.
    """
    once(paths)
    if stdin_name is not None and "-" not in paths:
        raise click.UsageError("`--stdin-name` is for `-`, standard input")
    documents = find_documents(paths or (".",))
    run = _Run(check, diff, stdin_name, syntax)
    for name in documents.nothing:
        run.unread(name)
    for name in documents.files:
        run.one(name)
    if documents.files != ("-",):
        echo(run.summary(len(documents.others)), err=True)
    sys.exit(FINDINGS if run.failed or run.absent or (check and run.changed) else OK)


@dataclass(slots=True)
class _Run:
    """Goes through documents and counts what became of them."""

    check: bool
    diff: bool
    stdin_name: str | None
    syntax: Syntax | None
    changed: int = 0
    kept: int = 0
    failed: int = 0
    absent: int = 0
    _said: set[str] = field(default_factory=set)

    def one(self, name: str) -> None:
        """Put one document in order."""
        from sinkgraph.spec.document_file import read_bytes
        from sinkgraph.spec.formatting.document import format_document

        piped = name == "-"
        called = (self.stdin_name or "<stdin>") if piped else name
        target = os.path.realpath(name)
        if not piped and target in self._said:
            return  # by another name
        self._said.add(target)
        before = None if piped else _mark(target)
        syntax = self.syntax or _syntax(called)
        if syntax is None and not piped:
            self._unknown(name)
            return
        content, finding = read_bytes(name)
        if content is None:
            self.unread(called, [] if finding is None else [finding])
            return
        syntax = syntax or ("json" if content.lstrip().startswith((b'{"', b"{}")) else "yaml")
        made = format_document(content, called, syntax)
        if made.text is None:
            self.left(called, made.refused, list(made.findings))
            return
        text = made.text.encode()
        if text == content:
            self.kept += 1
        else:
            self.changed += 1
        if piped or self.check or self.diff:
            self._show(called, content, text, piped=piped)
        elif text != content:
            problem = _replace(target, text, before)
            if problem:
                self.changed -= 1
                self.left(called, problem)
            else:
                echo(f"{safe_text(called)}: written")

    def _show(self, called: str, content: bytes, text: bytes, *, piped: bool) -> None:
        """Print what would change, without writing it."""
        if self.diff:
            _print_difference(called, content, text)
        elif self.check:
            if text != content:
                echo(f"{safe_text(called)}: would change")
        elif piped:
            _print(text)

    def _unknown(self, name: str) -> None:
        """Say why a file without a known suffix is not read."""
        from sinkgraph.spec.document import read

        self.unread(name, read(name)[1])

    def unread(self, called: str, findings: list[Diagnostic] | None = None) -> None:
        """Say why nothing is read."""
        from sinkgraph.diagnostics.report import render_human

        self.absent += 1
        if findings:
            echo(render_human(findings, color=wants_color(err=True)) + "\n", err=True)
        else:
            echo(f"{safe_text(called)}: {_NO_DOCUMENT}", err=True)

    def left(self, called: str, why: str, findings: list[Diagnostic] | None = None) -> None:
        """Say why a document is left as it is."""
        from sinkgraph.diagnostics.report import count_line, render_human

        self.failed += 1
        if findings:
            echo(render_human(findings, color=wants_color(err=True)) + "\n", err=True)
            why = count_line(findings)
        echo(f"{safe_text(called)}: left as it is: {safe_text(why)}", err=True)

    def summary(self, others: int) -> str:
        """Return the last line: how many documents became what; `others` are no graph documents."""
        verb = "would change" if self.check or self.diff else "written"
        parts = [
            f"{many(self.changed, 'document')} {verb}" if self.changed else "",
            f"{many(self.kept, 'document')} in order" if self.kept else "",
            f"{many(self.failed, 'document')} left as it is" if self.failed == 1 else "",
            f"{many(self.failed, 'document')} left as they are" if self.failed > 1 else "",
            f"{self.absent:,} not read" if self.absent else "",
            f"{many(others, 'other file')} left out" if others else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing to do"


def _syntax(called: str) -> Syntax | None:
    from sinkgraph.spec.document import syntax_of

    return syntax_of(called)


def _print(content: bytes) -> None:
    click.echo(content, nl=False)


def _print_difference(called: str, before: bytes, after: bytes) -> None:
    """Print a unified difference; what cannot be shown is escaped."""
    old, new = (one.decode("utf-8", "replace").splitlines() for one in (before, after))
    name = safe_text(called)
    for line in difflib.unified_diff(old, new, name, name, lineterm=""):
        echo(safe_text(line))
    if old == new and before != after:
        echo(f"{name}: line ends or the byte order mark would change")


# --- files ---------------------------------------------------------------------------------------


def _mark(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _replace(path: str, content: bytes, before: os.stat_result | None) -> str:
    """Put `content` in the place of a file at once, with its mode; return why that failed, or "".

    `before`: what the file was when it was read.
    """
    folder, name = os.path.split(path)
    part = ""
    try:
        if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            return "it may not be written by this user"
        handle, part = tempfile.mkstemp(dir=folder, prefix=f".{name[:40]}.")
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            now = os.stat(path)
            if before is None or _version(now) != _version(before):
                return "it changed while it was being read"
            if _owner(now) != _owner(os.fstat(handle)):
                try:
                    os.fchown(handle, *_owner(now))
                except PermissionError:
                    return "its owner and group could not be kept"
            os.fchmod(handle, stat.S_IMODE(now.st_mode))
            os.fsync(handle)
        os.replace(part, path)
        part = ""
    except OSError as error:
        return f"it cannot be written: {(error.strerror or str(error)).lower()}"
    finally:
        if part:
            os.unlink(part)
    return ""


def _owner(one: os.stat_result) -> tuple[int, int]:
    return one.st_uid, one.st_gid


def _version(one: os.stat_result) -> tuple[int, int, int]:
    return one.st_ino, one.st_size, one.st_mtime_ns
