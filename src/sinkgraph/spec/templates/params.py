"""The params of a template: how each is declared, and the type its values are read with.

What a value is put into is `sinkgraph.spec.templates.put`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, create_model
from pydantic_core import PydanticUndefined

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.document_tree import Node
from sinkgraph.spec.fields import (
    DurationOrZero,
    Flag,
    JsonValue,
    Reads,
    Size,
    Text,
    Url,
    number,
)
from sinkgraph.spec.judged import judged
from sinkgraph.spec.kinds.base import Section, Target
from sinkgraph.spec.kinds.types import MAX_COUNT, Choice, InputPath, whole
from sinkgraph.spec.leaves import plain
from sinkgraph.spec.locate import Owner
from sinkgraph.spec.problem import Problem
from sinkgraph.spec.sections import wrong_shape
from sinkgraph.spec.templates.naming import (
    bad_name,
    called_so,
    inner_names,
    make_model,
    open_defaults,
)

__all__ = ["Param", "ParamSpec", "camel", "read_params"]

ParamType = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "duration",
    "size",
    "url",
    "path",
    "list",
    "mapping",
    "node",
    "any",
]
ItemType = Literal[
    "string", "integer", "number", "boolean", "duration", "size", "url", "path", "any"
]
_LARGE = 1e300
_COUNTED = frozenset({"list", "mapping"})


class ParamSpec(Section):
    """Declares one param of a template: `${param:NAME}` in text, `params.NAME` in expressions."""

    type: Annotated[ParamType, Choice()]
    """What it holds."""
    default: JsonValue = None
    """Its value where a use does not give one; without it every use must, and `~` is nothing."""
    description: Text | None = None
    """What it is for."""
    choices: tuple[Text, ...] | None = None
    """The words it may be, for `type: string`."""
    min: Annotated[float, number(-_LARGE, _LARGE)] | None = None
    """The least it may be; of a list the fewest entries, of a mapping the fewest fields."""
    max: Annotated[float, number(-_LARGE, _LARGE)] | None = None
    """The most it may be; of a list the most entries."""
    items: Annotated[ItemType, Choice()] | None = None
    """What each entry of a `list` is [`any`]."""
    fields: dict[Text, ParamSpec] | None = None
    """The fields of a `mapping`, each declared as a param [any field]."""

    def problems(self) -> Iterator[Problem]:
        """Yield fields that mean nothing for the type."""
        wanted = {"choices": "`type: string`", "items": "`type: list`", "fields": "`type: mapping`"}
        for field, kind in wanted.items():
            if getattr(self, field) is not None and f"`type: {self.type}`" != kind:
                yield _unmeant(field, kind, self.type)
        bounded = {"integer", "number", *_COUNTED}
        for field in ("min", "max"):
            if getattr(self, field) is not None and self.type not in bounded:
                yield _unmeant(field, "a number, a list or a mapping", self.type)
        if self.min is not None and self.max is not None and self.min > self.max:
            yield Problem(
                "SG140",
                "the least is more than the most",
                ("min",),
                "more than `max`",
                help=("raise `max`, or lower `min`",),
                clash=((("max",), "the most"),),
            )


def _unmeant(field: str, wanted: str, found: str) -> Problem:
    return Problem(
        "SG142",
        f"`{field}` means nothing but for {wanted}",
        (field,),
        f"`type` is `{found}`",
        help=(f"take `{field}` away",),
        on_key=True,
    )


class Counted(Section):
    """Is a mapping of which so many fields must say something."""

    least: ClassVar[int] = 0
    called: ClassVar[str] = ""

    def problems(self) -> Iterator[Problem]:
        """Yield that the mapping says too little."""
        names = list(type(self).model_fields)
        said = sum(getattr(self, name) not in (None, (), [], {}, "") for name in names)
        if said < self.least:
            neither = " nor ".join(f"`{name}`" for name in names)
            given = f"neither {neither} is given" if len(names) > 1 else f"{neither} is not given"
            yield Problem(
                "SG142",
                f"`{self.called}` names nothing"
                if not said
                else f"`{self.called}` says too little",
                (),
                given,
                help=(f"add `{names[0]}:`, or take `{self.called}` away",),
            )


@dataclass(frozen=True, slots=True)
class Param:
    """Is one param. `annotation` reads its values; `item`: those of a list.

    `default` is read already; `node` is how it is written. `inner`: the fields of a mapping.
    """

    name: str
    spec: ParamSpec
    annotation: Any
    item: Any
    default: Any
    node: Node | None
    inner: Mapping[str, Param]

    @property
    def required(self) -> bool:
        """Whether every use must give it."""
        return self.default is PydanticUndefined

    @property
    def type(self) -> str:
        """The word for what it holds."""
        return self.spec.type


def read_params(
    tree: Tree, template: str, found: list[Diagnostic], *, path: str
) -> dict[str, Param]:
    """Return the params a template declares that can be read, and add what is wrong to `found`."""
    made: dict[str, Param] = {}
    section = tree.get("params")
    if section is not None and not isinstance(section, Tree) and plain(section) is not None:
        found.append(wrong_shape(section.span, f"{path}.params", "a mapping of names to params"))
        return made
    for entry in section.entries if isinstance(section, Tree) else ():
        name, at = entry.key.text, entry.key.span
        label = f"param `{safe_text(name, 80)}` of template `{safe_text(template, 80)}`"
        owner = Owner(label, f"{path}.params.{safe_text(name, 80)}", Tree(None, []), at)
        why = bad_name(name)
        if why:
            found.append(called_so(label, at, why, owner.path))
            continue
        if not isinstance(entry.value, Tree):
            found.append(
                Diagnostic(
                    "SG122",
                    f"{label} is not a mapping",
                    "error",
                    entry.value.span,
                    "not a mapping",
                    owner.path,
                    help=(f"write `{name}: {{type: string}}`",),
                )
            )
            continue
        owner.tree = entry.value
        spec, more = judged(ParamSpec, plain(entry.value), owner)
        more += [*inner_names(entry.value, owner), *open_defaults(entry.value, owner)]
        found.extend(more)
        if isinstance(spec, ParamSpec) and not any(one.severity == "error" for one in more):
            held = entry.value.entry("default")
            param = _param(name, spec, None if held is None else held.value, camel(template))
            param, problem = _with_default(param, owner)
            found.extend(problem)
            made[name] = param
        else:
            made[name] = _unreadable(name)
    return made


def _unreadable(name: str) -> Param:
    """Return what stands for a param that is declared wrongly: nothing more is said of it."""
    spec = ParamSpec.model_construct(type="any")
    return Param(name, spec, JsonValue, None, None, None, {})


def camel(name: str) -> str:
    """Return a name as that of a model."""
    parts = [part for part in "".join(c if c.isalnum() else " " for c in name).split() if part]
    return "".join(part[:1].upper() + part[1:] for part in parts) or "Nameless"


def _param(name: str, spec: ParamSpec, node: Node | None, template: str) -> Param:
    inner: dict[str, Param] = {}
    for field, one in (spec.fields or {}).items():
        inner[field] = _inner(field, one, f"{template}{camel(name)}")
    item = None if spec.type != "list" else _of_word(spec.items or "any", None, None)
    annotation = _annotation(name, spec, item, inner)
    if node is not None and plain(node) is None:
        annotation = annotation | None
    return Param(name, spec, annotation, item, PydanticUndefined, node, inner)


def _inner(name: str, spec: ParamSpec, template: str) -> Param:
    """Return a field of a mapping; what is not given of it is nothing, or an empty list."""
    made = _param(name, spec, None, template)
    if "default" in spec.model_fields_set and spec.default is not None:
        default = spec.default if spec.type != "list" else tuple(spec.default)
    else:
        default = () if spec.type == "list" else None
    annotation = made.annotation if spec.type == "list" else made.annotation | None
    return Param(name, spec, annotation, made.item, default, None, made.inner)


def _with_default(param: Param, owner: Owner) -> tuple[Param, list[Diagnostic]]:
    """Return a param with its default read as a use's value is, and what is wrong with that."""
    if param.node is None:
        return param, []
    raw = plain(param.node)
    if raw is None:
        return _defaulted(param, None), []
    holder = create_model("Default", __base__=Section, default=(param.annotation, ...))
    spec, found = judged(holder, {"default": raw}, owner)
    return _defaulted(param, getattr(spec, "default", None)), found


