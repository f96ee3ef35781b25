from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from medgraft.base import MedgraftError
from medgraft.methods import Guarded
from medgraft.methods.controls.majority import Majority
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.source_only import SourceOnly
from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.encode import TableEncoder
from medgraft.methods.inner_fits import Given, out_of_fold, there_and_back
from medgraft.methods.instance.ulsif import ULSIF
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.model.l2sp import L2SP
from medgraft.methods.rows import Rows
from medgraft.methods.splits import inner_folds, number_again
from medgraft.methods.table import Table


class Spy(ClassifierMixin, BaseEstimator):
    """A neural candidate in disguise: reads a frame of paths by iloc, remembers what it was given."""

    seen: list = []  # noqa: RUF012 - shared by the clones on purpose
    progress = None

    def __init__(self, right=True):
        self.right = right

    def fit(self, X, y, *, domain=None, target=None, labelled=None, sample_weight=None, groups=None):
        assert isinstance(X, pd.DataFrame)
        assert list(X.columns) == ["image"]
        assert len(X) == len(y) == len(domain) == len(labelled) == len(groups)
        self.classes_ = np.unique(np.asarray(y)[labelled])
        Spy.seen.append(
            (X["image"].iloc[:].tolist(), list(groups), dict(zip(X["image"], labelled, strict=True)))
        )
        self.progress_at_fit_ = self.progress
        return self

    def predict_proba(self, X):
        # The truth is in the file's name; a wrong spy reads it the wrong way round.
        ill = X["image"].str.contains("ill").to_numpy() == self.right
        noise = np.array([len(set(p)) % 3 for p in X["image"]]) / 10
        return np.column_stack([1 - ill * 0.7 - noise, ill * 0.7 + noise])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def images(n=72):
    rng = np.random.default_rng(0)
    y = np.array(["ill", "well"])[rng.integers(0, 2, n)]
    X = pd.DataFrame({"image": [f"/data/{i}_{c}.png" for i, c in enumerate(y)]})
    domain = np.where(np.arange(n) < 24, "s", "t")
    labelled = np.arange(n) < 60
    groups = np.array([f"p{i // 2}" for i in range(n)])
    y = np.where(y == "ill", "1 ill", "0 well")
    return X, y, {"domain": domain, "target": "t", "labelled": labelled, "groups": groups}


def table(n_source=120, n_target=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_source + n_target, 6))
    y = X @ rng.normal(size=6) * 2 + rng.normal(size=len(X))
    return X, y, {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}


def test_inner_fits_never_see_held_out_patients_and_keep_everything_else():
    X, y, rows = images()
    Spy.seen.clear()
    m = Guarded({"spy": Spy()}, Spy(right=False), inner_folds=4).fit(X, y, **rows)
    inner, final = Spy.seen[:-1], Spy.seen[-1]
    assert len(inner) == 8  # four folds, candidate and control
    everyone = set(X["image"])
    open_to_choice = set(X["image"][(rows["domain"] == "t") & rows["labelled"]])
    held = [everyone - set(paths) for paths, _, _ in inner[:4]]
    assert set.union(*held) == open_to_choice
    assert sum(map(len, held)) == len(open_to_choice)
    patient = dict(zip(X["image"], rows["groups"], strict=True))
    for (_, groups, _), out in zip(inner[:4], held, strict=True):
        assert not set(groups) & {patient[p] for p in out}
    for _, _, labelled in inner:  # unlabelled rows stay, as unlabelled
        assert all(labelled[p] == (i < 60) for i, p in enumerate(X["image"]) if p in labelled)
    assert set(final[0]) == everyone
    assert m.choice_ == "spy"
    assert m.predict(X.iloc[:5]).tolist() == y[:5].tolist()


def test_the_better_of_two_arms_is_chosen_and_the_worse_never():
    X, y, rows = images()
    assert Guarded({"wrong": Spy(right=False)}, Spy()).fit(X, y, **rows).choice_ == "control"
    assert (
        Guarded({"wrong": Spy(right=False), "right": Spy()}, Majority()).fit(X, y, **rows).choice_ == "right"
    )


def test_an_arm_that_equals_the_control_is_not_chosen():
    X, y, rows = table()
    m = Guarded({"twin": TargetOnly(task="regression")}, task="regression").fit(X, y, **rows)
    assert m.choice_ == "target-only"
    np.testing.assert_array_equal(m.predict(X), TargetOnly(task="regression").fit(X, y, **rows).predict(X))


