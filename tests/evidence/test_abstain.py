import numpy as np
import pytest
from scipy.stats import entropy

from medgraft.base import MedgraftError
from medgraft.evidence.abstain import disagreement, risk_coverage


def drawn(n=80, seed=0):
    rng = np.random.default_rng(seed)
    doubt = np.round(rng.random(n), 1)  # with ties
    return (rng.random(n) < doubt).astype(float), doubt


def test_the_curve_and_its_area_are_means_over_the_surest():
    loss, doubt = drawn()
    made = risk_coverage(loss, doubt, n_boot=10)
    steps = np.unique(doubt)
    np.testing.assert_allclose(made.coverage, [(doubt <= t).mean() for t in steps])
    np.testing.assert_allclose(made.risk, [loss[doubt <= t].mean() for t in steps])
    assert made.aurc.value == pytest.approx(np.mean([loss[doubt <= u].mean() for u in doubt]), abs=1e-12)


def test_the_curve_ends_at_the_mean_loss_of_all():
    loss, doubt = drawn()
    made = risk_coverage(loss, doubt, n_boot=10)
    assert made.coverage[-1] == 1
    assert made.risk[-1] == pytest.approx(loss.mean())


def test_only_the_order_of_the_uncertainty_counts_and_not_that_of_the_rows():
    loss, doubt = drawn()
    i = np.random.default_rng(1).permutation(80)
    a, b = risk_coverage(loss, doubt, n_boot=10), risk_coverage(loss[i], np.exp(doubt[i]), n_boot=10)
    np.testing.assert_allclose(a.risk, b.risk)
    assert a.aurc.value == pytest.approx(b.aurc.value)


def test_uncertainty_that_says_nothing_has_the_mean_loss_as_its_area():
    loss, _ = drawn()
    made = risk_coverage(loss, np.zeros(80), n_boot=500)
    assert made.aurc.value == pytest.approx(loss.mean())
    assert made.aurc.lo < loss.mean() < made.aurc.hi


def test_knowing_the_errors_makes_the_least_area_and_their_reverse_the_largest():
    loss, doubt = drawn()
    areas = [risk_coverage(loss, u, n_boot=10).aurc.value for u in (loss, doubt, -loss)]
    assert areas == sorted(areas)
    assert areas[0] < areas[1] < areas[2]


def test_repeated_rows_of_a_patient_are_worth_no_more_than_one():
    loss, doubt = drawn(40)
    one = risk_coverage(loss, doubt, n_boot=300).aurc
    i = np.repeat(np.arange(40), 5)
    many = risk_coverage(loss[i], doubt[i], group=i, n_boot=300).aurc
    assert (many.value, many.lo, many.hi) == pytest.approx((one.value, one.lo, one.hi), abs=1e-12)
    assert "One patient" in risk_coverage(loss, doubt, group=np.zeros(40), n_boot=10).aurc.note


@pytest.mark.slow
def test_nineteen_of_twenty_intervals_hold_the_area():
    rng = np.random.default_rng(2)
    u = np.linspace(0, 1, 200_001)[1:]
    truth = (u / 2).mean()  # risk at share c of doubt uniform, loss Bernoulli(doubt): c / 2
    inside = []
    for _ in range(1000):
        doubt = rng.random(100)
        made = risk_coverage((rng.random(100) < doubt).astype(float), doubt, n_boot=400).aurc
        inside.append(made.lo <= truth <= made.hi)
    assert abs(np.mean(inside) - 0.95) < 0.025


def test_total_uncertainty_is_doubt_plus_disagreement():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(4), (5, 30))
    made = disagreement(p)
    mean = p.mean(axis=0)
    np.testing.assert_allclose(made.total, entropy(mean, axis=1))
    np.testing.assert_allclose(made.aleatoric, entropy(p, axis=2).mean(axis=0))
    divergence = entropy(p, np.broadcast_to(mean, p.shape), axis=2).mean(axis=0)
    np.testing.assert_allclose(made.epistemic, divergence, atol=1e-12)


def test_members_that_agree_do_not_disagree_and_their_order_does_not_matter():
    rng = np.random.default_rng(4)
    one = rng.dirichlet(np.ones(3), (1, 20))
    np.testing.assert_allclose(disagreement(np.repeat(one, 4, axis=0)).epistemic, 0, atol=1e-12)
    p = rng.dirichlet(np.ones(3), (4, 20))
    for a, b in zip(disagreement(p), disagreement(p[::-1, :, [2, 0, 1]]), strict=True):
        np.testing.assert_allclose(a, b)


def test_bad_input_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="one per row"):
        risk_coverage([0, 1], [0.5])
    with pytest.raises(MedgraftError, match="must be finite"):
        risk_coverage([0, np.nan], [0.5, 0.5])
    with pytest.raises(MedgraftError, match="'group' has shape"):
        risk_coverage([0, 1], [0.5, 0.5], group=[1])
    with pytest.raises(MedgraftError, match=r"\(M, n, K\)"):
        disagreement([[0.5, 0.5]])
    with pytest.raises(MedgraftError, match="sum to 1"):
        disagreement([[[0.5, 0.6]]])
