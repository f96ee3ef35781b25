"""One contract for everything registered that reads tables.

Most tests here are mistakes found in libraries of the field: rows in order, labels of one type, hidden
labels read, a site with one class, the global seed, a training set inside the saved model.
"""

from __future__ import annotations

import copy
import functools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from medgraft.base import MedgraftError
from medgraft.methods import entries
from medgraft.methods.learner import LogisticLearner, RidgeLearner

ARRAY_METHODS = [n for n in entries if entries[n].reads_tables]
CASES = [
    (n, t) for n in ARRAY_METHODS for t in ("binary", "multiclass", "regression") if t in entries[n].tasks
]
CLASSIFIERS = [n for n in ARRAY_METHODS if "binary" in entries[n].tasks]
every_task = pytest.mark.parametrize(("name", "task"), CASES)
every_case = pytest.mark.parametrize(("name", "task"), [c for c in CASES if c[1] != "multiclass"])
every_classifier = pytest.mark.parametrize("name", CLASSIFIERS)
UNSUPPORTED = [
    (n, t) for n in ARRAY_METHODS for t in ("binary", "multiclass", "regression") if t not in entries[n].tasks
]
every_multiclass = pytest.mark.parametrize(
    "name", [n for n in CLASSIFIERS if "multiclass" in entries[n].tasks]
)


# What makes long fits short: the contract asks of a method what it may and may not do, not how well it does.
QUICK = {
    "boost-transfer": {"source_rounds": 20, "target_rounds": 20},
    "fedadam": {"rounds": 100},
    "fedavg": {"rounds": 100},
    "federated-forest": {"trees": 10},
    "federated-lasso": {"penalty": 0.05},
    "fedprox": {"rounds": 100},
    "frozen-contrastive": {"epochs": 10},
    "frozen-generative": {"epochs": 10},
    "ftrf": {"trees": 10},
    "ser": {"trees": 10},
    "shapley-transfer": {"permutations": 10},
    "strut": {"trees": 10},
    "two-stage-tradaboost-r2": {"rounds": 4, "steps": 4},
}
QUICK_ESTIMATOR = (
    "balanced-weighting",
    "bbse",
    "kliep",
    "mmd-selection",
    "shapley-transfer",
    "two-stage-tradaboost-r2",
)


def make(name, task, **settings):
    """Make a method; the guard gets one quick candidate and an ensemble two: the suite stays quick."""
    cls = entries[name].cls
    settings = QUICK.get(name, {}) | settings
    if name in QUICK_ESTIMATOR:
        settings.setdefault("estimator", quick(task))
    if entries[name].family == "ensemble":
        arms = ("pooled", "target-only")
        quick_arms = {arm: entries[arm].cls(task=task, estimator=quick(task)) for arm in arms}
        settings.setdefault("candidates", quick_arms)
    if entries[name].family == "guard":
        settings.setdefault("candidates", {"pooled": entries["pooled"].cls(task=task, estimator=quick(task))})
        settings.setdefault("control", entries["target-only"].cls(task=task, estimator=quick(task)))
    return cls(task=task, **settings)


def needs_of(name):
    """What a method needs; the guard made here falls back to target-only, and so needs what that needs."""
    return entries[name].needs + (entries["target-only"].needs if entries[name].family == "guard" else ())


def quick(task):
    return RidgeLearner(penalties=[1.0]) if task == "regression" else LogisticLearner(penalties=[1.0])


