"""Trees as arrays predict what scikit-learn's trees predict."""

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.trees import Trees, as_arrays

rng = np.random.default_rng(0)
X, NEW = rng.normal(size=(150, 4)), rng.normal(size=(80, 4))
VALUE, CLASS = X[:, 0] + rng.normal(size=150), rng.choice(["a", "b", "c"], 150)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(max_depth=1),
        RandomForestClassifier(20, random_state=0),
        DecisionTreeRegressor(random_state=0),
        RandomForestRegressor(20, random_state=0),
        ExtraTreesRegressor(5, random_state=0),
    ],
    ids=lambda m: repr(m)[:30],
)
def test_arrays_predict_what_the_compiled_trees_predict(model):
    classify = hasattr(model, "predict_proba")
    fitted = model.fit(X, CLASS if classify else VALUE)
    trees = as_arrays(fitted)
    assert isinstance(trees, Trees)
    np.testing.assert_allclose(trees.predict(NEW), fitted.predict(NEW), rtol=1e-12) if not classify else None
    if classify:
        np.testing.assert_allclose(trees.predict_proba(NEW), fitted.predict_proba(NEW), atol=1e-12)
        assert (trees.predict(NEW) == fitted.predict(NEW)).all()


def test_a_value_on_a_threshold_goes_left_in_single_precision():
    fitted = DecisionTreeRegressor().fit([[0.1], [0.3]], [1.0, 2.0])
    edge = np.array([[fitted.tree_.threshold[0]], [np.float32(0.2)], [0.2], [0.2 + 1e-9]])
    np.testing.assert_array_equal(as_arrays(fitted).predict(edge), fitted.predict(edge))


def test_a_file_without_code_holds_them():
    trees = as_arrays(RandomForestClassifier(5, random_state=0).fit(X, CLASS == "a"))
    data = skops.io.dumps(trees)
    assert skops.io.get_untrusted_types(data=data) == ["medgraft.methods.trees.Trees"]
    again = skops.io.loads(data, trusted=["medgraft.methods.trees.Trees"])
    np.testing.assert_array_equal(again.predict_proba(NEW), trees.predict_proba(NEW))


def test_what_is_no_tree_stays_as_it_is():
    line = LinearRegression().fit(X, VALUE)
    assert as_arrays(line) is line
