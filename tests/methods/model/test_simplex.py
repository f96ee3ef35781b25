"""Weights on the simplex: the optimum's conditions, a general solver, hand-computed cases."""

import numpy as np
import pytest
from scipy.optimize import minimize

from medgraft.methods.model.simplex import simplex_weights

rng = np.random.default_rng(0)


def matrices(n, m, rank):
    A = rng.normal(size=(n, rank, m)) + 2.0 * rng.normal(size=(n, rank, 1))
    return A.transpose(0, 2, 1) @ A / rank


@pytest.mark.parametrize(("m", "rank"), [(2, 9), (4, 9), (7, 20), (7, 3)])
def test_the_conditions_of_the_optimum_hold(m, rank):
    R = matrices(200, m, rank)
    w = simplex_weights(R)
    assert (w >= 0).all()
    np.testing.assert_allclose(w.sum(axis=1), 1.0, rtol=1e-12)
    slope = np.einsum("nij,nj->ni", R, w)
    level = (slope * w).sum(axis=1, keepdims=True)
    scale = np.trace(R, axis1=1, axis2=2)[:, None]
    assert (np.abs(slope - level)[w > 1e-9] <= (1e-7 * scale + 0 * slope)[w > 1e-9]).all()
    assert (slope - level >= -1e-7 * scale).all()


def test_a_general_solver_finds_nothing_better():
    R = matrices(20, 5, 12)
    for A, w in zip(R, simplex_weights(R), strict=True):
        other = minimize(
            lambda v, A=A: v @ A @ v,
            np.full(5, 0.2),
            jac=lambda v, A=A: 2 * A @ v,
            bounds=[(0, 1)] * 5,
            constraints={"type": "eq", "fun": lambda v: v.sum() - 1, "jac": lambda v: np.ones(5)},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert w @ A @ w <= other.fun * (1 + 1e-9)
        np.testing.assert_allclose(w, other.x, atol=1e-5)


def test_hand_computed_weights():
    # Independent errors: inverse variances. A forest that another one contains with less error: nothing.
    np.testing.assert_allclose(simplex_weights(np.diag([1.0, 2.0, 4.0])[None])[0], np.array([4, 2, 1]) / 7)
    np.testing.assert_allclose(simplex_weights(np.array([[[1.0, 1.5], [1.5, 4.0]]]))[0], [1, 0])
    np.testing.assert_allclose(simplex_weights(np.ones((1, 3, 3)))[0], np.full(3, 1 / 3))
    np.testing.assert_allclose(simplex_weights(np.zeros((1, 2, 2)))[0], [0.5, 0.5])


def test_each_problem_is_solved_as_if_alone():
    R = matrices(50, 4, 6)
    one = np.concatenate([simplex_weights(r[None]) for r in R])
    np.testing.assert_allclose(simplex_weights(R), one, rtol=1e-12)
