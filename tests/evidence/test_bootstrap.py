import math

import numpy as np
import pytest
from scipy import stats

from medgraft.base import MedgraftError
from medgraft.evidence import Scores, bootstrap
from medgraft.evidence.metrics import metrics


def repeated(metric="mae", seed=0, n=12, repeats=3):
    rng = np.random.default_rng(seed)
    group = np.tile(np.arange(n) // 2, repeats)
    repeat = np.repeat(np.arange(repeats), n)
    y = np.tile(rng.normal(size=n), repeats)
    return Scores.of(metrics[metric], y, y + rng.normal(size=len(y)), group=group, repeat=repeat)


def test_draws_are_resamples_with_replacement():
    drawn = bootstrap.counts(np.random.default_rng(0), 20, 5000)
    assert drawn.shape == (20, 5000)
    assert (drawn.sum(axis=0) == 20).all()
    # Multinomial: variance 1 - 1/n, covariance -1/n.
    np.testing.assert_allclose(drawn.mean(axis=1), 1, atol=0.08)
    np.testing.assert_allclose(drawn.var(axis=1), 0.95, atol=0.12)
    assert np.cov(drawn[0], drawn[1])[0, 1] == pytest.approx(-0.05, abs=0.06)


def test_draws_depend_on_the_seed_and_not_on_the_chunk():
    def all_draws(seed, chunk):
        parts = list(bootstrap.resamples(7, 3, 10, seed, chunk))
        return np.concatenate([g for _, g, _ in parts], axis=1), np.concatenate(
            [r for *_, r in parts], axis=1
        )

    groups, repeats = all_draws(5, 10)
    for chunk in (1, 3, 4):
        again = all_draws(5, chunk)
        np.testing.assert_array_equal(groups, again[0])
        np.testing.assert_array_equal(repeats, again[1])
    assert (all_draws(6, 10)[0] != groups).any()


def test_one_repeat_is_not_resampled():
    for _, _, picks in bootstrap.resamples(5, 1, 4, 0, 2):
        assert (picks == 1).all()


def test_each_draw_is_the_metric_of_the_patients_and_repeats_drawn():
    scores, metric = repeated(), metrics["mae"]
    value, draws, _ = bootstrap.replicate(metric, scores, [scores.p], n_boot=20, seed=3)
    _, patients, picks = next(iter(bootstrap.resamples(6, 3, 20, 3, 20)))
    for b in range(20):
        each = []
        for r in range(3):
            rows = [
                i
                for g in range(6)
                for i in np.flatnonzero((scores.group == g) & (scores.repeat == r))
                for _ in range(int(patients[g, b]))
            ]
            each += [np.abs(scores.y[rows] - scores.p[rows]).mean()] * int(picks[r, b])
        assert draws[0, b] == pytest.approx(np.mean(each), abs=1e-13)
    by_repeat = [np.abs(scores.y - scores.p)[scores.repeat == r].mean() for r in range(3)]
    assert value[0] == pytest.approx(np.mean(by_repeat), abs=1e-15)


def test_every_arm_sees_the_same_draws_whatever_its_company(monkeypatch):
    scores, metric = repeated(n=40), metrics["mae"]
    other = scores.p + 1
    both = bootstrap.replicate(metric, scores, [scores.p, other], n_boot=50, seed=1)[1]
    alone = bootstrap.replicate(metric, scores, [other], n_boot=50, seed=1)[1]
    np.testing.assert_array_equal(both[1], alone[0])
    monkeypatch.setattr(bootstrap, "CHUNK", 130)  # three draws at a time
    small = bootstrap.replicate(metric, scores, [scores.p, other], n_boot=50, seed=1)[1]
    np.testing.assert_allclose(small, both, atol=1e-14)


def test_a_repeat_without_the_metric_is_left_out_and_a_draw_without_it_is_nan():
    y = np.array([0, 1, 0, 0])  # the second repeat tests no event
    p = np.eye(2)[[0, 1, 0, 0]] * 0.8 + 0.1
    scores = Scores.of(metrics["auroc"], y, p, group=[0, 1, 0, 2], repeat=[0, 0, 1, 1])
    value, draws, _ = bootstrap.replicate(metrics["auroc"], scores, [scores.p], n_boot=200, seed=0)
    assert value[0] == 1
    known = np.isfinite(draws[0])
    assert (draws[0][known] == 1).all()
    assert 0 < known.mean() < 1


def test_the_tail_makes_the_bootstrap_of_a_mean_students_interval():
    x = np.random.default_rng(0).normal(size=8)
    half = bootstrap.tail(8, 0.95) * x.std() / math.sqrt(8)  # the bootstrap's spread divides by n, not n - 1
    expected = stats.t.interval(0.95, 7, x.mean(), x.std(ddof=1) / math.sqrt(8))
    assert (x.mean() - half, x.mean() + half) == pytest.approx(expected)
    assert bootstrap.tail(10**6, 0.95) == pytest.approx(1.96, abs=1e-3)


def test_percentiles_of_mirrored_draws_are_mirrored_exactly():
    draws = np.random.default_rng(0).normal(size=999) ** 3
    lo, hi = bootstrap.percentiles(draws, 30, 0.95)
    assert bootstrap.percentiles(-draws, 30, 0.95) == (-hi, -lo)
    assert lo < np.quantile(draws, 0.025) < np.quantile(draws, 0.975) < hi


def test_the_logit_interval_of_a_share_is_the_textbook_one():
    n, value = 100, 0.9
    draws = np.random.default_rng(0).binomial(n, value, 200_000) / n
    half = bootstrap.tail(n, 0.95) / math.sqrt(n * value * (1 - value))
    expected = [1 / (1 + math.exp(-(math.log(9) + s * half))) for s in (-1, 1)]
    np.testing.assert_allclose(bootstrap.logit_interval(value, draws, n, 0.95), expected, atol=1e-3)
    assert bootstrap.logit_interval(0.5, np.full(9, 0.5), 20, 0.95) == (0.5, 0.5)


def test_without_patients_there_is_no_interval():
    for ends in (bootstrap.percentiles, lambda d, n, level: bootstrap.logit_interval(0.5, d, n, level)):
        assert all(map(math.isnan, ends(np.arange(9.0), 1, 0.95)))
        assert all(map(math.isnan, ends(np.array([]), 9, 0.95)))


def test_the_rarest_class_limits_the_information():
    def n(metric, y):
        y = np.asarray(y)
        return bootstrap.informative(metrics[metric], Scores.of(metrics[metric], y, np.eye(3)[y]))

    assert n("accuracy", [0] * 44 + [1] * 6) == 50
    assert n("auroc", [0] * 10 + [1] * 10) == pytest.approx(19)  # Student's two-sample test: 18 degrees
    assert n("auroc", [0] * 10 + [1] * 10 + [2] * 10) == pytest.approx(28)  # three samples: 27
    assert n("auroc", [0] * 10_000 + [1] * 6) == pytest.approx(6, abs=0.02)  # one small sample: 5
    assert n("auroc", [0] * 9 + [1]) == 1


def test_fewer_than_two_draws_are_refused():
    scores = repeated()
    with pytest.raises(MedgraftError, match="at least 2 draws, not 1"):
        bootstrap.replicate(metrics["mae"], scores, [scores.p], n_boot=1, seed=0)


def test_few_repeats_limit_the_information_as_far_as_they_matter():
    draws = np.random.default_rng(0).normal(size=100_000)
    same, spread = np.zeros(5), np.array([-2.0, -1, 0, 1, 2])  # variance 2.5
    assert bootstrap.with_repeats(200, same, draws) == pytest.approx(200)
    assert bootstrap.with_repeats(200, spread[:1], draws) == 200
    all_of_it = bootstrap.with_repeats(200, spread, draws * math.sqrt(2.5 / 5))
    assert all_of_it == pytest.approx(5, abs=0.1)
    half_of_it = bootstrap.with_repeats(200, spread, draws)
    assert half_of_it == pytest.approx(1 + 1 / (0.25 / 199 + 0.25 / 4), rel=0.02)
