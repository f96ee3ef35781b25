from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.ensemble.soft_voting import SoftVoting
from medgraft.methods.explain.nearest import nearest, told
from medgraft.methods.prepare.impute import KNNImpute
from samples import two_sites
from small_networks import SIDE, maps, network


@pytest.fixture(scope="module")
def fitted():
    frame = two_sites(n=(60, 40))
    X = frame[["colour", "x1", "x2", "x3"]]
    return Pooled().fit(X, frame["ill"]), X, frame["ill"].to_numpy()


def test_cases_are_nearest_in_the_encoded_columns(fitted):
    m, X, _ = fitted
    Z = m.encoder_.transform(X)
    found = nearest(m, X.iloc[60:], X.iloc[:60], k=3)
    for i in range(40):
        apart = np.linalg.norm(Z[:60] - Z[60 + i], axis=1)
        assert np.allclose(found.distance[i], np.sort(apart)[:3])
        assert np.allclose(apart[found.rows[i]], found.distance[i])
    among = np.linalg.norm(Z[:60, None] - Z[None, :60], axis=2) + np.diag([np.inf] * 60)
    assert found.typical == pytest.approx(np.median(among.min(axis=1)))


def test_each_patient_is_one_case_and_nobody_is_a_case_of_his_own(fitted):
    m, X, y = fitted
    who = np.repeat(np.arange(30), 2)
    found = nearest(m, X.iloc[:10], X.iloc[:60], k=5, group=who)
    assert all(len(set(who[row])) == 5 for row in found.rows)
    assert np.allclose(found.distance[:, 0], 0)  # the rows themselves
    others = nearest(m, X.iloc[:10], X.iloc[:60], k=5, group=who, exclude=who[:10])
    assert all(who[i] not in who[others.rows[i]] for i in range(10))
    assert (others.distance[:, 0] > 0).all()
    cases = told(found, np.arange(100, 160), y[:60])
    assert cases[3][0] == {"id": str(100 + found.rows[3, 0]), "distance": 0.0, "label": y[found.rows[3, 0]]}


def test_a_network_s_cases_are_nearest_in_its_last_layer(tmp_path):
    rng = np.random.default_rng(0)
    xs = rng.integers(0, 256, (9, SIDE, SIDE)).astype(np.uint8)
    for k, x in enumerate(xs):
        Image.fromarray(x).save(tmp_path / f"{k}.png")
    X = pd.DataFrame({"image": [str(tmp_path / f"{k}.png") for k in range(9)]})
    scale = np.array([2.0, 4.0, 0.5])
    F = np.array([maps(x.astype(float)).mean(axis=(1, 2)) for x in xs]) / scale
    found = nearest(network(scale=scale), X.iloc[[0]], X.iloc[1:], k=8)
    apart = np.linalg.norm(F[1:] - F[0], axis=1)
    assert np.array_equal(found.rows[0], np.argsort(apart))
    assert np.allclose(found.distance[0], np.sort(apart), rtol=1e-4)


def test_gaps_are_filled_before_distances_are_taken(fitted):
    _, X, y = fitted
    m = KNNImpute(Pooled()).fit(X, y)
    found = nearest(m, X.iloc[:4], X, k=1)
    assert np.allclose(found.distance, 0) and found.rows[:, 0].tolist() == [0, 1, 2, 3]


def test_what_has_no_features_and_cohorts_that_are_too_small_are_refused(fitted):
    m, X, _ = fitted
    with pytest.raises(MedgraftError, match="There are 4 patients in the cohort"):
        nearest(m, X, X.iloc[:4], k=5)
    with pytest.raises(MedgraftError, match="'SoftVoting' is made of several models"):
        nearest(SoftVoting(), X, X)
    with pytest.raises(MedgraftError, match="'group' has shape"):
        nearest(m, X, X, group=[1, 2])
