from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medgraft.report import panels, plots
from medgraft.report.plots import NARROW, WIDE, Row

ROWS = [
    Row("target-only", 0.6, 0.5, 0.7, "0.600 (0.500 to 0.700)", "control"),
    Row("pooled", 0.8, 0.75, 0.9, "0.800 (0.750 to 0.900)", "delivered", bold=True),
    Row("coral", 0.55, None, None, "0.550", "arm"),
    Row("broken", None, None, None, "–", "arm"),
]


@pytest.fixture
def figures(monkeypatch):
    """Keep the figures that are drawn: (wide, narrow)."""
    kept = []
    real = plots.draw

    def draw(paint, width, height, name, label):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasAgg(figure)
        paint(figure)
        kept.append(figure)
        return real(paint, width, height, name, label)

    monkeypatch.setattr(plots, "draw", draw)
    return kept


def _forest(rows=ROWS, reference=0.6):
    return plots.forest(
        "f", "label", rows, xlabel="AUROC", reference=reference, reference_label="the control"
    )


def _marks(ax):
    return [
        (*line.get_xdata(), *line.get_ydata())
        for line in ax.lines
        if line.get_marker() not in ("None", None, "")
    ]


@pytest.mark.parametrize("form", [0, 1])
def test_marks_and_lines_stand_at_the_figures_in_order_from_the_top(figures, form):
    _forest()
    ax = figures[form].axes[0]
    marks = _marks(ax)
    assert [x for x, _ in marks] == [0.6, 0.8, 0.55]
    assert ax.yaxis_inverted() and np.all(np.diff([y for _, y in marks]) > 0)
    spans = [
        tuple(line.get_xdata())
        for line in ax.lines
        if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2
    ]
    assert spans == [(0.5, 0.7), (0.75, 0.9)]
    lo, hi = ax.get_xlim()
    assert lo < 0.5 and hi > 0.9


def test_the_reference_is_in_view_even_far_from_every_arm(figures):
    _forest(reference=-3.0)
    assert figures[0].axes[0].get_xlim()[0] < -3.0


@pytest.mark.parametrize("rows", [ROWS[3:], [Row("one", 0.5, 0.5, 0.5, "0.500", "arm")]])
def test_nothing_known_or_no_width_still_draws(figures, rows):
    _forest(rows, reference=None)
    lo, hi = figures[0].axes[0].get_xlim()
    assert np.isfinite([lo, hi]).all() and lo < hi


@pytest.mark.parametrize("form", [0, 1])
def test_words_do_not_run_into_each_other_or_off_the_drawing(figures, form):
    long = "finetune:epochs=50,learning_rate=0.0001,freeze=blocks"
    rows = [Row(long, 0.1, -0.1, 0.2, "−0.125 (−0.149 to −0.101)", "helps", bold=True) for _ in range(2)]
    _forest(rows, reference=0.0)
    figure = figures[form]
    ax = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in ax.texts if t.get_text() != "the control"]
    width, height = (NARROW if form else WIDE), figure.get_figheight() * 72
    for box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)


def test_each_verdict_has_its_own_shape_so_that_colour_is_not_needed():
    shapes = {plots.MARKS[m][0] for m in ("helps", "harms", "inconclusive")}
    assert len(shapes) == 3
    assert len({plots.MARKS[m][0] for m in ("control", "arm", "delivered")}) == 3


def test_long_names_keep_both_ends_and_control_characters_go():
    assert plots.elide("finetune:epochs=5", 10) == "finetu…s=5"
    assert plots.elide("short", 10) == "short"
    assert plots.elide("a\x00b\nc", 10) == "a b c"


def test_each_learning_curve_stands_before_the_control_at_its_own_labels(figures):
    def point(budget, value):
        return {"labels_per_class": budget, "value": value, "ci": [value - 0.1, value + 0.1]}

    curves = {
        "target-only": [point(-1, 0.9), point(10, 0.6), point(40, 0.7)],
        "pooled": [point(10, 0.8), point(40, 0.85), point(-1, 0.9)],
    }
    panels.learning_curves("label", curves, "target-only", budget=lambda b: "all" if b < 0 else str(b))
    (ax,) = figures[0].axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "40", "all"]
    control, arm = ax.lines
    assert list(control.get_xdata()) == [0, 1, 2] and list(control.get_ydata()) == [0.6, 0.7, 0.9]
    assert list(arm.get_ydata()) == [0.8, 0.85, 0.9]


def test_a_learning_curve_leaves_out_what_is_unknown(figures):
    known = {"labels_per_class": 10, "value": 0.8, "ci": [None, None]}
    unknown = {"labels_per_class": 20, "value": None, "ci": [None, None]}
    panels.learning_curves("label", {"pooled": [unknown, known]}, "pooled", budget=str)
    (ax,) = figures[0].axes
    assert list(ax.lines[0].get_ydata()) == [0.8]


def test_calibration_points_stand_at_predicted_and_observed(figures):
    bins = [{"predicted": 0.2, "observed": 0.3, "lo": 0.1, "hi": 0.5}, {"predicted": 0.9, "observed": 0.8}]
    panels.calibrations("label", {"pooled": {"bins": bins}}, xlabel="x", ylabel="y", unit=True)
    (ax,) = figures[0].axes
    diagonal, interval, curve = ax.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0.0, 1.0]
    assert list(interval.get_xdata()) == [0.2, 0.2] and list(interval.get_ydata()) == [0.1, 0.5]
    assert list(curve.get_xdata()) == [0.2, 0.9] and list(curve.get_ydata()) == [0.3, 0.8]
    assert ax.get_xlim() == ax.get_ylim()
