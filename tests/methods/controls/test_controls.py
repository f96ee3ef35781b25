from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.controls.majority import Majority
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.source_only import SourceOnly
from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.learner import LogisticLearner


def data(seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    X.loc[rng.random(80) < 0.2, "b"] = np.nan
    X["word"] = rng.choice(["u", "v"], 80)
    y = (X["a"] + rng.normal(size=80) > 0).astype(int).to_numpy()
    domain = np.where(np.arange(80) < 50, "s", "t")
    return X, y, domain, np.arange(80) < 70


def test_target_only_sees_nothing_of_the_source():
    X, y, domain, labelled = data()
    a = TargetOnly().fit(X, y, domain=domain, target="t", labelled=labelled)
    other, other_y = X.copy(), y.copy()
    source = domain == "s"
    other.loc[source, "a"] = 1e6
    other.loc[source, "b"] = np.nan
    other.loc[source, "word"] = "only there"
    other_y[source] = 1 - y[source]
    b = TargetOnly().fit(other, other_y, domain=domain, target="t", labelled=labelled)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_target_only_is_the_learner_on_the_target_alone():
    X, y, domain, labelled = data()
    t = (domain == "t") & labelled
    a = TargetOnly().fit(X, y, domain=domain, target="t", labelled=labelled)
    b = Pooled().fit(X[domain == "t"], y[domain == "t"], labelled=labelled[domain == "t"])
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    c = LogisticLearner(penalties=[a.learner_.penalty_]).fit(a.encoder_.transform(X)[t], y[t])
    np.testing.assert_allclose(a.predict_proba(X), c.predict_proba(a.encoder_.transform(X)), rtol=1e-6)


def test_source_only_sees_nothing_of_the_target():
    X, y, domain, labelled = data()
    a = SourceOnly().fit(X, y, domain=domain, target="t", labelled=labelled)
    other = X.copy()
    other.loc[domain == "t", "a"] = 1e6
    other.loc[domain == "t", "word"] = "only there"
    b = SourceOnly().fit(
        other, np.where(domain == "t", 1 - y, y), domain=domain, target="t", labelled=labelled
    )
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_pooled_does_not_care_where_a_patient_is_from():
    X, y, domain, labelled = data()
    a = Pooled().fit(X, y, domain=domain, target="t", labelled=labelled)
    b = Pooled().fit(X, y, labelled=labelled)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_majority_counts_the_targets_labelled_patients():
    X, y, domain, labelled = data()
    t = (domain == "t") & labelled
    m = Majority().fit(X, y, domain=domain, target="t", labelled=labelled)
    np.testing.assert_allclose(m.predict_proba(X), np.tile([1 - y[t].mean(), y[t].mean()], (80, 1)))
    r = Majority(task="regression").fit(X, y.astype(float), domain=domain, target="t", labelled=labelled)
    np.testing.assert_allclose(r.predict(X), y[t].mean())


def test_majority_without_target_labels_counts_everyone_and_says_so():
    X, y, domain, _ = data()
    m = Majority().fit(X, y, domain=domain, target="t", labelled=domain == "s")
    np.testing.assert_allclose(m.shares_[1], y[domain == "s"].mean())
    assert "all domains" in m.note_


def test_target_only_without_target_labels_says_what_to_do():
    X, y, domain, _ = data()
    with pytest.raises(MedgraftError, match="use source-only"):
        TargetOnly().fit(X, y, domain=domain, target="t", labelled=domain == "s")


def test_source_only_without_source_says_what_it_did():
    X, y, _, _ = data()
    assert "target's own labels" in SourceOnly().fit(X, y).note_
    assert SourceOnly().fit(X, y, domain=["s"] * 40 + ["t"] * 40, target="t").note_ == ""
