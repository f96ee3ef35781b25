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


def crossed_mean(values, n_boot=20_000):
    """The mean of a table of patients x repeats, all above 0, as the MAE of predictions for labels of 0."""
    patients, repeats = values.shape
    group, repeat = np.tile(np.arange(patients), repeats), np.repeat(np.arange(repeats), patients)
    scores = Scores.of(metrics["mae"], np.zeros(values.size), values.T.ravel(), group=group, repeat=repeat)
    made = bootstrap.replicate(metrics["mae"], scores, [scores.p], n_boot=n_boot, seed=0)
    draws, n = bootstrap.crossed(made.draws[0], made.by_repeat[0], patients)
    return draws, n, made.draws[0]


def mean_squares(values):
    """Fisher's, of patients, of repeats and of the rest, each for one cell of the table."""
    g, r = values.shape
    rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    rest = ((values - rows - columns + values.mean()) ** 2).sum() / ((g - 1) * (r - 1))
    return r * rows.var(ddof=1), g * columns.var(ddof=1), rest


@pytest.mark.parametrize("luck", [0.0, 0.4, 3.0])
def test_patients_and_repeats_have_the_variance_that_analysis_of_variance_gives(luck):
    rng = np.random.default_rng(1)
    values = 20 + rng.normal(size=(40, 1)) + luck * rng.normal(size=(1, 6)) + 2 * rng.normal(size=(40, 6))
    of_patients, of_repeats, rest = mean_squares(values)
    draws, n, _ = crossed_mean(values)
    own = max(0.0, of_repeats - rest)
    assert n / (n - 1) * draws.var() == pytest.approx((of_patients + own) / values.size, rel=0.05)
    if own == 0:
        assert n == 40
    else:
        both = of_patients**2 / 39 + of_repeats**2 / 5
        assert n - 1 == pytest.approx((of_patients + own) ** 2 / both, rel=0.1)


def test_draws_count_luck_in_single_cells_three_times_and_crossed_ones_about_once():
    rng, made = np.random.default_rng(0), []
    for _ in range(60):  # neither patients nor repeats differ: the mean of 30 x 8 has a variance of 1 / 240
        draws, n, raw = crossed_mean(20 + rng.normal(size=(30, 8)), 400)
        made.append((240 * raw.var(), 240 * n / (n - 1) * draws.var()))
    three, one = np.mean(made, axis=0)
    assert three == pytest.approx(3, rel=0.1)
    # Nothing is known below what patients show: half of the time repeats seem to add, by a fifth on average.
    assert 1 < one < 1.4


def test_few_repeats_limit_the_information_as_far_as_they_matter():
    whole = 20 + np.array([[-2.0, -1, 0, 1, 2]]) + np.zeros((30, 1))  # the same for every patient
    assert crossed_mean(whole, 2000)[1] == pytest.approx(5)
    none = 20 + np.linspace(0, 1, 30)[:, None] + np.zeros((1, 5))
    draws, n, raw = crossed_mean(none, 2000)
    assert n == 30
    np.testing.assert_allclose(draws, raw)


@pytest.mark.parametrize("repeats", [2, 3, 4])
def test_few_repeats_count_only_where_they_differ_by_more_than_patients_explain(repeats):
    rng = np.random.default_rng(2)
    kept = []
    for _ in range(100):  # only what is peculiar to a patient in a repeat
        kept.append(crossed_mean(20 + rng.normal(size=(30, repeats)), 200)[1] < 30)
    assert 0 < np.mean(kept) < 0.14  # 5 % are expected
    luck = np.linspace(-1, 1, repeats)[None, :]
    assert crossed_mean(20 + luck + 0.1 * rng.normal(size=(30, repeats)), 2000)[1] < repeats + 0.5


def test_one_repeat_leaves_the_draws_as_they_are():
    draws, n, raw = crossed_mean(20 + np.random.default_rng(0).normal(size=(30, 1)), 100)
    assert n == 30
    np.testing.assert_array_equal(draws, raw)


def test_crossed_draws_of_mirrored_differences_are_mirrored_exactly():
    rng = np.random.default_rng(0)
    draws, by_repeat = rng.normal(size=200), rng.normal(size=(6, 201))
    a, n = bootstrap.crossed(draws, by_repeat, 30)
    b, m = bootstrap.crossed(-draws, -by_repeat, 30)
    assert n == m
    np.testing.assert_array_equal(a, -b)
