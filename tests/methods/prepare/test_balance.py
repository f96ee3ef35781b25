from __future__ import annotations

import numpy as np
import pytest
import skops.io
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.coral import CORAL
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.prepare import steps
from medgraft.methods.prepare.balance import Sample, corrected
from medgraft.methods.prepare.class_weights import ClassWeights
from medgraft.methods.prepare.rose import Rose, bandwidth

try:
    import imblearn  # noqa: F401
except ImportError:
    LACKS = True
else:
    LACKS = False

needs_imblearn = pytest.mark.skipif(LACKS, reason="needs imbalanced-learn")
every_balancer = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("rose", "class-weights") else needs_imblearn)
        for name in steps
        if steps[name].does == "balance"
    ],
)


def data(n=150, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    X[:, 2] = rng.random(n) < 0.4
    y = (X @ [1.0, -1.0, 0.5] + rng.normal(size=n) > 1.6).astype(int)
    return X, y


class Probe(ClassifierMixin, BaseEstimator):
    """A learner that remembers, outside of itself, what it was given."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        Probe.seen.append((X.copy(), y.copy(), sample_weight))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def made_by(name, X, y, **fit):
    Probe.seen.clear()
    steps[name].cls(estimator=Probe()).fit(X, y, **fit)
    return Probe.seen[-1]


@every_balancer
def test_scikit_learn_accepts_the_learner(name):
    learner = steps[name].cls(estimator=GaussianNB())
    failed = [
        r["check_name"]
        for r in check_estimator(learner, on_fail=None, on_skip=None)
        if r["status"] == "failed"
    ]
    assert failed == []


@every_balancer
def test_rows_held_out_are_never_seen(name):
    X, y = data()
    domain = np.repeat(["s", "t"], 75)
    labelled = np.arange(150) % 5 > 0  # the held-out rows are there without labels, as in a trial
    X[~labelled] += 1000.0
    Probe.seen.clear()
    model = Pooled(estimator=steps[name].cls(estimator=Probe()))
    model.fit(X, np.where(labelled, y, -99), domain=domain, target="t", labelled=labelled)
    Z, codes, _ = Probe.seen[-1]
    inside = model.encoder_.transform(X[labelled])
    assert (Z.max(axis=0) < inside.max(axis=0) + 1.5).all()  # far below a row moved by 1000
    assert set(codes.tolist()) == {0, 1}


@every_balancer
def test_the_classes_weigh_about_the_same(name):
    X, y = data(400)
    _, codes, w = made_by(name, X, y)
    share = np.bincount(codes, w) / w.sum()
    np.testing.assert_allclose(share, 0.5, atol=0.06 if name == "adasyn" else 1e-12)


@every_balancer
def test_neither_the_order_of_rows_nor_the_names_of_classes_change_the_model(name):
    X, y = data()
    w = np.random.default_rng(1).uniform(0.5, 2, len(y))
    p = np.random.default_rng(2).permutation(len(y))
    a = steps[name].cls().fit(X, y, sample_weight=w).predict_proba(X)
    b = steps[name].cls().fit(X[p], y[p], sample_weight=w[p]).predict_proba(X)
    c = steps[name].cls().fit(X, np.array(["z", "a"])[y], sample_weight=w).predict_proba(X)
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(a, c[:, ::-1], rtol=1e-6, atol=1e-9)


@every_balancer
def test_an_integer_weight_is_a_repeated_row_and_weight_zero_none(name):
    X, y = data()
    w = np.random.default_rng(1).integers(0, 4, len(y))
    i = np.repeat(np.arange(len(y)), w)
    a = steps[name].cls().fit(X, y, sample_weight=w).predict_proba(X)
    b = steps[name].cls().fit(X[i], y[i]).predict_proba(X)
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@every_balancer
def test_inputs_stay_as_they_were_and_equal_settings_give_equal_models(name):
    X, y = data()
    before = X.copy(), y.copy()
    a = steps[name].cls(random_state=3).fit(X, y).predict_proba(X)
    np.random.seed(0)
    np.testing.assert_array_equal(a, steps[name].cls(random_state=3).fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@every_balancer
def test_three_classes_one_of_them_a_single_patient_are_no_obstacle(name):
    X, y = data()
    y = y + (X[:, 0] > 0.8)
    y[7] = 9
    model = steps[name].cls().fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == (150, len(np.unique(y)))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])


@every_balancer
def test_a_single_class_is_predicted_for_everyone(name):
    X, _ = data()
    assert set(steps[name].cls().fit(X, ["ill"] * 150).predict(X)) == {"ill"}


@every_balancer
def test_a_method_with_the_learner_survives_a_file(name):
    X, y = data()
    model = CORAL(estimator=steps[name].cls())
    model.fit(X, y, domain=np.repeat(["s", "t"], 75), target="t", groups=np.arange(150) // 2)
    content = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=content)
    assert all(t.startswith("medgraft.methods.") for t in types)
    again = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


@every_balancer
def test_a_learner_without_probabilities_is_refused(name):
    X, y = data()
    with pytest.raises(MedgraftError, match="SVC has none"):
        steps[name].cls(estimator=SVC()).fit(X, y)


def test_the_corrected_posterior_is_bayes_rule_for_two_gaussians():
    # f_k = N(mu_k, 1): the posterior is known in closed form under any shares of the classes.
    x = np.linspace(-3, 4, 50)
    pi, r = np.array([0.93, 0.07]), np.array([0.5, 0.5])
    density = np.exp(-0.5 * (x[:, None] - [0.0, 1.5]) ** 2)

    def posterior(share):
        joint = density * share
        return joint / joint.sum(axis=1, keepdims=True)

    np.testing.assert_allclose(corrected(posterior(r), pi / r), posterior(pi), rtol=1e-12)


@every_balancer
def test_prevalence_correction_is_the_closed_form_on_the_learners_own_output(name):
    X, y = data()
    w = np.random.default_rng(1).uniform(0.5, 2, len(y))
    plain = steps[name].cls(correct=False).fit(X, y, sample_weight=w)
    model = steps[name].cls(correct=True).fit(X, y, sample_weight=w)
    Probe.seen.clear()
    steps[name].cls(estimator=Probe()).fit(X, y, sample_weight=w)
    _, codes, v = Probe.seen[-1]
    pi, r = np.bincount(y, w) / w.sum(), np.bincount(codes, v) / v.sum()
    p = plain.predict_proba(X)
    q = p[:, 1] * pi[1] / r[1] / (p[:, 0] * pi[0] / r[0] + p[:, 1] * pi[1] / r[1])
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], q, rtol=1e-9)
    if name == "class-weights":  # there a shift of the log-odds by those of the true share
        odds = np.log(q / (1 - q)) - np.log(p[:, 1] / p[:, 0])
        np.testing.assert_allclose(odds, np.log(pi[1] / pi[0]), rtol=1e-6)


def test_corrected_class_weights_keep_the_truth_of_a_true_logistic_model():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 1))
    y = rng.random(len(X)) < expit(1.2 * X[:, 0] - 3.0)
    learner = LogisticLearner(penalties=[1e-3])
    x = np.linspace(-2, 2, 9)[:, None]
    p = ClassWeights(estimator=learner).fit(X, y).predict_proba(x)[:, 1]
    np.testing.assert_allclose(p, expit(1.2 * x[:, 0] - 3.0), rtol=0.1)


def test_class_weights_are_scikit_learns_balanced_ones():
    X, y = data()
    naive = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-10, max_iter=10_000).fit(X, y)
    ours = ClassWeights(estimator=LogisticLearner(penalties=[1.0]), correct=False).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), naive.predict_proba(X), atol=1e-5)


def test_the_penalty_is_chosen_on_real_rows_with_patients_whole():
    X, y = data()
    patient = np.arange(150) // 3
    model = Rose().fit(X, y, groups=patient)
    even = 150 / (2 * np.bincount(y))
    naive = LogisticLearner().fit(X, y, even[y], groups=patient)
    assert model.learner_.penalty_ == naive.penalty_


def test_without_smoothing_every_row_drawn_is_a_patient_of_its_class():
    X, y = data()
    Probe.seen.clear()
    Rose(estimator=Probe(), shrink=0.0).fit(X, y)
    Z, codes, w = Probe.seen[-1]
    assert len(Z) == 150
    assert np.bincount(codes).tolist() == [75, 75]
    assert w.sum() == pytest.approx(150)
    rows = {tuple(row) for row in np.column_stack([X, y]).tolist()}
    assert {tuple(row) for row in np.column_stack([Z, codes]).tolist()} <= rows


def test_the_smoothed_rows_have_the_papers_spread_and_words_stay_words():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(0, 2, 4000), rng.normal(5, 1, 4000), rng.random(4000) < 0.3])
    y = (np.arange(4000) >= 3900).astype(int)
    Z, codes, _ = made_by("rose", X, y)
    assert set(Z[:, 2].tolist()) == {0.0, 1.0}
    for k, n in ((0, 3900), (1, 100)):
        h = (4 / (4 * n)) ** (1 / 6)
        sd = X[y == k, :2].std(axis=0)
        np.testing.assert_allclose(bandwidth(X[y == k, :2], np.ones(n)), h * sd, rtol=1e-9)
        spread = Z[codes == k, :2].std(axis=0)  # variances of the seed and of the noise add up
        np.testing.assert_allclose(spread, sd * np.sqrt(1 + h**2), rtol=0.06)


def test_a_negative_shrinkage_is_an_error():
    X, y = data()
    with pytest.raises(MedgraftError, match="0 or more"):
        Rose(shrink=-1.0).fit(X, y)


@needs_imblearn
@pytest.mark.parametrize("name", ["smote", "borderline-smote", "adasyn"])
def test_every_made_row_lies_on_a_segment_between_two_rows_of_the_rare_class(name):
    X, y = data()
    Z, codes, _ = made_by(name, X, y)
    rare = X[y == 1]
    made = Z[150:]
    np.testing.assert_array_equal(np.sort(Z[:150, 0]), np.sort(X[:, 0]))
    assert (codes[150:] == 1).all()
    assert len(made) > 20
    a, b = rare[:, None, :], rare[None, :, :]
    step = ((b - a) ** 2).sum(axis=2)
    for z in made:
        u = ((z - a) * (b - a)).sum(axis=2) / np.where(step > 0, step, 1.0)
        off = ((a + u[:, :, None] * (b - a) - z) ** 2).sum(axis=2)
        assert off[(u > -1e-9) & (u < 1 + 1e-9)].min() < 1e-16


@needs_imblearn
def test_on_a_line_of_two_rare_rows_every_made_row_is_between_them():
    X = np.array([[0.0], [10.0], [20.0], [30.0], [40.0], [1.0], [3.0]])
    Z, _, _ = made_by("smote", X, [0, 0, 0, 0, 0, 1, 1])
    assert len(Z) == 10
    assert ((Z[7:] >= 1) & (Z[7:] <= 3)).all()


@pytest.mark.skipif(not LACKS, reason="imbalanced-learn is installed")
def test_without_imbalanced_learn_one_sentence_says_what_to_install():
    X, y = data()
    with pytest.raises(MedgraftError, match=r"pip install 'medgraft\[boost\]'"):
        steps["smote"].cls().fit(X, y)


@needs_imblearn
def test_no_neighbour_is_an_error():
    X, y = data()
    with pytest.raises(MedgraftError, match="whole number from 1"):
        steps["smote"].cls(n_neighbours=0).fit(X, y)


def test_a_sample_knows_the_weight_of_each_class():
    sample = Sample(np.zeros((3, 1)), np.array([0, 1, 0]), np.array([1.0, 2.0, 4.0]), np.arange(3))
    assert sample.total.tolist() == [5.0, 2.0]
