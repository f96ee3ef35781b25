"""Each step of MUGS against the whole problem written out and solved by others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from medgraft.methods.records.alternate import alternate, objective
from medgraft.methods.records.effects import Effects, Layout, shrunk

D = 3


def layout(ridge=5.0, site_penalty=4.0):
    codes = [np.array([0, 1, 2, 3, 4, 5]), np.array([7, 5, 3, 1]), np.array([6, 1, 5, 8])]
    return Layout.of(codes, np.array([0, 0, 1, 1, 2, 2, 0, 1, 2]), D, ridge, site_penalty)


def effects(seed=0, free=True):
    rng = np.random.default_rng(seed)
    sites = [rng.normal(size=(n, D)) for n in (6, 4, 4)]
    if not free:
        sites = [0 * v for v in sites]
    for s, alone in ((0, [0, 2, 4]), (1, [0]), (2, [0, 3])):
        sites[s][alone] = 0  # codes of one site
    return Effects(rng.normal(size=(3, D)), rng.normal(size=(9, D)), sites)


def matrices(seed=1):
    rng = np.random.default_rng(seed)
    return [M + M.T for M in (rng.normal(size=(n, n)) for n in (6, 4, 4))]


def half(S, U, ties):
    A = np.stack([u.T @ u + tie * np.eye(D) for u, tie in zip(U, ties, strict=True)])
    return A, [M.T @ u + tie * u for M, u, tie in zip(S, U, ties, strict=True)]


TIES = np.array([0.5, 1.0, 2.0])


def by_hand(S, left, right, plan, ridge, site_penalty):
    """The objective in loops, from the words of `MUGS`."""
    sizes = [6, 4, 4]
    total = 0.0
    for side in (left, right):
        for i in range(9):
            n = sum(size for size, here in zip(sizes, plan.codes, strict=True) if i in here)
            total += ridge * np.sqrt(np.log(D) / n) * np.sum(side.code[i] ** 2)
        for s, size in enumerate(sizes):
            for own in side.site[s]:
                total += site_penalty * np.sqrt(np.log(D) / size) * np.sqrt(np.sum(own**2))
    for s, here in enumerate(plan.codes):
        rows = []
        for side in (left, right):
            rows.append(
                [side.group[plan.group[i]] + side.code[i] + side.site[s][r] for r, i in enumerate(here)]
            )
        for a in range(sizes[s]):
            total += TIES[s] * np.sum((rows[0][a] - rows[1][a]) ** 2)
            for b in range(sizes[s]):
                total += (S[s][a, b] - rows[0][a] @ rows[1][b]) ** 2
    return total / (36 + 16 + 16)


def test_the_objective_is_the_one_in_words():
    plan, S, left, right = layout(), matrices(), effects(2), effects(3)
    assert objective(S, left, right, plan, TIES) == pytest.approx(by_hand(S, left, right, plan, 5.0, 4.0))


def test_group_and_code_effects_are_the_joint_optimum():
    plan, S, fixed, moved = layout(), matrices(), effects(2), effects(3)
    A, b = half(S, fixed.rows(plan), TIES)
    before = objective(S, fixed, moved, plan, TIES)

    def value(flat):
        x = flat.reshape(12, D)
        return objective(S, fixed, Effects(x[:3], x[3:], moved.site), plan, TIES)

    best = minimize(value, np.zeros(12 * D), method="BFGS", options={"gtol": 1e-9}).x.reshape(12, D)
    moved.fit_shared(A, b, plan)
    np.testing.assert_allclose(moved.group, best[:3], atol=1e-5)
    np.testing.assert_allclose(moved.code, best[3:], atol=1e-5)
    assert objective(S, fixed, moved, plan, TIES) < before


@pytest.mark.parametrize("site_penalty", [0.0, 3.0, 30.0])
def test_site_effects_are_the_optimum_and_only_codes_of_several_sites_have_them(site_penalty):
    plan, S, fixed, moved = layout(site_penalty=site_penalty), matrices(), effects(2), effects(3)
    A, b = half(S, fixed.rows(plan), TIES)
    moved.fit_sites(A, b, plan)
    found = objective(S, fixed, moved, plan, TIES)
    rng = np.random.default_rng(0)
    seen = [set(here) for here in plan.codes]
    for s, here in enumerate(plan.codes):
        for r, i in enumerate(here):
            if sum(i in other for other in seen) < 2:
                assert not moved.site[s][r].any()
                continue
            for size in (1e-3, 1e-1, 1.0):  # convex: no step in any direction may be better
                for _ in range(10):
                    other = moved.copy()
                    other.site[s][r] += size * rng.normal(size=D)
                    assert objective(S, fixed, other, plan, TIES) >= found - 1e-12


def test_an_endless_site_penalty_allows_none():
    plan, moved = layout(site_penalty=np.inf), effects(3)
    moved.fit_sites(*half(matrices(), effects(2, free=False).rows(plan), TIES), plan)
    assert not any(v.any() for v in moved.site)
    assert np.isfinite(moved.penalty(plan))


@pytest.mark.parametrize("kappa", [1e-6, 0.5, 5.0, 50.0])
def test_a_shrunk_vector_has_a_subgradient_of_zero(kappa):
    rng = np.random.default_rng(0)
    B = rng.normal(size=(6, 4)) * [100.0, 1.0, 0.1, 0.01]
    A, r = B.T @ B, rng.normal(size=(50, 4)) @ (B.T @ B)
    v = shrunk(A, r, kappa)
    length = np.linalg.norm(v, axis=1)
    zero = length == 0
    assert (2 * np.linalg.norm(r[zero], axis=1) <= kappa).all()
    rest = 2 * (v @ A - r) + kappa * np.divide(v, length[:, None], out=np.zeros_like(v), where=~zero[:, None])
    np.testing.assert_allclose(rest[~zero], 0.0, atol=1e-7 * np.abs(r).max())
    assert (~zero).any()


def test_a_vector_as_short_as_the_penalty_allows_is_nothing():
    r = np.array([[3.0, 4.0]])
    assert not shrunk(np.eye(2), r, 10.0).any()
    assert shrunk(np.eye(2), r, 9.99).any()


def test_splitting_embeddings_takes_means_and_loses_nothing():
    plan = layout()
    rng = np.random.default_rng(5)
    E = [rng.normal(size=(n, D)) for n in (6, 4, 4)]
    found = Effects.split(E, plan)
    for a, b in zip(found.rows(plan), E, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(found.group[2], np.mean([E[0][4], E[0][5], E[1][1], E[2][2], E[2][3]], axis=0))
    np.testing.assert_allclose(found.code[3] + found.group[1], (E[0][3] + E[1][2]) / 2)
    assert not found.site[1][0].any()  # code 7 is at this site alone


@pytest.mark.parametrize("hide", [False, True])
def test_the_objective_falls_at_each_step(hide):
    plan, S, start = layout(), matrices(), effects(4)
    hidden = None
    if hide:
        hidden = [np.zeros(M.shape, dtype=bool) for M in S]
        hidden[0][1, 3] = hidden[0][3, 1] = hidden[2][0, 1] = hidden[2][1, 0] = True
    fit = alternate(S, start, plan, TIES, tol=1e-10, max_iter=500, hidden=hidden)
    assert len(fit.losses) > 20 and fit.converged
    assert (np.diff(fit.losses) <= 1e-12).all()
    assert fit.losses[0] < objective(S, start, start, plan, TIES)
    if not hide:
        assert fit.losses[-1] == pytest.approx(objective(S, fit.left, fit.right, plan, TIES))


def test_what_is_hidden_is_never_read():
    plan, S, start = layout(), matrices(), effects(4)
    hidden = [np.zeros(M.shape, dtype=bool) for M in S]
    hidden[1][0, 2] = hidden[1][2, 0] = True
    other = [M.copy() for M in S]
    other[1][hidden[1]] = 1e6
    a, b = (alternate(M, start, plan, TIES, tol=1e-8, max_iter=50, hidden=hidden) for M in (S, other))
    assert a.losses == b.losses
    np.testing.assert_array_equal(a.left.group, b.left.group)


def test_without_a_tie_code_effects_cost_nothing_and_with_it_they_do():
    """Why the objective has a tie: one side holds the code effects and shrinks, the other one grows."""
    plan, left = layout(), effects(2, free=False)
    right = Effects(effects(3).group, np.zeros((9, D)), [0 * v for v in left.site])
    S = [U @ V.T for U, V in zip(left.rows(plan), right.rows(plan), strict=True)]

    def scaled(c, ties):
        small = Effects(c * left.group, c * left.code, left.site)
        large = Effects(right.group / c, right.code, right.site)
        return objective(S, small, large, plan, ties)

    none = np.zeros(3)
    assert scaled(1e-6, none) == pytest.approx(1e-12 * scaled(1.0, none))
    assert scaled(1e-6, TIES) > scaled(1.0, TIES) > scaled(1.0, none)
