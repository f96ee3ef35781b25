"""Steps that give a learner fewer features: one contract, naive oracles, and the leak they must not be."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import skops.io
from scipy.stats import kruskal, spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from medgraft.base import MedgraftError
from medgraft.methods import entries
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.learner import LogisticLearner, RidgeLearner, default_learner
from medgraft.methods.learners.svm import SVMLearner
from medgraft.methods.model.lasso import L1Problem, solve_active, solve_l1
from medgraft.methods.prepare import steps
from medgraft.methods.prepare.icc_select import ICCSelect, agreement, icc
from medgraft.methods.prepare.lasso_select import LassoSelect
from medgraft.methods.prepare.mrmr import MRMR
from medgraft.methods.prepare.pca import PrincipalComponents
from medgraft.methods.prepare.ranks import ranks, relevance, standard_ranks
from medgraft.methods.prepare.reduce import Selecting
from medgraft.methods.prepare.spearman_select import SpearmanSelect
from medgraft.methods.splits import inner_folds

SELECT = [name for name in steps if steps[name].does == "select"]
every_step = pytest.mark.parametrize("name", SELECT)
every_task = pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])


def data(n=90, p=12, seed=0, task="binary"):
    """Patients of two rows each; two columns tell the label, two are nearly copies."""
    rng = np.random.default_rng(seed)
    patient = np.arange(n) // 2
    X = rng.normal(size=(n // 2, p))[patient] + 0.3 * rng.normal(size=(n, p))
    X[:, 5] = X[:, 0] + 0.1 * X[:, 5]
    X[:, 3] = rng.normal(size=n)  # not the patient's own
    score = X[:, 0] - X[:, 1] + 0.5 * rng.normal(size=n)
    if task == "regression":
        return X, score, patient
    return X, np.digitize(score, [0.0] if task == "binary" else [-0.7, 0.7]), patient


def output(model, X):
    return model.predict(X) if model.task == "regression" else model.predict_proba(X)


@every_step
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learn_accepts_the_step(name, task):
    if name == "icc-select":
        pytest.skip("scikit-learn's checks have no patients with several rows")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(steps[name].cls(task=task), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert len(results) > 40


@every_step
@every_task
def test_neither_the_order_of_rows_nor_the_names_of_classes_change_the_model(name, task):
    X, y, patient = data(task=task)
    w = np.random.default_rng(1).uniform(0.5, 2, len(y))
    p = np.random.default_rng(2).permutation(len(y))
    cls = steps[name].cls
    a = cls(task=task).fit(X, y, sample_weight=w, groups=patient)
    b = cls(task=task).fit(X[p], y[p], sample_weight=w[p], groups=patient[p])
    np.testing.assert_allclose(output(a, X), output(b, X), rtol=1e-6, atol=1e-9)
    if task != "regression":
        names = np.array(["z", "m", "a"])
        c = cls(task=task).fit(X, names[y], sample_weight=w, groups=patient)
        place = [c.classes_.tolist().index(names[k]) for k in a.classes_]
        np.testing.assert_allclose(output(a, X), output(c, X)[:, place], rtol=1e-6, atol=1e-9)


@every_step
@every_task
def test_an_integer_weight_is_a_repeated_row_and_weight_zero_none(name, task):
    X, y, patient = data(task=task)
    w = np.random.default_rng(1).integers(0, 4, len(y))
    i = np.repeat(np.arange(len(y)), w)
    a = steps[name].cls(task=task).fit(X, y, sample_weight=w, groups=patient)
    b = steps[name].cls(task=task).fit(X[i], y[i], groups=patient[i])
    np.testing.assert_allclose(output(a, X), output(b, X), rtol=1e-6, atol=1e-9)


@every_step
@every_task
def test_inputs_stay_as_they_were_and_the_model_survives_a_file(name, task):
    X, y, patient = data(task=task)
    before = X.copy(), y.copy(), patient.copy()
    model = Pooled(task=task, estimator=steps[name].cls(task=task)).fit(X, y, groups=patient)
    for now, then in zip((X, y, patient), before, strict=True):
        np.testing.assert_array_equal(now, then)
    content = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=content)
    assert all(t.startswith("medgraft.methods.") for t in types)
    again = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(output(model, X), output(again, X))


@every_step
def test_a_single_class_is_predicted_for_everyone(name):
    X, _, patient = data()
    assert set(steps[name].cls().fit(X, ["ill"] * len(X), groups=patient).predict(X)) == {"ill"}


class Watch(ClassifierMixin, BaseEstimator):
    """A learner that remembers, outside of itself, what it was given."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None, groups=None):
        Watch.seen.append((X.copy(), groups))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        Watch.seen.append((X.copy(), None))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@every_step
