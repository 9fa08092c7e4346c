"""`promises:` as written: what must hold between a source and an end, each with its places.

Whether it holds is `sinkgraph.graph.promises`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.spec.document_tree import Mapping, Sequence
from sinkgraph.spec.fields import Name
from sinkgraph.spec.kinds.base import Section
from sinkgraph.spec.kinds.types import Choice
from sinkgraph.spec.leaves import plain
from sinkgraph.spec.locate import Owner, from_problem, from_validation
from sinkgraph.spec.problem import Problem

__all__ = ["Promise", "PromiseDecl", "read_promises"]

_MAX = 1_000


class Promise(Section):
    """Is what the graph must keep between a source and an end; `check` refuses one that does not.

    Each word is the weakest that will do: `accepted: durable` is kept by `delivered` too.
    """

    from_: Annotated[Name, Field(alias="from")]
    """The source."""
    to: Name
    """The terminal, or dead letter, at the end of the way."""
    delivery: Annotated[Literal["at_most_once", "at_least_once"], Choice()] | None = None
    """How often an accepted event arrives."""
    accepted: Annotated[Literal["memory", "durable", "delivered"], Choice()] | None = None
    """What an accepted event is worth for that end, whatever other branches do."""
    order: Annotated[Literal["not_kept", "per_key", "kept"], Choice()] | None = None
    """In which order events arrive."""

    def problems(self) -> Iterator[Problem]:
        """Yield a promise that promises nothing."""
        if not (self.delivery or self.accepted or self.order):
            yield Problem(
                "SG142",
                "nothing is promised",
                (),
                "none of `delivery`, `accepted`, `order` is given",
                on_key=True,
                help=("add what must hold: `delivery: at_least_once`",),
            )


@dataclass(frozen=True, slots=True)
class PromiseDecl:
    """Is a promise where it stands."""

    spec: Promise
    owner: Owner


def read_promises(tree: Mapping) -> tuple[list[PromiseDecl], list[Diagnostic]]:
    """Return the promises of a document that can be read, and what is wrong with the others."""
    held = tree.get("promises")
    found: list[Diagnostic] = []
    made: list[PromiseDecl] = []
    if held is None or plain(held) is None:
        return made, found
    if not isinstance(held, Sequence):
        help = "write a list: `- {from: SOURCE, to: END, delivery: at_least_once}`"
        wrong = Diagnostic(
            "SG122",
            "`promises` is not a list",
            "error",
            held.span,
            "not a list",
            "promises",
            help=(help,),
        )
        return made, [wrong]
    for k, item in enumerate(held.items[:_MAX]):
        path = f"promises[{k}]"
        if not isinstance(item, Mapping):
            found.append(
                Diagnostic(
                    "SG122",
                    f"promise {k + 1} is not a mapping",
                    "error",
                    item.span,
                    "no promise",
                    path,
                    help=("write `{from: SOURCE, to: END, delivery: at_least_once}`",),
                )
            )
            continue
        owner = Owner(f"promise {k + 1}", path, item, item.span)
        try:
            spec = Promise.model_validate(plain(item))
        except ValidationError as error:
            found.extend(from_validation(error, owner, Promise))
            continue
        found.extend(from_problem(one, owner) for one in spec.problems())
        made.append(PromiseDecl(spec, owner))
    return made, found