def test_a_source_with_the_same_rule_is_used_and_one_with_the_opposite_rule_is_not():
    X, y, rows = table(n_target=24)
    good = Guarded({"pooled": Pooled(task="regression")}, task="regression").fit(X, y, **rows)
    assert good.choice_ == "pooled"
    opposite = np.where(rows["domain"] == "s", -y, y)
    bad = Guarded({"pooled": Pooled(task="regression")}, task="regression").fit(X, opposite, **rows)
    assert bad.choice_ == "target-only"


def test_the_choice_is_fitted_again_on_everything():
    X, y, rows = table(n_target=24)
    m = Guarded({"l2sp": L2SP(task="regression")}, Majority(task="regression"), task="regression")
    m.fit(X, y, **rows)
    assert m.choice_ == "l2sp"
    again = L2SP(task="regression").fit(X, y, **rows)
    np.testing.assert_array_equal(m.predict(X), again.predict(X))


def test_the_report_is_json_and_tells_each_arms_value():
    X, y, rows = table()
    m = Guarded(task="regression", inner_folds=4).fit(X, y, **rows)
    report = json.loads(json.dumps(m.report_))
    assert report["metric"] == "mae"
    assert report["n_labelled"] == report["n_patients"] == 40
    assert {r["name"] for r in report["table"]} >= {"target-only", "ulsif", "coral", "l2sp"}
    assert report["reason"]
    assert report["choice"] == m.choice_


def test_without_target_labels_the_control_is_kept_unless_weighted_source_patients_say_otherwise():
    X, y, rows = table()
    m = Guarded(task="regression").fit(X, y, **rows, labelled=rows["domain"] == "s")
    assert m.choice_ == "source-only"
    assert m.report_["n_labelled"] == 0
    assert {r["name"] for r in m.report_["table"]} >= {"source-only", "coral"}
    expected = SourceOnly(task="regression").fit(X, y, **rows, labelled=rows["domain"] == "s").predict(X)
    np.testing.assert_array_equal(m.predict(X), expected)


def curved(seed=0):
    """y = x^2 with a straight learner: the source around 0, the unlabelled target around 1.5."""
    rng = np.random.default_rng(seed)
    x = np.r_[rng.normal(0.0, 1.0, 600), rng.normal(1.5, 0.5, 300)]
    domain = np.repeat(["s", "t"], [600, 300])
    return x[:, None], x**2 + 0.1 * rng.normal(size=900), domain


def test_without_target_labels_weighting_is_chosen_under_covariate_shift():
    X, y, domain = curved()
    rows = {"domain": domain, "target": "t", "labelled": domain == "s"}
    m = Guarded({"ulsif": ULSIF(task="regression")}, task="regression").fit(X, y, **rows)
    assert m.choice_ == "ulsif"
    assert "without target labels" in m.report_["reason"]
    t = domain == "t"
    plain = SourceOnly(task="regression").fit(X, y, **rows)
    assert np.abs(m.predict(X[t]) - y[t]).mean() < np.abs(plain.predict(X[t]) - y[t]).mean()


def test_without_target_labels_the_order_of_rows_plays_no_part_in_the_choice():
    X, y, domain = curved()
    p = np.random.default_rng(1).permutation(len(y))
    a, b = (
        Guarded({"ulsif": ULSIF(task="regression")}, task="regression").fit(
            X[i], y[i], domain=domain[i], target="t", labelled=domain[i] == "s"
        )
        for i in (np.arange(len(y)), p)
    )
    for one, other in zip(a.report_["table"], b.report_["table"], strict=True):
        assert one["difference"] == pytest.approx(other["difference"], rel=1e-6, abs=1e-9)


def test_without_target_rows_the_control_is_kept():
    X, y, domain = curved()
    s = domain == "s"
    m = Guarded(task="regression").fit(X[s], y[s], domain=domain[s], target="t")
    assert m.choice_ == "source-only"
    assert "fewer than two are known" in m.report_["reason"]


@pytest.mark.parametrize("n_labelled", [1, 2, 3])
def test_too_few_labels_keep_the_control(n_labelled):
    X, y, rows = table()
    y = (y > 0).astype(int)
    one_of_a_kind = np.flatnonzero((rows["domain"] == "t") & (y == 1))[:1]
    others = np.flatnonzero((rows["domain"] == "t") & (y == 0))[: n_labelled - 1]
    labelled = (rows["domain"] == "s") | np.isin(np.arange(len(y)), np.r_[one_of_a_kind, others])
    m = Guarded().fit(X, y, **rows, labelled=labelled)
    assert m.choice_ == "target-only"
    assert "fewer than two" in m.report_["reason"] or "too few" in m.report_["reason"]


