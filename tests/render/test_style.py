"""Drawings can be read: by contrast, and by people who do not see every colour."""

from __future__ import annotations

from typing import get_args

import pytest

from sinkgraph.render.parts import Form, Tone
from sinkgraph.render.style import (
    DARK,
    LIGHT,
    SHAPES,
    Theme,
    contrast,
    mix,
    paint_of,
    quiet,
    swaps,
    tone_paint,
)
from sinkgraph.spec.kind import all_kinds

FORMS: tuple[Form, ...] = get_args(Form)
KINDS = sorted({kind.name for kind in all_kinds()} | {"dead_letter", "of-a-plugin"})


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_text_and_border_of_every_kind_stand_out(kind: str, theme: Theme) -> None:
    for form in FORMS:
        paint = paint_of(kind, form, theme)
        assert contrast(theme.text, paint.fill) >= 7
        assert contrast(theme.dim, paint.fill) >= 4.5
        assert contrast(paint.border, paint.fill) >= 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_beside_nodes_stands_out(theme: Theme) -> None:
    for ground in (theme.ground, theme.group_fill):
        assert contrast(theme.text, ground) >= 7
        assert contrast(theme.dim, ground) >= 4.5
        assert contrast(theme.line, ground) >= 3
        assert contrast(theme.faint, ground) >= 4.5  # labels of edges to dead letters have it too


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", get_args(Tone))
def test_chips_and_marked_nodes_stand_out(tone: Tone, theme: Theme) -> None:
    paint = tone_paint(tone, theme)
    assert contrast(theme.text, paint.fill) >= 7
    assert contrast(theme.dim, paint.fill) >= 4.5
    assert contrast(paint.border, paint.fill) >= 3
    for ground in (theme.ground, theme.group_fill):  # labels of marked edges
        assert contrast(paint.border, ground) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_what_did_not_change_is_quiet_and_can_be_read(theme: Theme) -> None:
    assert contrast(theme.text, quiet(theme).fill) >= 7
    assert contrast(theme.dim, quiet(theme).fill) >= 4.5


def test_every_light_colour_has_one_dark_one() -> None:
    found = swaps()
    for kind in KINDS:
        for form in FORMS:
            light, dark = paint_of(kind, form, LIGHT), paint_of(kind, form, DARK)
            assert (found[light.border], found[light.fill]) == (dark.border, dark.fill)
    for tone in get_args(Tone):
        light, dark = tone_paint(tone, LIGHT), tone_paint(tone, DARK)
        assert (found[light.border], found[light.fill]) == (dark.border, dark.fill)
    assert found[LIGHT.ground] == DARK.ground
    assert found[LIGHT.text] == DARK.text


def test_every_form_has_a_shape_and_queues_have_their_own() -> None:
    assert set(SHAPES) == set(FORMS)
    assert SHAPES["durable_queue"] != SHAPES["memory_queue"] != SHAPES["reliability"]


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_mixing_takes_the_share_it_is_told() -> None:
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#204060", "#408040", 0.5) == "#306050"