def test_the_learner_inside_sees_fewer_columns_in_the_scale_they_came_in_and_whole_patients(name):
    X, y, patient = data()
    X = X * np.linspace(1, 5, X.shape[1])
    Watch.seen.clear()
    settings = {"features": 4} if name == "mrmr" else {}
    model = steps[name].cls(estimator=Watch(), **settings).fit(X, y, groups=patient)
    model.predict_proba(X)
    (fitted, groups), (asked, _) = Watch.seen
    assert 0 < fitted.shape[1] == asked.shape[1] < X.shape[1]
    assert len(np.unique(groups)) == 45 and (np.bincount(groups) == 2).all()
    if isinstance(model, Selecting):
        np.testing.assert_allclose(asked, (X - X.mean(axis=0))[:, model.columns_], atol=1e-9)
    else:
        total = np.square(X - X.mean(axis=0)).sum()
        assert 0.95 <= np.square(asked).sum() / total < 1.0


@pytest.mark.parametrize("method", [n for n in entries if entries[n].reads_tables])
def test_every_method_that_takes_a_learner_takes_a_step(method):
    cls = entries[method].cls
    if "estimator" not in cls().get_params(deep=False) or getattr(cls, "own_learner", False):
        pytest.skip("it has a model of its own")
    task = "binary" if "binary" in entries[method].tasks else "regression"
    X, y, patient = data(60, 6, task=task)
    site = np.array(["a", "b"])[(patient // 10) % 2]
    inner = LogisticLearner(penalties=[1.0]) if task == "binary" else RidgeLearner(penalties=[1.0])
    model = cls(task=task, estimator=PrincipalComponents(estimator=inner, task=task))
    model.fit(X, y, domain=site, target="b", labelled=(np.arange(60) % 3 > 0) | (site == "a"), groups=patient)
    assert np.isfinite(output(model, X)).all()


def test_steps_work_in_the_order_in_which_they_are_written():
    from medgraft.trial.arms import Workbench, arm, build

    spec = "pooled+spearman-select:threshold=0.8+class-weights+lasso-select+svm:features=64"
    made = build(arm(spec), Workbench("binary", "table"), 7).estimator
    chain = [made]
    while getattr(chain[-1], "estimator", None) is not None:
        chain.append(chain[-1].estimator)
    kinds = ["SpearmanSelect", "ClassWeights", "LassoSelect", "SVMLearner"]
    assert [type(e).__name__ for e in chain] == kinds
    assert made.threshold == 0.8 and {e.random_state for e in chain} == {7}
    build(arm("pooled+pca+lasso-select"), Workbench("regression", "table"), 0)  # values have features, too


def test_two_selections_are_one_after_the_other():
    X, y, patient = data()
    both = SpearmanSelect(estimator=LassoSelect(estimator=SVMLearner(features=64))).fit(X, y, groups=patient)
    first = SpearmanSelect().fit(X, y, groups=patient).columns_
    A = (X - X.mean(axis=0))[:, first]
    second = LassoSelect().fit(A, y, groups=patient).columns_
    np.testing.assert_array_equal(both.columns_, first)
    np.testing.assert_array_equal(both.learner_.columns_, second)


@every_task
def test_the_lasso_keeps_what_scikit_learns_lasso_keeps_at_the_penalty_of_least_held_out_loss(task):
    X, y, patient = data(task=task)
    model = LassoSelect(task=task).fit(X, y, groups=patient)
    Z = StandardScaler().fit_transform(X)
    t = StandardScaler().fit_transform(y[:, None])[:, 0] if task == "regression" else y
    lam, n = model.penalty_, len(y)
    if task == "regression":
        coef = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(Z, t).coef_[None]
    else:
        coef = (
            LogisticRegression(
                C=1 / (lam * n), l1_ratio=1, penalty="l1", solver="saga", tol=1e-8, max_iter=50_000
            )
            .fit(Z, t)
            .coef_
        )
    np.testing.assert_array_equal(model.columns_, np.flatnonzero((np.abs(coef) > 1e-7).any(axis=0)))
    assert {0, 1} <= set(model.columns_) or {1, 5} <= set(model.columns_)


def test_the_penalty_is_that_of_least_held_out_error_in_a_plain_loop():
    X, y, patient = data(task="regression")
    model = LassoSelect(task="regression", random_state=3).fit(X, y, groups=patient)
    Z, t = StandardScaler().fit_transform(X), StandardScaler().fit_transform(y[:, None])[:, 0]
    fold = inner_folds(patient, k=5, seed=3)
    top = np.abs(Z.T @ t).max() / len(t)
    errors = {}
    for lam in top * np.geomspace(1, 1e-3, 13):
        held = [
            (t[fold == f] - Lasso(alpha=lam).fit(Z[fold != f], t[fold != f]).predict(Z[fold == f])) ** 2
            for f in range(5)
        ]
        errors[lam] = np.concatenate(held).mean()
    assert model.penalty_ == pytest.approx(min(errors, key=errors.get))


def test_where_nothing_is_selected_the_shares_of_the_classes_are_predicted():
    X, y = np.ones((40, 3)), np.repeat([0, 1], [30, 10])
    model = LassoSelect().fit(X, y, groups=np.arange(40))
    assert len(model.columns_) == 0
    np.testing.assert_allclose(model.predict_proba(X), np.tile([0.75, 0.25], (40, 1)), atol=1e-6)


@every_task
def test_spearman_keeps_what_a_plain_loop_keeps(task):
    X, y, _ = data(task=task)
    X = np.round(X, 1)  # with ties
    rho = np.abs(spearmanr(X).statistic)
    if task == "regression":
        worth = [abs(spearmanr(x, y).statistic) for x in X.T]
    else:
        worth = [kruskal(*(x[y == k] for k in np.unique(y))).statistic for x in X.T]
    kept = []
    for j in np.argsort(-np.array(worth)):
        if all(rho[j, i] <= 0.5 for i in kept):
            kept.append(j)
    model = SpearmanSelect(threshold=0.5, task=task).fit(X, y)
    assert model.columns_.tolist() == sorted(kept)
    assert len(kept) < 12


def test_mrmr_takes_what_a_plain_loop_takes():
    X, y, _ = data(task="regression")
    rho = np.abs(spearmanr(X).statistic)
    worth = np.array([abs(spearmanr(x, y).statistic) for x in X.T])
    taken = [int(worth.argmax())]
    while len(taken) < 5:
        rest = [j for j in range(12) if j not in taken]
        taken.append(max(rest, key=lambda j: worth[j] - np.mean([rho[j, i] for i in taken])))
    model = MRMR(features=5, task="regression").fit(X, y)
    assert model.columns_.tolist() == sorted(taken)
    assert taken != list(np.argsort(-worth)[:5])  # not just the five most relevant


def test_ranks_and_relevance_are_scipys():
    X, y, _ = data(task="multiclass")
    X = np.round(X, 1)
    w = np.random.default_rng(0).integers(1, 4, len(y))
    i = np.repeat(np.arange(len(y)), w)
    R = standard_ranks(X, w.astype(float))
    np.testing.assert_allclose((R * w[:, None]).T @ R, spearmanr(X[i]).statistic, atol=1e-12)
    H = [kruskal(*(x[y[i] == k] for k in range(3))).statistic for x in X[i].T]
    np.testing.assert_allclose(
        relevance(R, y, w.astype(float), 3), np.sqrt(np.array(H) / (len(i) - 1)), atol=1e-8
    )
    assert ranks(np.array([[3.0], [1.0], [3.0]]), np.ones(3))[:, 0].tolist() == [2.0, 0.5, 2.0]


def test_more_columns_than_a_block_are_selected_as_by_a_loop(monkeypatch):
    from medgraft.methods.prepare import spearman_select

    X, y, _ = data(60, 40)
    X[:, 20:] = X[:, :20] + 0.3 * X[:, 20:]
    whole = SpearmanSelect(threshold=0.6).fit(X, y).columns_
    monkeypatch.setattr(spearman_select, "BLOCK", 7)
    np.testing.assert_array_equal(SpearmanSelect(threshold=0.6).fit(X, y).columns_, whole)
    assert len(whole) < 30


def test_the_icc_is_that_of_shrout_and_fleiss():
    # Table 2 of Shrout and Fleiss 1979: four judges, six targets; ICC(1,1) is .17 in their table 4.
    judged = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    found = icc(judged.reshape(-1, 1).astype(float), np.repeat(np.arange(6), 4))
    assert round(float(found[0]), 2) == 0.17


def test_the_agreement_over_views_is_that_of_shrout_and_fleiss():
    judged = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    assert (
        round(float(agreement(judged[:, :, None].astype(float))[0]), 2) == 0.29
    )  # ICC(2,1) of their table 4


def test_features_that_other_views_change_are_dropped_by_every_step_in_line():
    X, y, patient = data()
    again = np.repeat(X[:30, None], 3, axis=1)
    again[:, 1:, [0, 7]] += np.random.default_rng(3).normal(size=(30, 2, 2)) * 2
    alone = ICCSelect().fit(X, y, again=again)
    assert alone.columns_.tolist() == [j for j in range(12) if j not in (0, 7)]
    line = SpearmanSelect(estimator=ICCSelect()).fit(X, y, groups=patient, again=again)
    first = line.columns_
    assert first[line.learner_.columns_].tolist() == [j for j in first if j not in (0, 7)]
    assert not [name for name in vars(alone) if "again" in name]  # no patient is kept


def test_the_icc_of_unequal_numbers_of_rows_is_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(5), [2, 3, 2, 4, 2])
    x = rng.normal(size=5)[units] + rng.normal(size=13)
    groups = [x[units == u] for u in range(5)]
    N, k = 13, 5
    ms_b = sum(len(g) * (g.mean() - x.mean()) ** 2 for g in groups) / (k - 1)
    ms_w = sum(((g - g.mean()) ** 2).sum() for g in groups) / (N - k)
    n0 = (N - sum(len(g) ** 2 for g in groups) / N) / (k - 1)
    assert icc(x[:, None], units)[0] == pytest.approx((ms_b - ms_w) / (ms_b + (n0 - 1) * ms_w))


def test_patients_with_one_row_each_have_no_icc():
    X, y, _ = data()
    with pytest.raises(MedgraftError, match="several rows"):
        ICCSelect().fit(X, y, groups=np.arange(len(y)))


def test_components_are_those_of_scikit_learn():
    X, y, _ = data()
    truth = PCA(n_components=0.8, svd_solver="full").fit(X)
    model = PrincipalComponents(share=0.8).fit(X, y)
    np.testing.assert_allclose(np.abs(model.components_), np.abs(truth.components_.T), atol=1e-9)
    np.testing.assert_allclose(model.variance_ * len(y) / (len(y) - 1), truth.explained_variance_)
    assert (
        model.components_[np.abs(model.components_).argmax(axis=0), np.arange(truth.n_components_)] > 0
    ).all()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (SpearmanSelect(threshold=1.5), "from 0 to 1"),
        (PrincipalComponents(share=0), "above 0"),
        (MRMR(features=0), "1 or more"),
    ],
)
def test_a_setting_out_of_range_is_refused(step, says):
    X, y, _ = data()
    with pytest.raises(MedgraftError, match=says):
        step.fit(X, y)


