"""The update equations of the papers, written once more element by element."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medgraft.search import Float, Space, searches
from medgraft.search.firefly import move
from medgraft.search.slime_mould import creep, veins
from medgraft.search.swarm import FASTEST, constriction, reflect, velocity

PLANE = Space({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})


def bowl(v):
    return (v["x"] - 0.3) ** 2 + 2 * (v["y"] - 0.6) ** 2


def test_the_constriction_factor_is_that_of_the_paper():
    assert abs(constriction(4.1) - 0.729843788) < 1e-8
    phi = 4.5
    assert constriction(phi) == pytest.approx(2 / abs(2 - phi - math.sqrt(phi * phi - 4 * phi)))


def test_a_velocity_is_the_sum_of_three_pulls():
    rng = np.random.default_rng(0)
    V, X, own, r1, r2 = rng.random((5, 4, 3))
    best = rng.random(3)
    got = velocity(V, X, own, best, (r1, r2), 0.7, 1.5)
    for i in range(4):
        for j in range(3):
            cognitive = 1.5 * r1[i, j] * (own[i, j] - X[i, j])
            social = 1.5 * r2[i, j] * (best[j] - X[i, j])
            assert got[i, j] == pytest.approx(0.7 * V[i, j] + cognitive + social)


def test_a_wall_stops_a_particle():
    X, V = reflect(np.array([[1.2, 0.5, -0.1]]), np.array([[0.3, 0.2, -0.4]]))
    np.testing.assert_allclose(X, [[1.0, 0.5, 0.0]])
    np.testing.assert_allclose(V, [[0.0, 0.2, 0.0]])


@pytest.mark.parametrize("name", ["pso", "pso-constriction"])
def test_the_first_generation_of_a_swarm_is_the_naive_one(name):
    budget, n = 48, 12
    found = searches[name].minimise(bowl, PLANE, budget=budget, seed=5)
    got = np.array([[v["x"], v["y"]] for v, _ in found.history])
    rng = np.random.default_rng(5)
    X = rng.random((n, 2))
    V = (rng.random((n, 2)) - 0.5) * FASTEST
    r1, r2 = rng.random((n, 2)), rng.random((n, 2))
    np.testing.assert_allclose(got[:n], X)
    g = X[np.argmin([bowl({"x": a, "y": b}) for a, b in X])]
    w = 0.9 + n / budget * (0.4 - 0.9)
    for i in range(n):
        for j in range(2):
            if name == "pso":  # own best is where the particle stands
                v = w * V[i, j] + 2.0 * r2[i, j] * (g[j] - X[i, j])
            else:
                v = constriction(4.1) * (V[i, j] + 2.05 * r2[i, j] * (g[j] - X[i, j]))
            v = min(max(v, -FASTEST), FASTEST)
            assert got[n + i, j] == pytest.approx(min(max(X[i, j] + v, 0), 1))
    assert r1.shape == r2.shape


def test_a_firefly_moves_by_the_fading_light_of_the_other():
    x, z, e = np.array([0.2, 0.4]), np.array([0.6, 0.1]), np.array([0.05, -0.02])
    light = math.exp(-0.7 * (0.4**2 + 0.3**2))
    expected = [0.2 + light * 0.4 + 0.05, 0.4 - light * 0.3 - 0.02]
    np.testing.assert_allclose(move(x, z, e, 0.7), expected)


def test_the_first_flight_of_the_fireflies_is_the_naive_one():
    found = searches["firefly"].minimise(bowl, PLANE, budget=14, seed=2)
    got = np.array([[v["x"], v["y"]] for v, _ in found.history])
    rng = np.random.default_rng(2)
    X = [list(row) for row in rng.random((8, 2))]
    light = [bowl({"x": a, "y": b}) for a, b in X]
    seen = [list(row) for row in X]
    for i in range(8):
        moved = False
        for j in range(8):
            if light[j] < light[i]:
                u = rng.random(2)
                far = sum((X[i][k] - X[j][k]) ** 2 for k in (0, 1))
                for k in (0, 1):
                    new = X[i][k] + math.exp(-far / 2) * (X[j][k] - X[i][k]) + 0.25 * (u[k] - 0.5)
                    X[i][k] = min(max(new, 0.0), 1.0)
                light[i], moved = bowl({"x": X[i][0], "y": X[i][1]}), True
                seen.append(list(X[i]))
        if not moved:
            u = rng.random(2)
            tried = [min(max(X[i][k] + 0.25 * (u[k] - 0.5), 0.0), 1.0) for k in (0, 1)]
            seen.append(tried)
            if bowl({"x": tried[0], "y": tried[1]}) < light[i]:
                X[i], light[i] = tried, bowl({"x": tried[0], "y": tried[1]})
    np.testing.assert_allclose(got, seen[:14])


def test_the_veins_of_the_better_half_thicken_and_those_of_the_worse_thin():
    S, r = np.array([1.0, 2.0, 4.0, 5.0]), np.full((4, 1), 0.5)
    share = [math.log10((S[0] - v) / (S[0] - S[3]) + 1) for v in S]
    expected = [1 + 0.5 * share[0], 1 + 0.5 * share[1], 1 - 0.5 * share[2], 1 - 0.5 * share[3]]
    np.testing.assert_allclose(veins(S, r)[:, 0], expected)
    assert np.isfinite(veins(np.array([1.0, 2.0, np.inf]), np.ones((3, 2)))).all()
    np.testing.assert_allclose(veins(np.full(3, np.inf), np.ones((3, 2))), 1.0)


def test_a_mould_creeps_to_the_best_or_shrinks_to_the_middle():
    rng = np.random.default_rng(0)
    x, best, A, B, W, vb, vc = rng.random((7, 5))
    near = np.array([True, False, True, False, True])
    got = creep(x, best, (A, B), W, (vb, vc), near)
    for j in range(5):
        if near[j]:
            new = (best[j] - 0.5) + vb[j] * (W[j] * (A[j] - 0.5) - (B[j] - 0.5))
        else:
            new = vc[j] * (x[j] - 0.5)
        assert got[j] == pytest.approx(min(max(new + 0.5, 0.0), 1.0))
