"""The draw of labels, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import read
from medgraft.cohort.deal import draw_labelled


class Fixed:
    """A generator that calls the patients in the order given."""

    def __init__(self, order):
        self.order = order

    def permutation(self, n):
        assert n == len(self.order)
        return np.array(self.order)


@pytest.fixture
def cohort():
    frame = pd.DataFrame(
        {
            "x": range(8),
            "pid": ["A", "A", "B", "C", "C", "D", "E", "E"],
            "y": [0, 0, 0, 1, 1, 0, 0, 1],  # E has a row of each class
        }
    )
    return read(frame, label="y", group="pid")


def _draw(cohort, order, budgets):
    drawn = draw_labelled(cohort, np.arange(cohort.n), budgets, Fixed(order))
    return {b: rows.tolist() for b, rows in drawn.items()}


def test_patients_are_called_until_no_class_is_short(cohort):
    # A brings two 0s (one more than asked), B and D are not needed, C brings two 1s, E is not needed.
    assert _draw(cohort, [0, 1, 2, 3, 4], [1]) == {1: [0, 1, 3, 4]}
    # E alone has both classes.
    assert _draw(cohort, [4, 0, 1, 2, 3], [1]) == {1: [6, 7]}
    # B, D: two 0s; E is needed for its 1 and brings a 0; A is not needed; C is, for the second 1.
    assert _draw(cohort, [1, 3, 4, 0, 2], [2]) == {2: [2, 3, 4, 5, 6, 7]}


def test_larger_budgets_go_on_from_smaller_ones(cohort):
    drawn = _draw(cohort, [1, 2, 0, 3, 4], [3, 1, 0])
    assert drawn == {0: [], 1: [2, 3, 4], 3: [0, 1, 2, 3, 4, 6, 7]}
