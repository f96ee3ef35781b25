from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from medgraft.base import MedgraftError
from medgraft.methods.base import TransferEstimator
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.finetune.images import ImageEstimator
from medgraft.methods.prepare.balance import Balanced
from medgraft.methods.prepare.impute import Impute
from medgraft.methods.sites import DomainMethod, SiteMethod

X = pd.DataFrame({"age": [30.0, 50.0, 70.0, 40.0], "sex": ["f", "m", "m", "f"]})


def test_one_class_serves_both_tasks():
    assert is_classifier(Pooled())
    assert is_classifier(Pooled(task="multiclass"))
    assert is_regressor(Pooled(task="regression"))


BASES = [TransferEstimator, DomainMethod, SiteMethod, FederatedMethod, ImageEstimator, Balanced, Impute]


@pytest.mark.parametrize("base", BASES)
def test_a_base_without_its_step_cannot_be_made_and_a_method_that_has_it_can(base):
    with pytest.raises(TypeError, match="abstract"):
        base()
    steps = {name: lambda self, *_: None for name in base.__abstractmethods__}
    made = type("Made", (base,), steps)()
    assert type(clone(made)) is type(made)


def test_an_unknown_task_is_named():
    with pytest.raises(MedgraftError, match="task 'survival' does not exist"):
        Pooled(task="survival").fit(X, [0, 1, 0, 1])


def test_any_scikit_learn_estimator_can_be_inside():
    m = Pooled(estimator=DecisionTreeClassifier()).fit(X, ["w", "i", "i", "w"])
    assert m.predict(X).tolist() == ["w", "i", "i", "w"]
    assert m.predict_proba(X).shape == (4, 2)


def test_an_estimator_without_probabilities_has_none():
    assert not hasattr(Pooled(estimator=SVC()), "predict_proba")


def test_an_estimator_that_cannot_weigh_says_so_when_it_has_to():
    m = Pooled(estimator=KNeighborsClassifier(n_neighbors=1))
    m.fit(X, [0, 1, 1, 0], sample_weight=[2, 2, 2, 2])
    with pytest.raises(MedgraftError, match="KNeighborsClassifier takes no sample_weight"):
        m.fit(X, [0, 1, 1, 0], sample_weight=[1, 2, 2, 2])


def test_columns_in_another_order_are_an_error_and_not_a_wrong_prediction():
    m = Pooled().fit(X, [0, 1, 1, 0])
    with pytest.raises(ValueError, match="order"):
        m.predict(X[["sex", "age"]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        m.predict(X.rename(columns={"age": "years"}))


def test_an_array_of_mixed_objects_is_read_like_a_frame():
    y = [0, 1, 1, 0]
    a = Pooled().fit(X.to_numpy(dtype=object), y).predict_proba(X.to_numpy(dtype=object))
    np.testing.assert_array_equal(a, Pooled().fit(X, y).predict_proba(X))


def test_scores_are_accuracy_and_r2():
    m = Pooled(estimator=DecisionTreeClassifier()).fit(X, [0, 1, 1, 0])
    assert m.score(X, [0, 1, 0, 0]) == 0.75
    r = Pooled(task="regression").fit(X, [1.0, 2.0, 3.0, 1.5])
    y = np.array([1.0, 2.0, 3.0, 1.5])
    expected = 1 - np.sum((y - r.predict(X)) ** 2) / np.sum((y - y.mean()) ** 2)
    assert r.score(X, y) == pytest.approx(expected)
