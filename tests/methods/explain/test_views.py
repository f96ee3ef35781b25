"""What views make of sequences, signals and omics, explained column by column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.neighbors import KNeighborsClassifier

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.explain import nearest, permutation_importance, shap_values
from medgraft.methods.pipeline import Pipeline
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import SequenceReading, reading_to_dict

VIEWS = ViewFeatures(["kmers:k=1"], reading_to_dict(SequenceReading(24)))


@pytest.fixture(scope="module")
def letters():
    """Sequences that are ill where G is frequent."""
    rng = np.random.default_rng(0)
    p = {True: [0.2, 0.2, 0.4, 0.2], False: [0.25, 0.25, 0.25, 0.25]}
    ill = np.arange(60) % 2 == 1
    text = ["".join(rng.choice(list("ACGT"), 24, p=p[bool(one)])) for one in ill]
    return pd.DataFrame({"sequence": text}), np.where(ill, "yes", "no")


def test_values_of_a_linear_rule_are_slopes_times_deviations(letters):
    X, y = letters
    model = Pipeline(VIEWS, Pooled()).fit(X, y)
    found = shap_values(model, X[:5], X, target="yes")
    Z = VIEWS.transform(X)

    def score(table):
        return logit(model.estimator_.predict_proba(table)[:, 1])

    assert found.way == "linear" and found.columns == list(Z.columns) and found.error.max() == 0
    for j, name in enumerate(Z.columns):
        moved = Z[:5].copy()
        moved[name] += 0.5
        slope = (score(moved) - score(Z[:5])) / 0.5
        deviation = Z[name][:5] - Z[name].mean()
        assert np.allclose(found.values[:, j], slope * deviation, atol=1e-6)
    assert np.allclose(found.base + found.values.sum(axis=1), score(Z[:5]), atol=1e-6)


def test_the_columns_do_not_depend_on_the_order_of_samples(letters):
    X, y = letters
    model = Pipeline(VIEWS, Pooled()).fit(X, y)
    forwards, back = (shap_values(model, X[:6][::step], X, target="yes") for step in (1, -1))
    assert np.allclose(forwards.values, back.values[::-1])


def test_importance_and_nearest_cases_go_by_the_same_columns(letters):
    X, y = letters
    model = Pipeline(VIEWS, Pooled()).fit(X, y)
    assert permutation_importance(model, X, y, n_boot=100)[0].column.endswith("__G")
    found = nearest(model, X[:2], X, k=1)
    assert found.rows[:, 0].tolist() == [0, 1] and np.allclose(found.distance, 0)


def test_many_columns_of_a_model_without_a_formula_are_not_guessed_at_for_minutes():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"sequence": ["".join(rng.choice(list("ACGT"), 30)) for _ in range(12)]})
    views = ViewFeatures(["kmers:k=5"], VIEWS.reading)
    model = Pipeline(views, Pooled(estimator=KNeighborsClassifier(2))).fit(X, ["no", "yes"] * 6)
    with pytest.raises(MedgraftError, match="neither a linear rule nor trees.*1,024 columns"):
        shap_values(model, X[:1], X, estimate=False)
