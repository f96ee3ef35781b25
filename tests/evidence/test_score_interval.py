import numpy as np
import pytest
from scipy.optimize import brentq

from medgraft.evidence.score_interval import score_interval
from medgraft.evidence.shares import wilson

Z = 1.959963984540054


@pytest.mark.parametrize(("x", "n"), [(0, 7), (3, 10), (10, 10), (50, 1000), (2.5, 6.2)])
def test_of_two_values_it_is_wilsons(x, n):
    assert score_interval([1, 0], [x, n - x], Z) == pytest.approx(wilson(x, n, 0.95), abs=1e-12)


def by_search(g, x, sign):
    """The end where the score test is at its critical value, the likeliest shares found on a grid."""
    g, x = np.asarray(g, dtype=float), np.asarray(x, dtype=float)
    n, value, third = x.sum(), (x * g).sum() / x.sum(), np.linspace(0, 1, 100_001)

    def beyond(delta):
        first = (delta - g[2] * third - g[1] * (1 - third)) / (g[0] - g[1])
        shares = np.stack([first, 1 - first - third, third])
        shares = shares[:, (shares >= -1e-12).all(axis=0)]
        seen = x > 0
        likely = (x[seen, None] * np.log(np.maximum(shares[seen], 1e-300))).sum(axis=0)
        p = shares[:, likely.argmax()]
        return n * (value - delta) ** 2 / (p * (g - delta) ** 2).sum() - Z * Z

    far = g.max() if sign > 0 else g.min()
    return brentq(beyond, value + sign * 1e-6, far - sign * 1e-6)


@pytest.mark.parametrize(
    ("worth", "count"),
    [
        ((1, -0.25, 0), (5, 3, 42)),
        ((1, -1 / 9, 0), (0, 3, 17)),
        ((1, -3, 0), (4, 0, 46)),
        ((1, -3, 0), (0, 0, 40)),
        ((-1, 3, 0), (5, 1, 10)),
    ],
)
def test_its_ends_are_where_the_score_test_is_critical(worth, count):
    lo, hi = score_interval(worth, count, Z)
    assert (lo, hi) == pytest.approx((by_search(worth, count, -1), by_search(worth, count, 1)), abs=1e-4)


def test_it_moves_and_stretches_with_its_values_and_turns_with_their_sign():
    g, x = np.array([1.0, -0.3, 0.0, 2.0]), np.array([4, 9, 20, 0])
    lo, hi = score_interval(g, x, Z)
    assert score_interval(5 + 3 * g, x, Z) == pytest.approx((5 + 3 * lo, 5 + 3 * hi), abs=1e-12)
    assert score_interval(-g, x, Z) == pytest.approx((-hi, -lo), abs=1e-12)
    order = [2, 0, 3, 1]
    assert score_interval(g[order], x[order], Z) == pytest.approx((lo, hi), abs=1e-12)


def test_values_that_are_equal_may_be_counted_apart_or_together():
    together = score_interval([1, 0], [7, 5], Z)
    assert score_interval([1, 0, 1], [3, 5, 4], Z) == pytest.approx(together, abs=1e-12)


def test_a_value_that_nobody_had_may_yet_be_met():
    apart, known = score_interval([1, -9, 0], [10, 0, 30], Z), score_interval([1, 0], [10, 30], Z)
    assert apart[0] < known[0] - 0.5
    assert score_interval([2.5], [12], Z) == (2.5, 2.5)  # but a row that can only have one value has it


def test_many_at_once_are_each_their_own():
    rng = np.random.default_rng(0)
    g, x = rng.normal(size=(6, 3)), rng.integers(0, 9, (6, 3)) + np.array([1, 0, 0])
    one = np.array([score_interval(a, b, Z) for a, b in zip(g, x, strict=True)]).T
    np.testing.assert_allclose(score_interval(g, x, Z), one, atol=1e-15)
