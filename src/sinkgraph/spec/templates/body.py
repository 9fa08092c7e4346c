"""Reading the nodes of a template: kinds, names, ports, and the words `given`, `each` and `pass`.

What stands in the fields is judged in `sinkgraph.spec.templates.check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Entry, Node, Scalar, Sequence
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.fields import name_problem
from sinkgraph.spec.kind import Kind, Port
from sinkgraph.spec.leaves import ParamText, leaf, plain, written
from sinkgraph.spec.templates.model import Aim, Outlet, Part, Ref
from sinkgraph.spec.templates.params import Param
from sinkgraph.spec.templates.passing import read_pass
from sinkgraph.spec.templates.put import whole_param

__all__ = ["WORDS", "BodyReader", "unknown_param"]

WORDS = frozenset({"kind", "name", "given", "each", "pass"})
"""Keys of a body that are words of the language; `kind` is one everywhere."""
KindOf = Callable[[str, Node], Kind | None]


class BodyReader:
    """Reads the nodes of one template; `found` grows as it goes."""

    def __init__(
        self, template: str, params: Mapping[str, Param], kind_of: KindOf, path: str
    ) -> None:
        self.found: list[Diagnostic] = []
        self.used: set[str] = set()
        self._template = safe_text(template, 80)
        self._params = params
        self._kind_of = kind_of
        self._path = path
        self._names: dict[str, tuple[Span | None, bool]] = {}
        self._repeats: list[str] = []

    def read(self, tree: Tree) -> Part | None:
        """Return the first node with all below it; None when it, or a node below, is not known."""
        return self._part(tree, first=True)

    def _part(self, tree: Tree, *, first: bool = False) -> Part | None:
        held = tree.get("kind")
        word = written(leaf(held)) if type(held) is Scalar else None
        if held is None or word is None or isinstance(leaf(held), ParamText):  # type: ignore[arg-type]
            at = tree.span if held is None else held.span
            said = "no `kind`" if held is None else "not the name of a kind"
            self._add(
                "SG121",
                f"a node of template `{self._template}` does not say its `kind`",
                at,
                said,
                "write `kind: NAME`",
            )
            return None
        kind = self._kind_of(word, held)
        part = None
        if kind is not None:
            tree = self._meant(tree, kind)
            part = Part(kind, "" if first else word, tree)
            self._words(part, first=first)
            if part.each is not None:
                self._repeats.append(part.each.shown)
            part.repeats = self._repeats[-1] if self._repeats else None
        made = self._rest(tree, kind, part)
        if part is not None and part.each is not None:
            self._repeats.pop()
        return made

    def _meant(self, tree: Tree, kind: Kind) -> Tree:
        """Return a node with slips in words and ports read as they are meant; each is a finding."""
        fields = {one.alias or name for name, one in kind.model.model_fields.items()}
        known = {*fields, *WORDS}
        made: list[Entry] = []
        for entry in tree:
            key = entry.key.text
            near = None if key in known else nearest(key, sorted(known))
            if near is None or near in tree or not (near in WORDS or self._is_port(kind, near)):
                made.append(entry)
                continue
            headline = f"`{safe_text(key, 80)}` is not a key of {kind.name} in a template"
            self._add("SG120", headline, entry.key.span, "unknown key", f"the nearest is `{near}`")
            made.append(Entry(Scalar(entry.key.span, near, near, True), entry.value))
        return Tree(tree.span, made)

    def _is_port(self, kind: Kind, name: str) -> bool:
        return any(one.name == name for one in kind.ports)

    def _rest(self, tree: Tree, kind: Kind | None, part: Part | None) -> Part | None:
        """Read fields and ports; those of an unknown kind too, for what stands in them."""
        ports = {one.name: one for one in kind.ports} if kind is not None else {}
        whole = part is not None
        for entry in tree.entries:
            key = entry.key.text
            if key in ports:
                outlet = Outlet(ports[key], entry, [])
                whole = self._aims(outlet) and whole
                if part is not None:
                    part.outlets.append(outlet)
            elif key == "was":
                help = "a use says what it was: take it away here"
                self._add("SG120", "`was` stands in a template", entry.key.span, "not here", help)
            elif key not in WORDS and part is not None:
                part.fields.append(entry)
        if part is None or not whole:
            return None
        part.own = frozenset(one.key.text for one in part.fields)
        self.found.extend(read_pass(part, self._params, self._template, self._path))
        return part

    # --- the words of the language ----------------------------------------------------------------

    def _words(self, part: Part, *, first: bool) -> None:
        tree = part.tree
        for word in ("given", "each", "name"):
            entry = tree.entry(word)
            if entry is not None and first:
                why = {
                    "given": "the first node is always there",
                    "each": "there is one first node",
                    "name": "the first node bears the name of the use",
                }[word]
                self._add(
                    "SG162",
                    f"`{word}` stands at the first node of template `{self._template}`",
                    entry.key.span,
                    why,
                    "take it away",
                )
        if first:
            return
        part.given = self._ref(tree.get("given"), "given")
        part.each = self._ref(tree.get("each"), "each")
        if part.each is not None and part.each.param.type != "list":
            self._add(
                "SG162",
                f"`each` names a param of type {part.each.param.type}",
                _span(tree.get("each")),
                "not a list",
                "give it `type: list`",
            )
            part.each = None
        if part.each is not None and self._repeats:
            self._add(
                "SG162",
                "`each` stands below another one",
                _span(tree.get("each")),
                "names would be given twice",
                "repeat one of the nodes only",
            )
            part.each = None
        self._name(part)

    def _name(self, part: Part) -> None:
        entry = part.tree.entry("name")
        if entry is not None:
            text = written(leaf(entry.value)) if type(entry.value) is Scalar else None
            why = "is not text" if text is None else name_problem(text)
            if text is not None and not why and "/" in text:
                why = "holds a `/`: the use says the group"
            if text is None or why:
                self._add(
                    "SG128",
                    f"the name of a node of template `{self._template}` {why}",
                    entry.value.span,
                    why,
                    "write 1 to 64 of `A-Z a-z 0-9 . _ -`",
                )
                return
            part.base = text
        at = _span(part.tree.get("kind")) if entry is None else entry.value.span
        sometimes = part.given is not None
        before = self._names.get(part.base.lower())
        if before is not None and not (sometimes or before[1]):
            example = "{name: " + f"{safe_text(part.base, 40)}-b, kind: {part.kind.name}, …}}"
            self.found.append(
                Diagnostic(
                    "SG208",
                    f"two nodes of template `{self._template}` are called `{part.base}`",
                    "error",
                    at,
                    "called so again",
                    self._path,
                    (Label(before[0], f"a use's `NAME.{part.base}`"),) if before[0] else (),
                    help=(f"name it: `{example}`",),
                )
            )
        self._names.setdefault(part.base.lower(), (at, sometimes))

    def _ref(self, held: Node | None, word: str) -> Ref | None:
        if held is None:
            return None
        text = written(leaf(held)) if type(held) is Scalar else None
        if text is None:
            self._add(
                "SG122",
                f"`{word}` is not the name of a param",
                held.span,
                "not a name",
                f"write `{word}: NAME`",
            )
            return None
        return self.ref(text, held.span)

    def ref(self, text: str, at: Span | None) -> Ref | None:
        """Return the param a text names, `NAME` or `NAME.FIELD`, or add that there is none."""
        name, _, inner = text.partition(".")
        param = self._params.get(name)
        if param is None or (inner and inner not in param.inner):
            self.found.append(unknown_param(text, at, self._params, self._template, self._path))
            return None
        self.used.add(name)
        return Ref(param, inner)

    # --- ports ------------------------------------------------------------------------------------

    def _aims(self, outlet: Outlet) -> bool:
        """Read the targets of a port; tell whether all of them are known."""
        port, value = outlet.port, outlet.entry.value
        if port.each:
            return self._rules(outlet)
        if isinstance(value, Sequence) != port.many:
            wanted, other = ("a list", "one") if port.many else ("one target", "a list")
            self._add(
                "SG205",
                f"`{port.name}` takes {wanted}, and {other} stands there",
                value.span,
                f"not {wanted}",
                _arity_help(port, value),
            )
        if port.optional and type(value) is Scalar and value.value is None:
            return True  # as if it were not written
        items = value.items if isinstance(value, Sequence) else [value]
        if port.many and not items:
            self._add(
                "SG211",
                f"`{port.name}` has no targets",
                value.span,
                "an empty list",
                "name at least one sink",
            )
        whole = True
        for item in items:
            rule = None
            if isinstance(item, Tree) and "node" in item and "kind" not in item:
                rule, node = item, item.get("node")
                required = plain(item).get("required", True) is not False
                assert node is not None
            else:
                node, required = item, True
            aim = self._aim(node, many=port.many or port.optional)
            if aim is None:
                whole = False
                continue
            aim.required, aim.rule = required, rule
            outlet.aims.append(aim)
        return whole

    def _rules(self, outlet: Outlet) -> bool:
        value = outlet.entry.value
        if not isinstance(value, Sequence):
            self._add(
                "SG122",
                f"`{outlet.port.name}` is not a list",
                value.span,
                "not a list",
                "write `- {when: …, to: …}`",
            )
            return False
        whole = True
        for item in value.items:
            target = item.get("to") if isinstance(item, Tree) else None
            aim = None if target is None else self._aim(target, many=True)
            if aim is None or not isinstance(item, Tree):
                if target is None:
                    self._add(
                        "SG121",
                        f"a rule of template `{self._template}` does not say its `to`",
                        item.span,
                        "`to` is missing",
                        "add `to:`",
                    )
                whole = False
                continue
            aim.rule = item
            outlet.aims.append(aim)
        return whole

    def _aim(self, node: Node, *, many: bool) -> Aim | None:
        """Return one target; `many`: it may also not be there, or be there several times."""
        if isinstance(node, Tree):
            part = self._part(node)
            if part is not None and not many:
                self._single(part)
            return None if part is None else Aim(_span(node.get("kind")), part=part)
        value = leaf(node) if type(node) is Scalar else None
        if isinstance(value, ParamText):
            name = whole_param(value)
            ref = self.ref(name, node.span) if name else None
            if ref is not None and ref.param.type == "node":
                return Aim(node.span, param=ref.param)
            if ref is not None or name is None:
                self._add(
                    "SG162",
                    "a port takes a whole node, and text stands there",
                    node.span,
                    "no node",
                    "give the param `type: node`, and write it alone",
                )
            return None
        if type(node) is Scalar and written(value) is not None:
            return Aim(node.span, name=node)
        self._add(
            "SG122",
            f"a port of template `{self._template}` names no sink",
            node.span,
            "no name",
            "name a sink, or write a node in place",
        )
        return None

    def _single(self, part: Part) -> None:
        """Find words that do not fit a port of one target that must be there."""
        if part.each is not None:
            self._add(
                "SG162",
                "`each` stands at a port that takes one node",
                part.tree.key_span("each"),
                "may be several",
                "write a `kind: fallback`, `balance` or `broadcast` above it",
            )
        onward = [one for one in part.outlets if one.port.name == "to" and not one.port.many]
        if part.given is not None and not onward:
            self._add(
                "SG162",
                "`given` stands at a node that nothing can stand in for",
                part.tree.key_span("given"),
                f"a {part.kind.name} has no `to`",
                "put it into the list of a fan-out, or at a port that may be left away",
            )

    def _add(self, code: str, headline: str, at: Span | None, label: str, help: str) -> None:
        self.found.append(Diagnostic(code, headline, "error", at, label, self._path, help=(help,)))


def unknown_param(
    text: str, at: Span | None, params: Mapping[str, Param], template: str, path: str
) -> Diagnostic:
    """Return the finding that a template has no param of that name."""
    name, _, inner = text.partition(".")
    param = params.get(name)
    known = [f"{name}.{one}" for one in param.inner] if param and inner else list(params)
    near = nearest(text, known)
    help = f"the nearest is `{near}`" if near else "declare it under `params:`"
    return Diagnostic(
        "SG134",
        f"template `{template}` has no param `{safe_text(text, 80)}`",
        "error",
        at,
        "not declared under `params:`",
        path,
        help=(help,),
    )


def _arity_help(port: Port, value: Node) -> str:
    if port.many:
        word = written(leaf(value)) if type(value) is Scalar else None
        return f"write `{port.name}: [{safe_text(word, 80) if word else '…'}]`"
    return "put a `kind: broadcast` in between, and list them in its `to`"


def _span(node: Node | None) -> Span | None:
    return None if node is None else node.span
