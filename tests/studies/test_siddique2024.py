"""The heads of study 59: they meet as a swarm, and end where Adam alone does not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learners.pso_mlp import PSOMLPLearner
from planned import planned


@pytest.fixture(autouse=True)
def _no_result(monkeypatch):
    """Nothing runs here, so that there is no result to choose from."""
    monkeypatch.setattr("medgraft.studies.siddique2024.against", lambda *said: None)
    monkeypatch.setattr("medgraft.studies.siddique2024.best_on_test", lambda run, result, arms: arms[0])


def test_the_swarm_lowers_the_held_out_loss_of_the_studys_heads_as_adam_alone_does_not(tmp_path, monkeypatch):
    (plan,) = planned("siddique2024", tmp_path, monkeypatch)
    both, alone = (plan.estimator(arm) for arm in plan.arms[:2])
    assert type(both) is LinearProbe and type(both.estimator) is PSOMLPLearner and plan.arms[0] == plan.method
    assert both.estimator.epochs + both.estimator.rounds == alone.estimator.epochs  # as much of Adam
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 20))
    y = np.digitize(X[:, 0] * X[:, 1] + 0.3 * X[:, 2], [-0.5, 0.0, 0.5])
    heads = [clone(model.estimator).fit(X, y) for model in (both, alone)]
    assert heads[0].losses_[-1] < heads[0].losses_[0] and len(heads[0].losses_) == 21
    assert len(heads[1].losses_) == 1  # no swarm
    assert np.abs(heads[0].theta_ - heads[1].theta_).max() > 0.1


def test_slices_of_one_patient_are_apart_only_as_published(tmp_path, monkeypatch):
    for protocol, leaks in (("honest", False), ("as_published", True)):
        place = tmp_path / protocol
        place.mkdir()
        (plan,) = planned("siddique2024", place, monkeypatch, protocol)
        assert (plan.on_both_sides("patient") > 0) == leaks
        swarms = [arm for arm in plan.arms if "pso-mlp" in arm and "rounds=0" not in arm]
        assert len(swarms) == (3 if leaks else 1)  # among which the tested slices choose