def cohort(task="binary", seed=0, n_source=60, n_target=40, labelled_target=16):
    """Two source sites and a target that differs in the mean; numbers with gaps, words, a bool."""
    rng = np.random.default_rng(seed)
    n = n_source + n_target
    site = np.array(["a", "b"] * (n_source // 2) + ["t"] * n_target)
    shift = np.where(site == "t", 0.7, 0.0)
    A = rng.normal(size=(n, 4)) + shift[:, None]
    score = A @ [1.5, -1.0, 0.5, 0.0] + 0.7 * rng.normal(size=n)
    X = pd.DataFrame(A, columns=["w", "x", "y", "z"])
    X.loc[rng.random(n) < 0.15, "x"] = np.nan
    X["sex"] = np.where(rng.random(n) < 0.5, "f", "m")
    X["stage"] = rng.choice(["I", "II", "III", None], size=n)
    X["smokes"] = rng.random(n) < 0.3
    if task == "regression":
        y = score
    else:
        cuts = [np.median(score)] if task == "binary" else np.quantile(score, [0.3, 0.65])
        y = np.digitize(score, cuts)
    labelled = site != "t"
    order = rng.permutation(np.flatnonzero(~labelled))
    for c in [None] if task == "regression" else np.unique(y):
        of_class = order if c is None else order[y[order] == c]
        k = 1 if c is None else len(np.unique(y))
        labelled[of_class[: labelled_target // k]] = True
    return X, y, {"domain": site, "target": "t", "labelled": labelled}


def test_rows(task="binary"):
    return cohort(task, seed=99)[0]


test_rows.__test__ = False


@functools.cache
def fitted(name, task):
    """The method fitted to the cohort as it is: once for all tests, none of which changes it."""
    X, y, rows = cohort(task)
    return make(name, task).fit(X, y, **rows)


def output(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def same(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@every_case
def test_scikit_learn_accepts_the_estimator(name, task):
    settings = {}
    if entries[name].family == "guard":  # the cheapest arms: this asks about the guard, not about them
        settings = {"candidates": {"majority": entries["majority"].cls(task=task)}}
        settings["control"] = entries["target-only"].cls(task=task, estimator=quick(task))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(make(name, task, **settings), on_fail=None)
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert failed == []
    assert len(results) > 40


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learn_accepts_the_guard_with_all_its_candidates(task):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(entries["guarded"].cls(task=task), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


@every_task
def test_probabilities_are_probabilities_and_predictions_their_maximum(name, task):
    y, model, new = cohort(task)[1], fitted(name, task), test_rows(task)
    prediction = model.predict(new)
    assert prediction.shape == (len(new),)
    if task == "regression":
        assert not hasattr(model, "predict_proba")
        assert np.isfinite(prediction).all()
        return
    proba = model.predict_proba(new)
    assert proba.shape == (len(new), len(np.unique(y)))
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(prediction, model.classes_[proba.argmax(axis=1)])


@pytest.mark.parametrize(("name", "task"), UNSUPPORTED)
def test_a_task_that_a_method_does_not_do_is_refused_in_a_sentence_that_says_what_it_does(name, task):
    X, y, rows = cohort(task)
    cls = entries[name].cls
    for said in (task, "regression" if task == "regression" else "classification"):
        with pytest.raises(MedgraftError) as refused:
            cls(task=said).fit(X, y, **rows)
        assert f"{cls.__name__} does {', '.join(entries[name].tasks)}" in str(refused.value)


@every_task
def test_permuting_training_rows_changes_nothing(name, task):
    X, y, rows = cohort(task)
    weight = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    p = np.random.default_rng(1).permutation(len(y))
    a = make(name, task).fit(X, y, **rows, sample_weight=weight)
    b = make(name, task).fit(
        X.iloc[p],
        y[p],
        domain=rows["domain"][p],
        target="t",
        labelled=rows["labelled"][p],
        sample_weight=weight[p],
    )
    same(output(a, test_rows(task)), output(b, test_rows(task)))


@every_case
def test_permuting_training_rows_changes_nothing_when_patients_have_several_rows(name, task):
    X, y, rows = cohort(task)
    patient = np.array([f"p{i // 2}" for i in range(len(y))])
    p = np.random.default_rng(1).permutation(len(y))
    a = make(name, task).fit(X, y, **rows, groups=patient)
    b = make(name, task).fit(
        X.iloc[p], y[p], domain=rows["domain"][p], target="t", labelled=rows["labelled"][p], groups=patient[p]
    )
    same(output(a, test_rows(task)), output(b, test_rows(task)))


@every_case
def test_permuting_predicted_rows_permutes_the_output_and_scoring_twice_agrees(name, task):
    X, y, _ = cohort(task)
    model, new = fitted(name, task), test_rows(task)
    p = np.random.default_rng(1).permutation(len(new))
    np.testing.assert_allclose(output(model, new)[p], output(model, new.iloc[p]), rtol=1e-12)
    assert model.score(X, y) == model.score(X, y)


@every_case
def test_inputs_are_left_as_they_were(name, task):
    X, y, rows = cohort(task)
    rows = {**rows, "sample_weight": np.ones(len(y)), "groups": np.arange(len(y)) // 2}
    before = copy.deepcopy((X, y, rows))
    model = make(name, task).fit(X, y, **rows)
    output(model, X)
    pd.testing.assert_frame_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    for key, value in rows.items():
        np.testing.assert_array_equal(value, before[2][key])


@every_case
def test_read_only_arrays_are_enough(name, task):
    X, y, rows = cohort(task)
    A = X[["w", "x", "y", "z"]].to_numpy(copy=True)
    y = y.copy()
    for array in (A, y, rows["domain"], rows["labelled"]):
        array.setflags(write=False)
    output(make(name, task).fit(A, y, **rows), A)


@every_task
def test_labels_of_unlabelled_rows_are_never_read(name, task):
    X, y, rows = cohort(task)
    hidden = ~rows["labelled"]
    assert hidden.sum() > 10
    a = output(fitted(name, task), test_rows(task))
    scrambled = y.copy()
    scrambled[hidden] = 77
    np.testing.assert_array_equal(a, output(make(name, task).fit(X, scrambled, **rows), test_rows(task)))
    empty = y.astype(object)
    empty[hidden] = None
    np.testing.assert_array_equal(a, output(make(name, task).fit(X, empty, **rows), test_rows(task)))


@every_classifier
@pytest.mark.parametrize(
    "names",
    [[-1, 1], [1, -1], ["well", "ill"], [True, False], [2.0, -3.0], pd.array(["b", "a"], dtype="string")],
    ids=str,
)
def test_any_label_type_in_any_order_gives_the_same_model(name, names):
    X, y, rows = cohort("binary")
    labels = pd.Series(names[y]) if hasattr(names, "dtype") else np.array(names)[y]
    a = fitted(name, "binary")
    b = make(name, "binary").fit(X, labels, **rows)
    place = [b.classes_.tolist().index(c) for c in list(names)]
    same(a.predict_proba(test_rows()), b.predict_proba(test_rows())[:, place])
    assert set(b.predict(test_rows()).tolist()) <= set(list(names))


@every_multiclass
def test_renaming_three_classes_renames_the_predictions(name):
    X, y, rows = cohort("multiclass")
    names = np.array(["moderate", "severe", "absent"])
    a = fitted(name, "multiclass")
    b = make(name, "multiclass").fit(X, names[y], **rows)
    place = [b.classes_.tolist().index(c) for c in names]
    same(a.predict_proba(test_rows()), b.predict_proba(test_rows())[:, place])


@every_case
@pytest.mark.parametrize("names", [{"a": "St. Mary's, β", "b": "", "t": "-1"}, {"a": 3, "b": 1, "t": 2}])
def test_domains_may_have_any_name(name, task, names):
    X, y, rows = cohort(task)
    a = fitted(name, task)
    domain = [names[d] for d in rows["domain"]]
    b = make(name, task).fit(X, y, domain=domain, target=str(names["t"]), labelled=rows["labelled"])
    np.testing.assert_array_equal(output(a, test_rows(task)), output(b, test_rows(task)))


@every_classifier
@pytest.mark.parametrize("site", ["a", "ab", "t"])
def test_a_site_with_a_single_class_is_no_obstacle(name, site):
    X, y, rows = cohort("binary")
    y = np.where(np.isin(rows["domain"], list(site)), 1, y)
    model = make(name, "binary").fit(X, y, **rows)
    assert model.classes_.tolist() == [0, 1]
    assert np.isfinite(model.predict_proba(test_rows())).all()


@every_multiclass
@pytest.mark.parametrize("site", ["ab", "t"])
def test_a_class_that_one_side_never_saw_keeps_its_column(name, site):
    X, y, rows = cohort("multiclass")
    y = np.where(np.isin(rows["domain"], list(site)) & (y == 2), 0, y)
    model = make(name, "multiclass").fit(X, y, **rows)
    proba = model.predict_proba(test_rows())
    assert proba.shape[1] == 3
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


@every_classifier
def test_one_class_in_all_is_predicted_for_everyone(name):
    X, y, rows = cohort("binary")
    model = make(name, "binary").fit(X, np.full(len(y), "ill"), **rows)
    assert set(model.predict(test_rows())) == {"ill"}
    assert (model.predict_proba(test_rows()) == 1).all()


@every_task
def test_without_target_labels_a_method_works_or_says_what_to_do(name, task):
    X, y, rows = cohort(task)
    rows["labelled"] = rows["domain"] != "t"
    try:
        model = make(name, task).fit(X, y, **rows)
    except MedgraftError as error:
        assert "target-labels" in needs_of(name)
        assert "label" in str(error)
    else:
        assert np.isfinite(output(model, test_rows(task))).all()


@every_case
def test_without_domains_every_row_is_target(name, task):
    X, y, _ = cohort(task)
    a = make(name, task).fit(X, y)
    b = make(name, task).fit(X, y, domain=["t"] * len(y), target="t")
    np.testing.assert_array_equal(output(a, test_rows(task)), output(b, test_rows(task)))
    if getattr(entries[name].cls, "falls_back_to_pooled", entries[name].role == "transfer"):
        learner = {"estimator": quick(task)} if name in QUICK_ESTIMATOR else {}
        plain = make("pooled", task, **learner).fit(X, y)
        same(output(a, test_rows(task)), output(plain, test_rows(task)))


@every_case
def test_a_target_without_rows_is_a_domain_left_out(name, task):
    X, y, rows = cohort(task)
    source = rows["domain"] != "t"
    try:
        model = make(name, task).fit(X[source], y[source], domain=rows["domain"][source], target="t")
    except MedgraftError:
        assert "target-labels" in needs_of(name)
    else:
        assert np.isfinite(output(model, test_rows(task))).all()


@every_case
def test_gaps_and_unknown_words_at_prediction_are_no_obstacle(name, task):
    X, y, rows = cohort(task)
    X.loc[rows["domain"] == "t", "w"] = np.nan  # a column that the target never measures
    X.loc[rows["domain"] != "t", "z"] = np.nan  # and one that the source never does
    X["never"] = np.nan
    model = make(name, task).fit(X, y, **rows)
    new = test_rows(task).assign(never=3.0)
    new.loc[:5, :"z"] = np.nan
    new["sex"], new["stage"] = "not known in training", None
    assert np.isfinite(output(model, new)).all()


@every_case
def test_equal_settings_give_equal_models(name, task):
    X, y, rows = cohort(task)
    a = make(name, task, random_state=5).fit(X, y, **rows)
    np.random.seed(0)  # the global state must not matter
    b = clone(a).fit(X, y, **rows)
    np.testing.assert_array_equal(output(a, test_rows(task)), output(b, test_rows(task)))
    c = b.fit(X, y, **rows)  # fitting again starts afresh
    np.testing.assert_array_equal(output(a, test_rows(task)), output(c, test_rows(task)))


@every_case
def test_global_state_is_left_alone(name, task):
    X, y, rows = cohort(task)
    config, state, filters = sklearn.get_config(), np.random.get_state()[1].copy(), list(warnings.filters)
    output(make(name, task).fit(X, y, **rows), X)
    assert sklearn.get_config() == config
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert list(warnings.filters) == filters


@every_task
def test_a_round_trip_through_skops_keeps_every_bit(name, task):
    model = fitted(name, task)
    data = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert all(t.startswith("medgraft.") for t in untrusted), untrusted
    again = skops.io.loads(data, trusted=untrusted)
    np.testing.assert_array_equal(output(model, test_rows(task)), output(again, test_rows(task)))


def contents(thing, seen):
    """All numbers and words anywhere inside an object."""
    if id(thing) in seen or thing is None or isinstance(thing, type):
        return
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        yield from thing.ravel().tolist()
    elif isinstance(thing, float | int | str | np.generic):
        yield thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from contents(key, seen)
            yield from contents(value, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for value in thing:
            yield from contents(value, seen)
    elif hasattr(thing, "__dict__"):
        yield from contents(vars(thing), seen)


@every_case
def test_no_training_row_is_kept(name, task):
    X, y, rows = cohort(task)
    patient = [f"patient-{i}" for i in range(len(y))]
    model = make(name, task).fit(X, y, **rows, groups=patient)
    kept = list(contents(model, {}))
    numbers = {round(v, 9) for v in kept if isinstance(v, float) and math.isfinite(v)}
    assert not {v for v in kept if isinstance(v, str) and v.startswith("patient-")}
    encoder = getattr(getattr(model, "best_", model), "encoder_", None)
    raw = X[["w", "x", "y", "z"]].to_numpy()
    for block in [raw] if encoder is None else [raw, encoder.transform(X)[:, :4]]:
        # One value of a row may be a median; three of one row are the row.
        hits = np.array([sum(round(v, 9) in numbers for v in row) for row in block.tolist()])
        assert hits.max() <= 2


@every_case
def test_a_row_of_weight_zero_is_as_if_absent(name, task):
    X, y, rows = cohort(task)
    keep = np.random.default_rng(2).random(len(y)) < 0.8
    a = make(name, task).fit(X, y, **rows, sample_weight=keep.astype(float))
    part = {"domain": rows["domain"][keep], "target": "t", "labelled": rows["labelled"][keep]}
    b = make(name, task).fit(X[keep], y[keep], **part)
    same(output(a, test_rows(task)), output(b, test_rows(task)))


@every_task
def test_an_integer_weight_is_a_repeated_row(name, task):
    if entries[name].family == "guard":
        pytest.skip("compares arms on held-out rows, which carry no weight there")
    X, y, rows = cohort(task)
    w = np.random.default_rng(7).integers(1, 4, len(y))
    i = np.repeat(np.arange(len(y)), w)
    a = make(name, task).fit(X, y, **rows, sample_weight=w)
    b = make(name, task).fit(
        X.iloc[i], y[i], domain=rows["domain"][i], target="t", labelled=rows["labelled"][i]
    )
    same(output(a, test_rows(task)), output(b, test_rows(task)))
    if name != "last-value":  # a single last row has the same value, whatever its weight
        c = output(fitted(name, task), test_rows(task))
        assert np.abs(output(a, test_rows(task)) - c).max() > 1e-4


RATIO_METHODS = [n for n in ARRAY_METHODS if getattr(entries[n].cls, "estimates_ratio", False)]


@pytest.mark.parametrize("name", RATIO_METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_weights_follow_the_true_density_ratio_of_two_gaussians(name, seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(0.0, 1.0, (400, 1)), rng.normal(0.8, 0.7, (400, 1))
    X = np.r_[source, target]
    domain = np.repeat(["s", "t"], 400)
    model = make(name, "regression").fit(X, X[:, 0], domain=domain, target="t", labelled=domain == "s")
    x = source[:, 0]
    truth = np.exp(-0.5 * ((x - 0.8) / 0.7) ** 2 + 0.5 * x**2) / 0.7
    assert np.corrcoef(model.weights_[:400], truth)[0, 1] > 0.9
    assert (model.weights_[:400] >= 0).all()


@pytest.mark.parametrize("name", list(entries))
def test_the_registry_knows_what_the_docs_and_the_command_line_need(name):
    entry = entries[name]
    assert entry.summary.endswith(".")
    assert entry.tasks
    assert entry.cost
    assert entry.refs or entry.role == "control"
    assert "Use it" in entry.cls.__doc__
    assert any(word in entry.cls.__doc__ for word in ("Not ", "Never "))
