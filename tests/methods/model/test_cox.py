"""Cox regression with transfer: numerical derivatives, likelihoods by hand, strata, both ends of the pull."""

import numpy as np
import pandas as pd
import pytest

from medgraft.methods.model.cox import CoxTransfer, Stratum, breslow, concordance, newton, objective
from medgraft.methods.table import InputError


def patients(n=80, p=3, seed=0, beta=(1.0, -0.5, 0.0), ties=True):
    r = np.random.default_rng(seed)
    Z = r.normal(size=(n, p))
    time = r.exponential(np.exp(-Z @ np.array(beta)))
    end = r.exponential(1.5, n)
    event = time <= end
    time = np.minimum(time, end)
    return Z, np.ceil(time * 10) / 10 if ties else time, event


def test_gradient_and_hessian_are_the_numerical_ones():
    strata = [Stratum(*patients(seed=s)) for s in (0, 1)]
    b, centre = np.array([0.3, -0.2, 0.1]), np.array([1.0, 0.0, -1.0])
    _, slope, curve = objective(strata, b, centre, 0.7)
    for j in range(3):
        e = 1e-5 * np.eye(3)[j]
        up, down = objective(strata, b + e, centre, 0.7), objective(strata, b - e, centre, 0.7)
        assert (up[0] - down[0]) / 2e-5 == pytest.approx(slope[j], abs=1e-6)
        np.testing.assert_allclose((up[1] - down[1]) / 2e-5, curve[j], atol=1e-5)


def test_the_likelihood_of_four_patients_by_hand():
    # Events of x=1 at 1 and, tied, of x=0 and x=2 at 2; x=1 is cut off at 3. With u = exp(beta):
    Z, time = np.array([[1.0], [0.0], [2.0], [1.0]]), np.array([1.0, 2.0, 2.0, 3.0])
    s = Stratum(Z, time, np.array([True, True, True, False]))
    for beta in (0.0, 0.4, -1.0):
        u = np.exp(beta)
        all_four, rest, tied = 2 * u + 1 + u**2, 1 + u**2 + u, 1 + u**2
        expected = np.log(all_four) + np.log(rest) + np.log(rest - tied / 2) - beta * (1 + 0 + 2)
        assert s.loss(np.array([beta])) == pytest.approx(expected, rel=1e-12)


def test_a_stratified_fit_is_the_sum_of_its_strata():
    a, b = (Stratum(*patients(seed=s)) for s in (0, 1))
    beta, zero = np.array([0.2, 0.1, -0.3]), np.zeros(3)
    both = objective([a, b], beta, zero, 0.0)
    for one, two, total in zip(
        objective([a], beta, zero, 0.0), objective([b], beta, zero, 0.0), both, strict=True
    ):
        np.testing.assert_allclose(one + two, total, rtol=1e-12)
    best = newton([a, b], zero, 0.5)
    np.testing.assert_allclose(objective([a, b], best, zero, 0.5)[1], 0.0, atol=1e-7)
    # Times of one stratum may be in another unit: only their order counts.
    np.testing.assert_allclose(newton([a, Stratum(b.Z, 7 * b.time, b.event)], zero, 0.5), best, rtol=1e-9)


def two_sites():
    Z, time, event = (
        np.concatenate(x) for x in zip(patients(200), patients(60, seed=1, beta=(0.2, 0.8, 0.0)), strict=True)
    )
    return Z, time, event, np.repeat(["a", "here"], [200, 60])


def test_a_huge_pull_keeps_the_sources_coefficients_and_none_fits_the_target_alone():
    Z, time, event, site = two_sites()
    kept = CoxTransfer(penalty=np.inf).fit(Z, time, event, domain=site, target="here")
    np.testing.assert_array_equal(kept.coef_, kept.source_coef_)
    near = CoxTransfer(penalty=1e9).fit(Z, time, event, domain=site, target="here")
    np.testing.assert_allclose(near.coef_, kept.source_coef_, atol=1e-6)
    free = CoxTransfer(penalty=0.0).fit(Z, time, event, domain=site, target="here")
    here = site == "here"
    alone = newton([Stratum(free.encoder_.transform(Z[here]), time[here], event[here])], np.zeros(3), 0.0)
    np.testing.assert_allclose(free.coef_, alone, atol=1e-6)


