"""[47]: with and without transfer, tuned inside or by the test, and how much each overfits."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.studies import studies
from medgraft.studies.kit import gap as gaps
from medgraft.studies.kit.found import find
from medgraft.studies.kit.run import Run
from medgraft.trial.arms import Workbench, arm, build
from planned import on_both_sides, trials_of


@pytest.fixture(autouse=True)
def _no_fits(monkeypatch, request):
    if "slow" not in request.keywords:
        monkeypatch.setattr("medgraft.studies.ansari2024.overfitting", lambda *given: None)


def test_the_rate_is_searched_on_inner_splits_when_honest_and_by_the_test_as_published(tmp_path, monkeypatch):
    (honest,) = trials_of("ansari2024", tmp_path, monkeypatch)
    (leaking,) = trials_of("ansari2024", tmp_path, monkeypatch, protocol="as_published")
    sources = tuple(honest.settings["source"])
    tuned = build(arm(honest.method), Workbench("multiclass", "image", sources[0], parts=sources), 0)
    assert set(tuned.space) == {"lr", "unfreeze"}
    assert not any("+tuned" in a for a in leaking.arms) and sum(",lr=" in a for a in leaking.arms) == 3
    patient = honest.cohort.groups
    assert on_both_sides(honest.cohort, patient) == 0 and on_both_sides(leaking.cohort, patient) > 0


def test_every_network_has_its_twin_from_random_weights(tmp_path, monkeypatch):
    (asked,) = trials_of("ansari2024", tmp_path, monkeypatch)
    plain = [a for a in asked.arms if a.startswith("finetune:") and "+" not in a]
    assert plain and all(a.replace("finetune:", "scratch:") in asked.arms for a in plain)


class Learner:
    """Knows by heart the rows it saw, or nothing."""

    def __init__(self, remembers):
        self.remembers = remembers

    def fit(self, X, y, groups):
        self.seen = dict(zip(X["image"], y, strict=True)) if self.remembers else {}
        assert len(groups) == len(y)

    def predict(self, X):
        return np.array([self.seen.get(path, -1) for path in X["image"]])


def test_one_who_learns_by_heart_has_a_gap_of_one_and_one_who_learns_nothing_of_none(tmp_path, monkeypatch):
    monkeypatch.setattr(gaps, "build", lambda a, bench, seed: Learner(a.method == "finetune"))
    s = studies["ansari2024"]
    run = Run(s, find(s, (), True, tmp_path / "data", 0), tmp_path)
    gaps.overfitting(run, "Overfitting", run.cohort(), ["finetune", "scratch"], [None])
    (told,) = run.experiments
    assert [a["value"] for a in told["arms"]] == [1.0, 0.0]
    assert told["difference"] == 1.0 and told["verdict"] == "harms"
    assert 0 < told["ci"][0] < 1  # all alike is not certain


def test_the_gap_is_a_difference_of_means_and_its_interval_draws_patients_whole():
    values = np.array([1.0, 1, 0, 1, 0, 0])
    taught = np.array([True, True, True, True, False, False])
    found = gaps.gap(values, taught, np.array([1, 1, 2, 2, 3, 3]), seed=0)
    assert found.value == 0.75 and (found.lo, found.hi) == (-1.0, 1.0)  # one patient held out


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps(tmp_path):
    told = studies["ansari2024"].run(tmp_path, generated=True)
    first, second = told["experiments"]
    assert first["verdict"] == "helps" and "+tuned" in first["method"]
    assert second["metric"] == "training less held-out accuracy"
