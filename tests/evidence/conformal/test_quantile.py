import math

import numpy as np
import pytest
from scipy import stats

from medgraft.base import MedgraftError
from medgraft.evidence.conformal.quantile import Scores, coverage_range, patients_needed, rank


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.25, 0.3])
def test_the_threshold_is_the_order_statistic_of_the_definition(alpha):
    for n in range(1, 130, 3):
        exact = math.ceil(round((n + 1) * (1 - alpha), 9))
        assert rank(n, alpha) == exact
        scores = np.random.default_rng(n).permutation(n).astype(float)
        found = Scores.of(scores, np.ones(n)).threshold(alpha, np.ones(1))[0]
        assert found == (exact - 1 if exact <= n else np.inf)
        assert (found < np.inf) == (n >= patients_needed(alpha))


def test_rows_that_share_a_patients_weight_are_quantiles_of_patients():
    # Thirds and sevenths do not add up exactly; nine patients bound 10 % all the same.
    for rows in (3, 7, 11):
        scores = np.repeat(np.arange(9.0), rows)
        assert Scores.of(scores, np.full(9 * rows, 1 / rows)).threshold(0.1, np.ones(1))[0] == 8


def test_the_weighted_threshold_is_the_quantile_of_the_weighted_scores_and_a_point_at_infinity():
    rng = np.random.default_rng(0)
    s, w, own = rng.normal(size=30), rng.random(30), rng.random(20) * 3
    found = Scores.of(s, w).threshold(0.2, own)
    for v, q in zip(own, found, strict=True):
        wanted = 0.8 * (w.sum() + v)
        assert q == min([x for x in s if w[s <= x].sum() >= wanted], default=np.inf)


def test_weights_of_another_scale_change_nothing():
    rng = np.random.default_rng(1)
    s, w, own = rng.normal(size=30), rng.random(30), rng.random(20)
    a, b = Scores.of(s, w).threshold(0.1, own), Scores.of(s, 1000 * w).threshold(0.1, 1000 * own)
    np.testing.assert_array_equal(a, b)


def test_the_coverage_once_calibrated_is_a_draw_from_the_beta_distribution():
    rng = np.random.default_rng(2)
    n, alpha = 50, 0.1
    got = [Scores.of(rng.random(n), np.ones(n)).threshold(alpha, np.ones(1))[0] for _ in range(2000)]
    assert stats.kstest(got, stats.beta(46, 5).cdf).pvalue > 1e-3
    assert coverage_range(n, alpha) == pytest.approx(stats.beta(46, 5).ppf([0.025, 0.975]), abs=1e-10)
    assert coverage_range(8, alpha) == (1.0, 1.0)


def test_an_error_rate_that_is_none_is_refused():
    for alpha in (0, 1, 1.5, float("nan")):
        with pytest.raises(MedgraftError, match="'alpha'"):
            patients_needed(alpha)
