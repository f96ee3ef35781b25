import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.calibration import brier_decomposition
from medgraft.evidence.metrics import metrics


@pytest.mark.parametrize("bins", [None, 1, 4, 10])
@pytest.mark.parametrize("k", [2, 4])
def test_the_parts_make_up_the_brier_score_exactly(k, bins):
    rng = np.random.default_rng(k)
    y, p = rng.integers(0, k, 70), rng.dirichlet(np.ones(k), 70)
    made = brier_decomposition(y, p, bins)
    assert made.brier == pytest.approx(metrics["brier"].value(y, p), abs=1e-14)
    total = made.reliability - made.resolution + made.uncertainty + made.within
    assert total == pytest.approx(made.brier, abs=1e-14)


def test_the_parts_computed_by_hand():
    # Said 0.2: 1 event of 5. Said 0.6: 4 of 5. Half the patients have it.
    p, y = np.repeat([0.2, 0.6], 5), [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    made = brier_decomposition(y, p, None)
    assert made.reliability == pytest.approx(0.5 * 0.2**2, abs=1e-15)
    assert made.resolution == pytest.approx(0.3**2, abs=1e-15)
    assert made.uncertainty == 0.25
    assert made.within == 0


def test_one_bin_leaves_resolution_to_what_is_hidden():
    rng = np.random.default_rng(0)
    p, y = rng.random(50), rng.integers(0, 2, 50)
    made = brier_decomposition(y, p, 1)
    assert made.resolution == pytest.approx(0, abs=1e-30)
    assert made.within == pytest.approx(np.var(p) - 2 * np.cov(p, y, ddof=0)[0, 1], abs=1e-14)


def test_no_bins_are_refused():
    with pytest.raises(MedgraftError, match="at least one bin"):
        brier_decomposition([0, 1], [0.1, 0.9], 0)
