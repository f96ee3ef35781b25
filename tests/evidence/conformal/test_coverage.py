import json

import numpy as np
import pytest
from scipy import stats

from medgraft.base import MedgraftError
from medgraft.evidence.conformal import clopper_pearson, coverage


def test_clopper_pearson_inverts_the_binomial_tests():
    for k, n in ((0, 10), (3, 10), (10, 10), (45, 50)):
        lo, hi = clopper_pearson(k, n)
        assert lo == 0 if k == 0 else stats.binom.sf(k - 1, n, lo) == pytest.approx(0.025, abs=1e-9)
        assert hi == 1 if k == n else stats.binom.cdf(k, n, hi) == pytest.approx(0.025, abs=1e-9)


def test_coverage_is_counted_over_all_by_class_and_by_subgroup():
    y, site = np.array([0, 0, 1, 1, 1]), np.array(["a", "b", "a", "b", "b"])
    sets = np.array([[1, 0], [0, 1], [1, 1], [0, 1], [0, 0]], dtype=bool)
    made = coverage(y, sets, by={"site": site})
    assert (made["marginal"]["coverage"], made["marginal"]["size"]) == (0.6, 1.0)
    assert made["by_class"]["0"]["coverage"] == 0.5
    assert made["by_class"]["1"]["coverage"] == pytest.approx(2 / 3)
    assert {v: m["coverage"] for v, m in made["by"]["site"].items()} == {"a": 1.0, "b": pytest.approx(1 / 3)}
    assert (made["marginal"]["lo"], made["marginal"]["hi"]) == clopper_pearson(3, 5)


def test_intervals_are_covered_to_their_ends_and_have_a_width():
    made = coverage([0.0, 1.0, 5.0], [[0, 2], [0.5, 1], [6, 7]])
    assert made["marginal"]["coverage"] == pytest.approx(2 / 3)
    assert made["marginal"]["size"] == pytest.approx(3.5 / 3)
    assert "by_class" not in made


def test_patients_count_once_however_many_rows_they_have():
    y, sets = np.zeros(5, dtype=int), np.array([[1, 0]] * 4 + [[0, 1]], dtype=bool)
    made = coverage(y, sets, group=["a", "a", "a", "a", "b"])["marginal"]
    assert (made["rows"], made["patients"], made["coverage"]) == (5, 2, 0.5)
    assert (made["lo"], made["hi"]) == clopper_pearson(1, 2)
    half = coverage(y, sets, group=["a", "b", "c", "d", "d"])["marginal"]
    assert half["coverage"] == pytest.approx(3.5 / 4)


def test_the_report_is_json_even_where_intervals_are_infinite():
    made = coverage([0.0], [[-np.inf, np.inf]], by={"sex": ["f"]})
    assert json.loads(json.dumps(made))["marginal"]["size"] is None


def test_bad_input_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="class codes 0 to 1"):
        coverage([2], [[True, False]])
    with pytest.raises(MedgraftError, match="for sets of shape"):
        coverage([0, 1], [[True, False]])
    with pytest.raises(MedgraftError, match="intervals are numbers"):
        coverage([0], [[0.1, 0.2, 0.3]])
    with pytest.raises(MedgraftError, match="'sex' has shape"):
        coverage([0], [[True, False]], by={"sex": ["f", "m"]})
