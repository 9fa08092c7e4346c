"""The table of fields is true of the kinds, and of the page made from it."""

from __future__ import annotations

from sinkgraph.graph.diff.table import SURVIVES, UNCOMPARED, rows, rule_of, side_of
from sinkgraph.spec.kind import Kind
from tests.graph.diff.documented import PAGE, table
from tests.graph.diff.versions import EACH, KINDS, changed, document


@EACH
def test_a_plan_does_with_a_field_what_its_row_says(kind: Kind) -> None:
    for row in rows(kind):
        tried = 0
        for _, _, change in changed(kind, row.field):
            told = {one.field.partition(".")[0] for one in change.changes}
            assert told, f"{row.field} differs, and nobody is told"
            assert row.field in told, change
            tried += 1
            (first, *_) = [one for one in change.changes if one.field.startswith(row.field)]
            match row.effect:
                case "drawing":
                    assert (change.action, first.drawing) == ("keep", True)
                case "either":
                    assert change.action in ("retune", "replace")
                case _ if told == {row.field}:
                    assert change.action == row.effect, row
        assert tried, f"no two values of {row.field} were tried"


def test_every_rule_is_of_a_field_and_every_kind_has_its_rows() -> None:
    for kind in KINDS:
        keys = {field.alias or name for name, field in kind.model.model_fields.items()}
        assert [one.field for one in rows(kind)] == [
            field.alias or name
            for name, field in kind.model.model_fields.items()
            if (field.alias or name) not in UNCOMPARED
        ]
        ruled = {key for key in keys if rule_of(kind.side, kind.name, key) is not None}
        assert ruled == {one.field for one in rows(kind) if one.why}
    assert set(SURVIVES) <= {(kind.side, kind.name) for kind in KINDS}


def test_a_kind_nobody_knows_is_replaced_for_its_own_fields_and_not_for_its_ports() -> None:
    assert rule_of("sink", "of_a_third_party", "size") is not None
    assert rule_of("sink", "of_a_third_party", "to", port=True) is None
    assert rule_of("sink", "of_a_third_party", "on_remove") is None


def test_a_node_knows_on_which_side_it_stands() -> None:
    graph = document(next(one for one in KINDS if one.name == "queue"), {})
    assert {name: side_of(graph.nodes[name]) for name in ("in", "node", "dead-letters")} == {
        "in": "source",
        "node": "sink",
        "dead-letters": "sink",
    }


def test_the_page_has_the_table() -> None:
    held = PAGE.read_text(encoding="utf-8")
    assert table() in held, "`python -m tests.graph.diff.documented` writes it anew"
