"""Series in columns: from nothing to a stated top, and the worst of each span."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.charts import columns_of, heights, ribbon, spark
from sinkgraph_tui.model.timeline import Timeline
from tests.tui.model.scenes import recording


def played() -> Timeline:
    timeline = Timeline()
    for one in recording()[1]:
        timeline.add(one)
    return timeline


def test_a_column_is_the_greatest_of_its_span() -> None:
    points = [(0.0, 1.0), (1.0, 9.0), (2.0, 2.0), (10.0, 3.0)]
    assert columns_of(points, 5, 0.0, 10.0) == (9.0, 2.0, None, None, 3.0)
    assert columns_of(points, 0, 0.0, 10.0) == ()
    assert columns_of(points, 2, 5.0, 5.0) == (None, None)


def test_the_axis_begins_at_nothing() -> None:
    assert heights((0.0, 0.1, 50.0, 100.0, 200.0, None), 100.0, 8) == (0, 1, 4, 8, 8, None)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1e6)), max_size=50), st.integers(1, 40))
def test_no_peak_is_lost(points: list[tuple[float, float]], columns: int) -> None:
    found = columns_of(points, columns, 0.0, 100.0)
    assert len(found) == columns
    assert max((one for one in found if one is not None), default=None) == max(
        (value for _, value in points), default=None
    )


def test_the_depth_of_a_real_outage() -> None:
    drawn = spark(played(), "hooks", 8, capacity=1_200, over_s=40.0)
    assert drawn == (1, 2, 3, 4, 4, 4, 0, 1)


def test_the_ribbon_of_a_real_outage() -> None:
    drawn = ribbon(played(), "hooks.retry", 8, over_s=40.0)
    assert drawn == ("closed", *["open"] * 5, "closed", "closed")
    assert ribbon(Timeline(), "x", 3) == (None, None, None)