def test_one_inner_fold_is_a_single_split():
    X, y, rows = images()
    Spy.seen.clear()
    Guarded({"spy": Spy()}, Spy(right=False), inner_folds=1).fit(X, y, **rows)
    assert len(Spy.seen) == 3
    held = len(X) - len(Spy.seen[0][0])
    assert 6 <= held <= 12  # a quarter of 36 rows, in whole patients


def test_a_candidate_that_cannot_be_fitted_is_skipped_with_its_reason():
    X, y, rows = table()
    broken = L2SP(task="regression", estimator=Majority())
    m = Guarded({"broken": broken, "pooled": Pooled(task="regression")}, task="regression").fit(X, y, **rows)
    assert "leave estimator unset" in m.report_["skipped"]["broken"]
    assert m.choice_ in {"pooled", "target-only"}


def test_a_control_that_cannot_be_fitted_is_an_error():
    X, y, rows = table()
    with pytest.raises(MedgraftError, match="target-only needs labelled"):
        Guarded({}, TargetOnly(task="regression"), task="regression").fit(
            X, y, **rows, labelled=rows["domain"] == "s"
        )


def test_a_progress_callback_reaches_the_fitted_arm():
    X, y, rows = images()
    spy = Spy()
    spy.progress = print
    assert Guarded({"spy": spy}, Spy(right=False)).fit(X, y, **rows).best_.progress_at_fit_ is print


def test_a_wrong_metric_is_named():
    X, y, rows = table()
    with pytest.raises(MedgraftError, match="aurok"):
        Guarded(metric="aurok").fit(X, (y > 0).astype(int), **rows)


def test_a_held_out_patient_is_in_no_row_of_inner_training_at_any_site():
    X, y, keywords = images()
    # Every patient of the source site is also a patient of the target site.
    keywords["groups"] = np.array([f"p{i % 24}" if i < 24 else f"p{(i - 24) % 24}" for i in range(72)])
    owner = dict(zip(X["image"], keywords["groups"], strict=True))
    asked: list[tuple[set, set]] = []

    class Witness(Spy):
        def fit(self, X, y, **rows):
            self.trained_ = {owner[p] for p in X["image"]}
            return super().fit(X, y, **rows)

        def predict_proba(self, X):
            asked.append((self.trained_, {owner[p] for p in X["image"]}))
            return super().predict_proba(X)

    Guarded({"witness": Witness()}, Witness(right=False), inner_folds=3).fit(X, y, **keywords)
    assert len(asked) >= 6
    assert all(not trained & held for trained, held in asked)


def test_a_candidate_that_fails_a_subgroup_is_passed_over():
    X, y, rows = table(n_source=200, n_target=120)
    sex = np.where(np.arange(len(y)) % 2 == 0, "f", "m")
    # The source is right for men and upside down for women, who are told by a feature.
    X = np.column_stack([X, np.where(sex == "f", 1.0, 0.0)])
    target = rows["domain"] == "t"
    y = np.where(target | (sex == "m"), y, y + 40.0)
    arms = {"pooled": Pooled(task="regression")}
    control = TargetOnly(task="regression")
    rows["labelled"] = ~target | (np.arange(len(y)) % 3 == 0)
    m = Guarded(arms, control, task="regression").fit(X, y, **rows, subgroups={"sex": sex})
    assert m.choice_ == "target-only"
    assert any(row.get("inferior_in") for row in m.report_["table"])
    with pytest.raises(MedgraftError, match="margin"):
        Guarded(arms, control, task="regression", margin=-1).fit(X, y, **rows)


def test_circular_validation_is_a_plain_loop_there_and_back():
    X, y, rows = table(n_source=60, n_target=30)
    y = (y > 0).astype(int)
    rows["labelled"] = rows["domain"] == "s"
    arm = Pooled(estimator=LogisticLearner(penalties=[1.0]))
    seen = Rows.of(Table.of(X), y, regression=False, **rows)
    columns = {k: np.asarray(v) for k, v in rows.items() if k != "target"}
    at, fold = np.arange(60), np.arange(60) % 3
    got = there_and_back(Given(X, y, columns, "t"), seen, at, fold, [0, 1, 2], arm)
    for f in range(3):
        train, test = at[fold != f], at[fold == f]
        there = LogisticLearner(penalties=[1.0])
        scaled = TableEncoder().fit(np.r_[X[train], X[60:]])
        there.fit(scaled.transform(X[train]), y[train])
        labels = there.predict(scaled.transform(X[60:]))
        back = LogisticLearner(penalties=[1.0]).fit(scaled.transform(X[60:]), labels)
        np.testing.assert_allclose(got[test], back.predict_proba(scaled.transform(X[test])), atol=1e-6)