def test_the_chosen_pull_has_the_largest_cross_validated_likelihood_and_follows_the_data():
    Z, time, event, site = two_sites()
    other = CoxTransfer().fit(Z, time, event, domain=site, target="here")
    Z2, t2, e2 = patients(60, seed=2)
    Z[200:], time[200:], event[200:] = Z2, t2, e2
    alike = CoxTransfer().fit(Z, time, event, domain=site, target="here")
    assert alike.penalty_ > other.penalty_


def test_the_baseline_without_slopes_is_the_nelson_aalen_estimate():
    time, event = np.array([1.0, 2.0, 2.0, 3.0, 5.0]), np.array([True, True, True, False, True])
    times, hazard = breslow(Stratum(np.zeros((5, 1)), time, event), np.zeros(1))
    assert times.tolist() == [1, 2, 5]
    np.testing.assert_allclose(hazard, [1 / 5, 1 / 5 + 2 / 4, 1 / 5 + 2 / 4 + 1])


def test_survival_starts_at_one_falls_and_follows_the_true_curve():
    Z, time, event = patients(3000, ties=False)
    m = CoxTransfer(penalty=0.0).fit(Z, time, event)
    assert "no source" in m.note_
    new = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    s = m.predict_survival(new, [0.0, 0.2, 0.5, 1.0])
    assert (s[:, 0] == 1).all() and (np.diff(s, axis=1) < 0).all()
    t = np.array([0.2, 0.5, 1.0])
    np.testing.assert_allclose(s[0, 1:], np.exp(-t), atol=0.04)
    np.testing.assert_allclose(s[1, 1:], np.exp(-t * np.e), atol=0.04)


def test_concordance_is_that_of_a_double_loop():
    _, time, event = patients(60)
    risk = np.random.default_rng(0).integers(0, 5, 60)
    right = pairs = 0.0
    for i in range(60):
        for j in range(60):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    assert concordance(time, event, risk) == pytest.approx(right / pairs, rel=1e-12)
    assert np.isnan(concordance([1.0, 2.0], [False, False], [0, 0]))


def test_words_gaps_and_the_order_of_rows_are_no_obstacle():
    Z, time, event, site = two_sites()
    X = pd.DataFrame(Z, columns=["a", "b", "c"]).assign(sex=np.where(Z[:, 2] > 0, "f", "m"))
    X.loc[::7, "a"] = np.nan
    m = CoxTransfer().fit(X, time, event, domain=site, target="here")
    p = np.random.default_rng(0).permutation(len(X))
    n = CoxTransfer().fit(X.iloc[p], time[p], event[p], domain=site[p], target="here")
    np.testing.assert_allclose(m.predict_risk(X), n.predict_risk(X), atol=1e-6)


def test_a_target_without_events_keeps_the_source_and_mistakes_are_said():
    Z, time, event, site = two_sites()
    m = CoxTransfer().fit(Z, time, event & (site == "a"), domain=site, target="here")
    assert "no event" in m.note_
    np.testing.assert_array_equal(m.coef_, m.source_coef_)
    for bad in ({"time": -time, "event": event}, {"time": time, "event": time}):
        with pytest.raises(InputError):
            CoxTransfer().fit(Z, **bad)
    with pytest.raises(InputError, match="target"):
        CoxTransfer().fit(Z, time, event, domain=site)
    with pytest.raises(InputError, match="event"):
        CoxTransfer().fit(Z, time, np.zeros(len(time), dtype=bool))
