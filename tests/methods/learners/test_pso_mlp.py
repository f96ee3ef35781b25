"""Adam beside torch's own, the swarm beside loops, and what the swarm adds."""

from __future__ import annotations

import numpy as np
import torch

from medgraft.methods.learners.adam import Adam
from medgraft.methods.learners.pso_mlp import PSOMLPLearner, swarm


def test_steps_are_those_of_torchs_adam():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=7)
    other = torch.tensor(theta, requires_grad=True)
    torchs, rule = torch.optim.Adam([other], lr=0.03), Adam(0.03)
    for _ in range(25):
        gradient = rng.normal(size=7)
        other.grad = torch.from_numpy(gradient)
        torchs.step()
        theta = rule.step(theta, gradient)
    np.testing.assert_allclose(theta, other.detach().numpy(), rtol=1e-12)


def naive(X, judge, train, rounds, rng):
    """The study's equations element by element."""
    n, d = X.shape
    x, v = X.tolist(), [[0.0] * d for _ in range(n)]
    best, value = [row[:] for row in x], [judge(np.array(row)) for row in x]
    for _ in range(rounds):
        g = best[value.index(min(value))][:]
        r1, r2 = rng.random((n, d)), rng.random((n, d))
        for i in range(n):
            for j in range(d):
                move = (
                    0.7 * v[i][j]
                    + 1.5 * r1[i, j] * (best[i][j] - x[i][j])
                    + 1.5 * r2[i, j] * (g[j] - x[i][j])
                )
                v[i][j] = max(-0.5, min(0.5, move))
                x[i][j] += v[i][j]
            x[i] = train(i, np.array(x[i])).tolist()
        for i in range(n):
            if judge(np.array(x[i])) < value[i]:
                best[i], value[i] = x[i][:], judge(np.array(x[i]))
    return best[value.index(min(value))]


def test_the_swarm_moves_as_the_equations_say_and_leaves_its_start_alone():
    X = np.random.default_rng(1).normal(size=(4, 3)) * 2
    before = X.copy()

    def judge(x):
        return float(np.sum((x - 1) ** 2) + np.sin(5 * x).sum())

    def train(i, x):
        return x - 0.01 * (i + 1) * (x - 1)

    got, losses = swarm(X, judge, train, 6, np.random.default_rng(2))
    np.testing.assert_allclose(got, naive(X, judge, train, 6, np.random.default_rng(2)), rtol=1e-10)
    np.testing.assert_array_equal(X, before)
    assert losses[-1] == judge(got) and (np.diff(losses) <= 0).all()


def test_without_rounds_the_best_of_the_networks_that_never_met_is_kept():
    X = np.random.default_rng(1).normal(size=(4, 3))
    got, losses = swarm(X, lambda x: float(x @ x), lambda i, x: x / 0, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(got, X[np.argmin((X**2).sum(axis=1))])
    assert losses == [float((X**2).sum(axis=1).min())]


def test_the_weights_that_are_kept_are_none_that_adam_alone_reached_and_judge_better():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(150, 3))
    y = X[:, 0] * X[:, 1] > 0
    both = PSOMLPLearner(epochs=3, rounds=12, random_state=4).fit(X, y)
    alone = PSOMLPLearner(epochs=3, rounds=0, random_state=4).fit(X, y)
    assert both.losses_[0] == alone.losses_[0]  # the same networks, until they meet
    assert both.losses_[-1] < alone.losses_[-1] and np.abs(both.theta_ - alone.theta_).max() > 0.1


def test_patients_held_out_judge_and_teach_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(80, 3)), np.repeat(np.arange(20), 4)
    y = X[:, 0] > 0
    taught = []
    passes = PSOMLPLearner._passes

    def watch(self, net, theta, lesson, *rest):
        taught.append(lesson)
        return passes(self, net, theta, lesson, *rest)

    monkeypatch.setattr(PSOMLPLearner, "_passes", watch)
    PSOMLPLearner(epochs=1, rounds=1).fit(X, y, groups=groups)
    assert {len(lesson.y) for lesson in taught} == {64}
    for lesson in taught:
        assert (np.bincount(lesson.units)[np.unique(lesson.units)] == 4).all()  # patients are whole