def _defaulted(param: Param, default: Any) -> Param:
    return Param(
        param.name, param.spec, param.annotation, param.item, default, param.node, param.inner
    )


def _annotation(name: str, spec: ParamSpec, item: Any, inner: Mapping[str, Param]) -> Any:
    match spec.type:
        case "string" if spec.choices:
            return Annotated[Literal[tuple(spec.choices)], Choice()]
        case "list":
            return _list_of(item, spec)
        case "mapping" if inner:
            return _mapping_of(name, spec, inner)
        case "mapping":
            return dict[str, JsonValue]
        case "node":
            return Target
        case word:
            return _of_word(word, spec.min, spec.max)


def _list_of(item: Any, spec: ParamSpec) -> Any:
    many: Any = tuple[item, ...]
    bounds = Field(
        min_length=None if spec.min is None else int(spec.min),
        max_length=None if spec.max is None else int(spec.max),
    )
    if spec.items in (None, "any"):
        return Annotated[many, bounds]
    return Annotated[
        many, bounds, BeforeValidator(_one_or_many, json_schema_input_type=item | many)
    ]


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _mapping_of(name: str, spec: ParamSpec, inner: Mapping[str, Param]) -> Any:
    fields: dict[str, Any] = {
        one.name: (one.annotation, Field(default=one.default, description=one.spec.description))
        for one in inner.values()
    }
    made = make_model(camel(name), Counted, spec.description or "Is a mapping.", fields)
    made.least, made.called = int(spec.min or 0), name
    return made


def _of_word(word: str, low: float | None, high: float | None) -> Any:
    match word:
        case "string":
            return Text
        case "integer":
            return Annotated[
                int,
                whole(
                    -MAX_COUNT if low is None else int(low),
                    MAX_COUNT if high is None else int(high),
                ),
            ]
        case "number":
            least, most = -_LARGE if low is None else low, _LARGE if high is None else high
            return Annotated[float, number(least, most)]
        case _:
            return _BY_WORD[word]


_PATH: Any = InputPath.__metadata__[0]  # type: ignore[attr-defined]
# Whether it is read or written is told by the field it is put into, not by the param.
Path = Annotated[str, Reads(_PATH.parse, "unset-path", _PATH.schema)]

_BY_WORD: Mapping[str, Any] = {
    "boolean": Flag,
    "duration": DurationOrZero,
    "size": Size,
    "url": Url,
    "path": Path,
    "any": JsonValue,
}
