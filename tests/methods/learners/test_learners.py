"""One contract for every learner that may stand inside a method."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.estimator_checks import check_estimator

from medgraft.base import MedgraftError
from medgraft.methods.learners import learner, learners
from medgraft.methods.prepare import steps

SMALL = {
    "random-forest": {"trees": 20},
    "extra-trees": {"trees": 20},
    "gradient-boosting": {"rounds": 20},
    "cnn1d": {"channels": 8, "epochs": 30, "lr": 0.01},
    "svm": {"features": 64},
    "mlp": {"iterations": 60},
    "pso-mlp": {"particles": 3, "epochs": 12, "rounds": 4},
    "contrastive-vae": {"shared": 2, "salient": 2, "hidden": 16, "epochs": 20, "trees": 20},
    "ae-lstm": {"steps": 3, "hidden": 16, "code": 8, "epochs": 30, "lr": 0.01},
}
CASES = [(n, t) for n in learners for t in ("binary", "multiclass", "regression") if t in learners[n].tasks]
every_task = pytest.mark.parametrize(("name", "task"), CASES)
CLASSIFIERS = [(n, t) for n, t in CASES if t != "regression"]
every_classifier = pytest.mark.parametrize(("name", "task"), CLASSIFIERS)


def make(name, task, **settings):
    cls = learners[name].cls
    known = cls().get_params()
    settings |= SMALL.get(name, {})
    return cls(**({"task": task} if "task" in known else {}), **settings)


def data(task, n=90, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, 0, 0]
    s = X[:, 0] + X[:, 2] * 10 + 0.3 * rng.normal(size=n)
    if task == "regression":
        return X, s
    cuts = [0.0] if task == "binary" else [-0.7, 0.7]
    return X, np.array(["a", "b", "c"])[np.digitize(s, cuts)]


def output(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def test_the_names_asked_for_are_there():
    wanted = {
        "logistic",
        "ridge",
        "svm",
        "random-forest",
        "mlp",
        "lm-mlp",
        "hopfield",
        "prototypes",
        "cnn1d",
        "ae-lstm",
        "contrastive-vae",
    }
    assert wanted <= set(learners)
    assert all(learners[n].summary and learners[n].refs for n in learners)


def test_no_step_has_the_name_of_a_learner():
    assert not set(learners) & set(steps)


@pytest.mark.parametrize(
    ("name", "tasks", "why"), [("Bad Name", (), "small letters"), ("good", ("clustering",), "its tasks are")]
)
def test_a_bad_name_or_task_is_the_authors_mistake(name, tasks, why):
    with pytest.raises(ValueError, match=why):
        learner(name, tasks=tasks)(learners["svm"].cls)


@every_task
def test_predictions_are_those_of_the_task_and_beat_a_constant(name, task):
    X, y = data(task, 240)
    model = make(name, task).fit(X[:160], y[:160])
    got = model.predict(X[160:])
    if task == "regression":
        assert is_regressor(model) and got.shape == (80,)
        assert np.mean((got - y[160:]) ** 2) < np.var(y[160:])
        return
    p = model.predict_proba(X[160:])
    assert is_classifier(model) and p.shape == (80, len(model.classes_))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-9)
    assert (got == model.classes_[p.argmax(axis=1)]).all()
    shares = [np.mean(y[:160] == c) for c in model.classes_]
    place = np.searchsorted(model.classes_, y[160:])
    loss = -np.log(np.maximum(p[np.arange(80), place], 1e-12)).mean()
    assert loss < -np.log(np.array(shares)[place]).mean()


@every_task
def test_neither_order_of_rows_nor_unit_of_a_column_changes_the_fit(name, task):
    X, y = data(task)
    groups = np.repeat(np.arange(45), 2)
    new, _ = data(task, 30, seed=1)
    order = np.random.default_rng(3).permutation(len(y))
    a = make(name, task).fit(X, y, groups=groups)
    b = make(name, task).fit(X[order], y[order], groups=groups[order])
    np.testing.assert_allclose(output(a, new), output(b, new), atol=1e-6)
    if hasattr(a, "scale_"):
        unit = np.array([1000.0, 2.0, 0.5, 1.0, 8.0])
        c = make(name, task).fit(X * unit, y, groups=groups)
        np.testing.assert_allclose(output(a, new), output(c, new * unit), atol=1e-4)


@every_classifier
def test_labels_of_any_type_and_names_of_classes_change_nothing(name, task):
    X, y = data(task)
    new, _ = data(task, 30, seed=1)
    expected = make(name, task).fit(X, y).predict_proba(new)
    names = {"a": "z", "b": "y", "c": "x"}
    turned = make(name, task).fit(X, np.array([names[v] for v in y]))
    np.testing.assert_allclose(turned.predict_proba(new)[:, ::-1], expected, atol=1e-6)
    numbers = make(name, task).fit(X, np.searchsorted(["a", "b", "c"], y) * 10 - 5)
    np.testing.assert_allclose(numbers.predict_proba(new), expected, atol=1e-6)
    if task == "binary":
        truths = make(name, task).fit(X, y == "b")
        assert truths.predict(new).dtype == bool
        np.testing.assert_allclose(truths.predict_proba(new), expected, atol=1e-6)


@every_task
def test_an_integer_weight_is_a_repeated_row_and_weight_zero_none(name, task):
    X, y = data(task, 60)
    new, _ = data(task, 30, seed=1)
    w = np.random.default_rng(7).integers(0, 4, len(y))
    i = np.repeat(np.arange(len(y)), w)
    a = make(name, task).fit(X, y, sample_weight=w)
    b = make(name, task).fit(X[i], y[i])
    np.testing.assert_allclose(output(a, new), output(b, new), atol=1e-6)
    c = make(name, task).fit(X, y)
    assert np.abs(output(a, new) - output(c, new)).max() > 1e-4


@every_task
def test_the_same_seed_gives_the_same_fit_and_leaves_the_global_state_alone(name, task):
    import torch

    X, y = data(task, 60)
    state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    a, b = (make(name, task).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(output(a, X), output(b, X))
    assert (np.random.get_state()[1] == state).all()
    assert (torch.random.get_rng_state() == torch_state).all()


@every_task
def test_a_round_trip_through_skops_keeps_every_bit(name, task):
    X, y = data(task, 60)
    model = make(name, task).fit(X, y)
    saved = skops.io.dumps(model)
    foreign = [t for t in skops.io.get_untrusted_types(data=saved) if not t.startswith("medgraft.")]
    assert not foreign
    again = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    np.testing.assert_array_equal(output(again, X), output(model, X))


def numbers(thing):
    if isinstance(thing, np.ndarray):
        yield from thing.ravel().tolist() if thing.dtype.kind == "f" else ()
    elif isinstance(thing, float):
        yield thing
    elif isinstance(thing, list | tuple):
        for part in thing:
            yield from numbers(part)
    elif hasattr(thing, "__dict__"):
        for part in vars(thing).values():
            yield from numbers(part)


@every_task
def test_every_fitted_attribute_is_documented(name, task):
    model = make(name, task).fit(*data(task, 40))
    text = " ".join(c.__doc__ or "" for c in type(model).__mro__[:3])
    fitted = {a for a in vars(model) if a.endswith("_") and a != "n_features_in_"}
    assert not {a for a in fitted if a not in text}


@every_task
def test_no_training_row_is_kept(name, task):
    X, y = data(task, 60)
    model = make(name, task).fit(X, y)
    kept = {round(v, 9) for v in numbers(model)}
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    for block in (X, Z):
        assert max(sum(round(v, 9) in kept for v in row) for row in block.tolist()) <= 1


@every_classifier
def test_one_class_is_predicted_with_certainty_and_a_rare_one_is_not_lost(name, task):
    X, y = data(task, 40)
    one = make(name, task).fit(X, np.full(40, "only"))
    np.testing.assert_array_equal(one.predict_proba(X), np.ones((40, 1)))
    y = np.where(np.arange(40) < 39, "often", "rare")
    p = make(name, task).fit(X, y).predict_proba(X)
    assert p.shape == (40, 2) and np.isfinite(p).all()


@every_task
def test_a_constant_column_and_two_rows_are_no_error(name, task):
    X, y = data(task, 40)
    X = np.column_stack([X, np.full(40, 3.0)])
    assert np.isfinite(output(make(name, task).fit(X, y), X)).all()
    two = [int(np.flatnonzero(y == c)[0]) for c in np.unique(y)[:2]]
    assert np.isfinite(output(make(name, task).fit(X[two], y[two]), X)).all()
    assert np.isfinite(output(make(name, task).fit(np.ones((4, 2)), y[[*two, *two]]), X[:, :2])).all()


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("svm", {"C": -1.0}, "C must be"),
        ("svm", {"features": 3}, "even"),
        ("mlp", {"hidden": 0}, "hidden must be"),
        ("mlp", {"penalty": -1.0}, "penalty must be"),
        ("lm-mlp", {"steps": 0}, "steps must be"),
        ("lm-mlp", {"penalty": -1.0}, "penalty must be"),
        ("hopfield", {"storage": "magic"}, "storage must be"),
        ("hopfield", {"patterns": 0}, "patterns must be"),
        ("hopfield", {"task": "regression"}, "predicts no values"),
        ("prototypes", {"count": 0}, "count must be"),
        ("prototypes", {"width": 0.0}, "width must be"),
        ("random-forest", {"trees": 0}, "trees must be"),
        ("cnn1d", {"lr": 0.0}, "lr must be"),
        ("svm", {"task": "clustering"}, "does not exist"),
    ],
)
def test_a_setting_out_of_range_is_answered_in_one_sentence(name, settings, says):
    X, y = data(settings.get("task", "binary"), 20)
    with pytest.raises(MedgraftError, match=says):
        learners[name].cls(**settings).fit(X, y)


@pytest.mark.slow
@every_task
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_no_fault(name, task):
    if task == "multiclass":
        pytest.skip("as binary")
    check_estimator(clone(make(name, task)))