def test_circular_validation_drops_an_arm_that_finds_no_way_back():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 3))
    y = (X[:, 0] > 0).astype(int)
    rows = {"domain": np.repeat(["s", "t"], 120), "target": "t", "labelled": np.arange(240) < 120}
    arms = {"majority": Majority(), "pooled": Pooled()}
    for control, kept in (("majority", "pooled"), ("pooled", "pooled")):
        m = Guarded(arms, arms[control], control_name=control, unlabelled="circular").fit(X, y, **rows)
        assert m.choice_ == kept
    assert "there and back" in m.report_["reason"]
    with pytest.raises(MedgraftError, match="unlabelled"):
        Guarded(arms, unlabelled="guess").fit(X, y, **rows)


def test_with_times_only_earlier_rows_teach_inside():
    class Watch(Pooled):
        seen: list = []  # noqa: RUF012 - shared by the clones on purpose

        def fit(self, X, y, **more):
            own = np.asarray(more["domain"]) == "t"
            Watch.seen.append(np.sort(np.asarray(X)[own, 1]))
            return super().fit(X, y, **more)

    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=70), np.r_[np.zeros(50), rng.permutation(20)]])
    X = pd.DataFrame(X, columns=["x", "day"])
    rows = {"domain": np.repeat(["s", "t"], [50, 20]), "target": "t"}
    control = TargetOnly(task="regression")
    m = Guarded({"watch": Watch(task="regression")}, control, task="regression", time="day")
    m.fit(X, rng.normal(size=70), **rows)
    inner = Watch.seen[:4]
    assert [len(days) for days in inner] == [4, 8, 12, 16]
    for days in inner:
        np.testing.assert_array_equal(days, np.arange(len(days)))


def test_with_times_a_patient_followed_for_long_neither_teaches_what_was_later_nor_is_on_both_sides():
    class Watch(Pooled):
        seen: list = []  # noqa: RUF012 - shared by the clones on purpose

        def fit(self, X, y, **more):
            Watch.seen.append((np.asarray(X)[np.asarray(more["domain"]) == "t"], []))
            return super().fit(X, y, **more)

        def predict(self, X):
            Watch.seen[-1][1].append(np.asarray(X))
            return super().predict(X)

    rng = np.random.default_rng(0)
    start, length = rng.integers(0, 30, 25), rng.integers(1, 12, 25)
    patient = np.repeat(np.arange(25), length)
    day = np.concatenate([np.arange(s, s + n) for s, n in zip(start, length, strict=True)])
    own = np.column_stack([patient, day])
    X = np.vstack([np.column_stack([np.full(50, 99), np.zeros(50)]), own]).astype(float)
    X = pd.DataFrame(X, columns=["patient", "day"])
    rows = {"domain": np.repeat(["s", "t"], [50, len(own)]), "target": "t"}
    groups = np.r_[np.arange(100, 150), patient]
    m = Guarded({"watch": Watch(task="regression")}, TargetOnly(task="regression"), task="regression")
    m.set_params(time="day").fit(X, rng.normal(size=len(X)), **rows, groups=groups)
    inner = [(taught, told[0]) for taught, told in Watch.seen if told]
    assert len(inner) == 4
    for taught, told in inner:
        assert not np.isin(taught[:, 0], told[:, 0]).any()
        assert taught[:, 1].max() < told[:, 1].min()


def test_a_patient_of_weight_two_is_a_patient_who_is_there_twice():
    X, y, rows = table(n_target=24)
    twice = np.arange(len(y)) % 3 == 0
    group = np.arange(len(y))
    weighted = Guarded({"pooled": Pooled(task="regression")}, task="regression")
    weighted.fit(X, y, **rows, groups=group, sample_weight=1.0 + twice)
    again = np.r_[group, group[twice]]
    many = Guarded({"pooled": Pooled(task="regression")}, task="regression")
    many.fit(X[again], y[again], domain=rows["domain"][again], target="t", groups=again)
    for one, other in zip(weighted.report_["table"], many.report_["table"], strict=True):
        for key in ("value", "difference", "se"):
            assert one[key] == pytest.approx(other[key], rel=1e-6)


