import itertools

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.paired import holm


def test_the_adjusted_values_are_those_of_statsmodels():
    got = holm([0.01, 0.04, 0.03, 0.005, 0.5, 0.012])
    np.testing.assert_allclose(got, [0.05, 0.09, 0.09, 0.03, 0.5, 0.05], atol=1e-12)


def test_a_hypothesis_is_rejected_when_every_bonferroni_test_that_holds_it_rejects():
    """Holm is the closure of Bonferroni."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = rng.random(5) ** 3
        for i, adjusted in enumerate(holm(p)):
            sets = [s for k in range(1, 6) for s in itertools.combinations(range(5), k) if i in s]
            assert adjusted == pytest.approx(max(min(1.0, len(s) * min(p[list(s)])) for s in sets))


def test_one_p_value_stays_as_it_is_and_the_input_too():
    p = np.array([0.03])
    assert holm(p).tolist() == [0.03]
    several = np.array([0.2, 0.001, 0.2])
    kept = several.copy()
    assert holm(several).tolist() == pytest.approx([0.4, 0.003, 0.4])
    np.testing.assert_array_equal(several, kept)


def test_the_order_of_arms_does_not_matter():
    p = np.random.default_rng(1).random(8) / 10
    i = np.random.default_rng(2).permutation(8)
    np.testing.assert_array_equal(holm(p)[i], holm(p[i]))


def test_what_is_no_p_value_is_refused():
    for bad in ([0.1, 1.2], [-0.1]):
        with pytest.raises(MedgraftError, match="between 0 and 1"):
            holm(bad)
    with pytest.raises(MedgraftError, match="not finite"):
        holm([0.1, np.nan])
