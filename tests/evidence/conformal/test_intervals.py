import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.conformal import ConformalIntervals, covered


def drawn(rng, n):
    mu, sigma = rng.normal(size=n), rng.uniform(0.2, 2, n)
    return mu + sigma * rng.normal(size=n), mu, sigma


def test_the_half_width_is_the_order_statistic_of_the_errors():
    rng = np.random.default_rng(0)
    y, mu, _ = drawn(rng, 49)
    q = np.sort(np.abs(y - mu))[45 - 1]
    np.testing.assert_allclose(ConformalIntervals(0.1).fit(y, mu).predict([3.0]), [[3 - q, 3 + q]])


def test_the_scale_sets_the_width():
    rng = np.random.default_rng(1)
    y, mu, sigma = drawn(rng, 49)
    q = np.sort(np.abs(y - mu) / sigma)[45 - 1]
    found = ConformalIntervals(0.1).fit(y, mu, scale=sigma).predict([3.0, 3.0], scale=[1.0, 5.0])
    np.testing.assert_allclose(found, [[3 - q, 3 + q], [3 - 5 * q, 3 + 5 * q]])


def test_quantiles_are_moved_outwards_or_inwards():
    rng = np.random.default_rng(2)
    y, mu, _ = drawn(rng, 49)
    for half in (0.1, 9.0):
        ends = np.stack([mu - half, mu + half], axis=1)
        q = np.sort(np.maximum(ends[:, 0] - y, y - ends[:, 1]))[45 - 1]
        assert (q > 0) == (half == 0.1)
        np.testing.assert_allclose(ConformalIntervals(0.1).fit(y, ends).predict([[0, 20]]), [[-q, 20 + q]])
    assert ConformalIntervals(0.1).fit(y, ends).predict([[0.0, 1.0]]).tolist() == [[0.5, 0.5]]  # would cross


@pytest.mark.parametrize("way", ["absolute", "scale", "quantiles"])
def test_intervals_hold_the_truth_as_often_as_promised(way):
    rng = np.random.default_rng(3)
    hits = []
    for _ in range(500):
        y, mu, sigma = drawn(rng, 50)
        p = np.stack([mu - sigma, mu + sigma], axis=1) if way == "quantiles" else mu
        more = [{"scale": s} if way == "scale" else {} for s in (sigma[:30], sigma[30:])]
        ends = ConformalIntervals(0.1).fit(y[:30], p[:30], **more[0]).predict(p[30:], **more[1])
        hits.append(covered(y[30:], ends).mean())
    # Without ties coverage is exactly 28/31 on average.
    assert abs(np.mean(hits) - 28 / 31) < 4 * np.std(hits) / np.sqrt(500)


def test_with_several_rows_a_patient_it_is_patients_who_are_covered():
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(500):
        spread = np.exp(rng.normal(size=31))
        rows = np.where(spread < 1, 20, 1)  # those who are well predicted come often
        group = np.repeat(np.arange(31), rows)
        y = spread[group] * rng.normal(size=len(group))
        cal, new = group < 30, np.flatnonzero(group == 30)[:1]
        zero = np.zeros(len(y))
        ends = [
            ConformalIntervals(0.2).fit(y[cal], zero[cal], g).predict(zero[new]) for g in (None, group[cal])
        ]
        hits.append([covered(y[new], e)[0] for e in ends])
    by_row, by_patient = np.mean(hits, axis=0)
    assert by_patient + 3 * np.sqrt(0.16 / 500) >= 0.8
    assert by_row < 0.74


def test_weights_bring_the_promise_to_other_patients():
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(300):
        x = np.r_[rng.normal(size=200), rng.normal(1, 1, 100)]
        y, ratio = np.exp(x / 2) * rng.normal(size=300), np.exp(x - 0.5)
        zero = np.zeros(300)
        plain = ConformalIntervals(0.1).fit(y[:200], zero[:200]).predict(zero[200:])
        fitted = ConformalIntervals(0.1).fit(y[:200], zero[:200], weight=ratio[:200])
        weighted = fitted.predict(zero[200:], weight=ratio[200:])
        hits.append([covered(y[200:], e).mean() for e in (plain, weighted)])
    plain, weighted = np.mean(hits, axis=0)
    assert plain < 0.85
    assert weighted + 3 * np.std(hits, axis=0)[1] / np.sqrt(300) >= 0.9


def test_too_few_patients_give_infinite_intervals_and_that_is_said():
    y, mu, _ = drawn(np.random.default_rng(6), 8)
    made = ConformalIntervals(0.1).fit(y, mu)
    assert made.note_ == "8 calibration patients bound nothing: 9 are needed."
    assert made.predict([0.0]).tolist() == [[-np.inf, np.inf]]


def test_moving_and_stretching_the_labels_moves_and_stretches_the_intervals():
    rng = np.random.default_rng(7)
    y, mu, _ = drawn(rng, 40)
    before = mu.copy()
    a = ConformalIntervals().fit(y, mu).predict(mu)
    b = ConformalIntervals().fit(10 + 3 * y, 10 + 3 * mu).predict(10 + 3 * mu)
    np.testing.assert_allclose(b, 10 + 3 * a, atol=1e-12)
    np.testing.assert_array_equal(mu, before)


def test_bad_input_is_told_in_one_sentence():
    y, mu, sigma = drawn(np.random.default_rng(8), 20)
    fitted = ConformalIntervals().fit(y, mu)
    for match, call in {
        "the same": lambda: fitted.predict(mu, scale=sigma),
        "lower quantile is above": lambda: ConformalIntervals().fit(y, np.stack([mu, mu - 1], axis=1)),
        "'scale' must be above 0": lambda: ConformalIntervals().fit(y, mu, scale=np.zeros(20)),
        "one per row": lambda: ConformalIntervals().fit(y[:3], mu),
        "finite predictions and labels": lambda: ConformalIntervals().fit(np.r_[np.nan, y[1:]], mu),
        "finite values": lambda: ConformalIntervals().fit(y, np.r_[np.nan, mu[1:]]),
        "call fit": lambda: ConformalIntervals().predict(mu),
    }.items():
        with pytest.raises(MedgraftError, match=match):
            call()


@pytest.mark.parametrize("way", ["value", "scale", "quantiles"])
def test_intervals_read_back_are_the_same_to_the_last_bit(way):
    rng = np.random.default_rng(8)
    y, p = rng.normal(size=40), rng.normal(size=40)
    given = {"scale": np.exp(p)} if way == "scale" else {}
    p = np.stack([p, p + 1], axis=1) if way == "quantiles" else p
    fitted = ConformalIntervals(0.15).fit(y, p, **given)
    again = ConformalIntervals.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.predict(p, **given), fitted.predict(p, **given))
    with pytest.raises(MedgraftError, match="cannot be saved"):
        ConformalIntervals(0.15).fit(y, p, weight=np.ones(40), **given).to_dict()