def test_the_density_ratio_of_the_guard_holds_out_whole_patients():
    X, y, rows = table(n_source=240, n_target=120)
    labelled = rows["domain"] == "s"
    visits = np.repeat(np.arange(90), 4)  # four rows of a patient, nearly alike
    X = X[visits * 4 % 360] + 1e-3 * X
    m = Guarded({"pooled": Pooled(task="regression")}, task="regression")
    m.fit(X, y, **rows, labelled=labelled, groups=visits)
    r = Rows.of(Table.of(X), y, regression=True, **rows, labelled=labelled, groups=visits)
    ulsif = ULSIF(task="regression").fit(X, y, **rows, labelled=labelled, groups=visits)
    weight = ulsif.weights_[labelled]
    assert len(np.unique(weight)) > 2
    at = np.flatnonzero(labelled)
    fold = inner_folds(number_again(r.units[at]), k=3, seed=0)
    given = Given(X, y, {"domain": rows["domain"], "labelled": labelled, "groups": visits}, "t")
    guess = out_of_fold(given, r, at, fold, np.unique(fold).tolist(), Pooled(task="regression"))
    loss = (y[labelled] - guess) ** 2
    told = {row["name"]: row["value"] for row in m.report_["table"]}
    assert told["pooled"] == pytest.approx(np.average(loss, weights=weight), rel=1e-6)


def test_subgroups_without_target_labels_are_not_silently_left_out():
    X, y, rows = table()
    m = Guarded({"pooled": Pooled(task="regression")}, task="regression")
    m.fit(X, y, **rows, labelled=rows["domain"] == "s", subgroups={"sex": np.resize(["f", "m"], len(y))})
    assert "Subgroups were not compared" in m.report_["reason"]


class Level:
    """Stands for a network: the features of an image are those that its path names, as in "3.5/7.png"."""

    def transform(self, X):
        seen = [float(path.split("/")[0]) for path in X["image"]]
        rng = np.random.default_rng(0)
        return np.outer(seen, np.ones(40)) + 0.1 * rng.normal(size=(len(seen), 40))


class Bright(Spy):
    """Right on images above a level, wrong below it."""

    def __init__(self, above=True):
        self.above = above

    def predict_proba(self, X):
        level = np.array([float(p.split("/")[0]) for p in X["image"]])
        kind = np.array([int(p.split("/")[1]) for p in X["image"]])
        right = (level > 0) == self.above
        said = np.where(right, kind, 1 - kind)
        return np.eye(2)[said] * 0.8 + 0.1


def levels(mean_source, mean_target, n=200):
    """Image paths that name their level and class; the target has no labels."""
    rng = np.random.default_rng(3)
    level = np.r_[rng.normal(mean_source, 1.0, n), rng.normal(mean_target, 1.0, n // 2)]
    kind = rng.integers(0, 2, len(level))
    X = pd.DataFrame(
        {"image": [f"{a:.4f}/{k}/{i}" for i, (a, k) in enumerate(zip(level, kind, strict=True))]}
    )
    domain = np.repeat(["s", "t"], [n, n // 2])
    rows = {"domain": domain, "target": "t", "labelled": domain == "s", "groups": np.arange(len(X))}
    return X, kind, rows


def test_images_are_weighted_by_the_features_of_a_network():
    X, y, rows = levels(-0.5, 0.7)
    arms, control = {"bright": Bright()}, Bright(above=False)
    m = Guarded(arms, control, featuriser=Level()).fit(X, y, **rows)
    assert m.choice_ == "bright" and "without target labels" in m.report_["reason"]
    plain = {r["name"]: r["value"] for r in m.report_["table"]}
    assert plain["bright"] < plain["control"]
    # On the source as it is, the control is the better one.
    at = rows["domain"] == "s"
    fitted = [Bright(above).fit(X, y, **rows) for above in (False, True)]
    assert fitted[0].score(X[at], y[at]) > fitted[1].score(X[at], y[at])
    assert Guarded(arms, control).fit(X, y, **rows).choice_ == "control"


def test_where_scanners_do_not_overlap_nothing_is_fitted_inside_and_the_control_is_kept():
    X, y, rows = levels(-6.0, 6.0)
    Spy.seen.clear()
    m = Guarded({"bright": Bright()}, Bright(above=False), featuriser=Level()).fit(X, y, **rows)
    assert m.choice_ == "control" and "too few to choose by" in m.report_["reason"]
    assert len(Spy.seen) == 1  # the control itself


def test_the_way_there_and_back_needs_no_numbers():
    X, y, rows = levels(0.0, 0.0)
    m = Guarded({"bright": Bright()}, Bright(above=False), unlabelled="circular").fit(X, y, **rows)
    assert "there and back" in m.report_["reason"]