def noise(seed, n=60, p=400):
    """AUROC on pure noise of a selection inside patient-wise folds, and of one made before them."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.permutation(np.arange(n) % 2)
    fold = inner_folds(np.arange(n), k=4, seed=seed, stratum=y)
    before = MRMR(features=10).fit(X, y).columns_
    inside, leaked = np.empty(n), np.empty(n)
    for f in range(4):
        train, test = fold != f, fold == f
        model = Pooled(estimator=SpearmanSelect(estimator=MRMR(features=10))).fit(X[train], y[train])
        inside[test] = model.predict_proba(X[test])[:, 1]
        learner = default_learner().fit(X[train][:, before], y[train])
        leaked[test] = learner.predict_proba(X[test][:, before])[:, 1]
    pairs = [(fold == f) for f in range(4)]
    return [np.mean([roc_auc_score(y[r], s[r]) for r in pairs]) for s in (inside, leaked)]


def test_on_noise_selection_inside_the_folds_shows_no_skill_and_before_them_it_does():
    inside, before = np.array([noise(seed) for seed in range(10)]).T
    error = inside.std(ddof=1) / np.sqrt(10)
    assert abs(inside.mean() - 0.5) < 3 * error  # the truth is a half
    assert before.min() > 0.75


@every_task
def test_the_lasso_on_the_columns_that_matter_is_the_lasso(task):
    X, y, _ = data(60, 40, task=task)
    Z, k = StandardScaler().fit_transform(X), {"binary": 2, "multiclass": 3}.get(task, 0)
    W = np.random.default_rng(1).uniform(0.5, 2, (2, 60))
    W[0, :15] = 0
    problem = L1Problem(Z, y, k)
    for share in (0.8, 0.1):
        lam = share * problem.largest(W[1])
        whole, few = (solve(problem, W, lam, tol=1e-9) for solve in (solve_l1, solve_active))
        np.testing.assert_allclose(few, whole, atol=1e-6)
        assert 0 < (few[:, :, :-1] != 0).mean() < 1
