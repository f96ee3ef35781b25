"""A graft calibrated for a place: what is fitted, what is told, what is kept."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import medgraft as mg
from medgraft.evidence.calibration import Platt, Temperature
from medgraft.evidence.conformal import ConformalSets, covered
from medgraft.graft import Graft, save
from medgraft.graft import use as uses
from medgraft.graft.calibrate import calibrate
from medgraft.graft.recipe import Recipe
from samples import two_sites


class Told:
    """A model that says what stands in its columns."""

    def __init__(self, k):
        self.classes_ = np.arange(k)

    def predict_proba(self, X):
        return X.to_numpy(dtype=float)

    def predict(self, X):
        return X.to_numpy(dtype=float)[:, 0]


def graft_of(classes, task=None, **more):
    """A graft whose input columns p0, p1, ... are its probabilities, or p0 its value."""
    k = 1 if classes is None else len(classes)
    columns = [{"name": f"p{i}", "kind": "number", "levels": None} for i in range(k)]
    task = task or ("regression" if classes is None else "binary" if k == 2 else "multiclass")
    manifest = {"kind": "table", "task": task, "classes": classes, "schema": {"columns": columns}, **more}
    return Graft(manifest, Told(k), uses.Path("nowhere"))


def patients(p, y, group=None, **roles):
    """A cohort of probabilities (n, K) or (n,), and labels."""
    p = np.asarray(p, dtype=float)
    frame = pd.DataFrame(p.reshape(len(p), -1)).rename(columns=lambda i: f"p{i}")
    frame["case"] = np.arange(len(p)) + 0.5  # so that patients without a group are no copies of each other
    frame["ill"] = np.asarray(y)
    if group is not None:
        frame["who"] = group
        roles["group"] = "who"
    return mg.read(frame, label="ill", **roles)


def drawn(n, seed=0, shift=-1.0):
    """Probabilities of a model that is too timid and too high, and what happened."""
    rng = np.random.default_rng(seed)
    line = 1.5 * rng.normal(size=n)
    y = np.where(rng.random(n) < expit(line + shift), "yes", "no")
    event = expit(0.5 * line + 1)
    return np.stack([1 - event, event], axis=1), y


TWO = ["no", "yes"]


def test_a_temperature_by_hand():
    p, y = [[0.1, 0.9]] * 40, ["yes"] * 30 + ["no"] * 10  # odds of 9 were odds of 3: their square root
    use = calibrate(graft_of(TWO), patients(p, y), method="temperature", level=None)
    assert use.recalibrator.temperature_ == pytest.approx(2)
    np.testing.assert_allclose(use.probabilities(np.array([[0.1, 0.9]])), [[0.25, 0.75]])


@pytest.mark.parametrize(("rare", "found"), [(10, "prior-shift"), (19, "prior-shift"), (20, "platt")])
def test_auto_takes_ten_patients_of_the_rarer_class_for_each_number(rare, found):
    p, _ = drawn(60)
    y = ["yes"] * rare + ["no"] * (60 - rare)
    p = p[np.argsort(-p[:, 1])]  # ranked rightly
    use = calibrate(graft_of(TWO), patients(p, y), level=None)
    assert use.recalibrator.kind == found


@pytest.mark.parametrize(("rare", "found"), [(3, "temperature"), (19, "temperature"), (20, "vector")])
def test_of_several_classes_auto_asks_twenty_patients_of_each_for_vector_scaling(rare, found):
    y = np.repeat([0, 1, 2], [rare, 40, 30])
    p = (np.random.default_rng(0).dirichlet(np.ones(3), len(y)) + np.eye(3)[y]) / 2
    use = calibrate(graft_of(["a", "b", "c"]), patients(p, np.array(["a", "b", "c"])[y]), level=None)
    assert use.recalibrator.kind == found


def test_the_stated_prevalence_is_what_a_constant_model_then_tells():
    p, y = [[0.2, 0.8]] * 60, ["yes"] * 30 + ["no"] * 30
    use = calibrate(graft_of(TWO), patients(p, y), level=None, prevalence=0.1)
    np.testing.assert_allclose(use.probabilities(np.array([[0.2, 0.8]])), [[0.9, 0.1]], rtol=1e-6)
    # of 4 to 1 came 1 to 1, and 1 to 9 is said of the place: odds are divided by 36
    np.testing.assert_allclose(use.probabilities(np.array([[0.5, 0.5]])), [[36 / 37, 1 / 37]], rtol=1e-6)


def test_sets_without_recalibration_are_the_order_statistic_by_hand():
    p, y = drawn(59)
    use = calibrate(graft_of(TWO), patients(p, y), method="none", level=0.8, by_class=False)
    code = (y == "yes").astype(int)
    q = np.sort(1 - p[np.arange(59), code])[48 - 1]  # the 60 * 0.8 smallest of 59
    new, _ = drawn(50, seed=1)
    said = use.columns(new, TWO)["set"]
    hand = [[n for n, k in zip(TWO, row, strict=True) if 1 - k <= q] for row in new]
    assert said.tolist() == ["|".join(names) or "none" for names in hand]


@pytest.mark.parametrize(("rare", "each"), [(12, True), (11, False)])
def test_sets_are_promised_for_each_class_where_each_has_patients_enough(rare, each):
    y = np.repeat(["no", "yes"], [60, rare])
    score = np.random.default_rng(3).normal(size=60 + rare) + (y == "yes")
    p = np.stack([1 / (1 + np.exp(score)), 1 / (1 + np.exp(-score))], axis=1)
    use = calibrate(graft_of(TWO), patients(p, y), method="none")
    asked = calibrate(graft_of(TWO), patients(p, y), method="none", by_class=each)
    assert use.to_dict() == asked.to_dict()
    assert use.conformal.by_class is use.evidence["conformal"]["for_each_class"] is each
    assert ("for each class" if each else "for all together") in use.sentence()


def test_a_promise_for_all_together_is_refused_where_the_prevalence_is_another():
    p, y = drawn(120)
    with pytest.raises(mg.MedgraftError, match="leave out --no-by-class, or --prevalence"):
        calibrate(graft_of(TWO), patients(p, y), prevalence=0.1, by_class=False)


def test_a_patient_who_is_like_none_has_the_set_none():
    sets = ConformalSets(0.2).fit(np.tile([[0.1, 0.9]], (20, 1)), np.ones(20, dtype=int))
    use = uses.Use(None, sets, None, False, {"patients": 20})
    assert use.columns(np.array([[0.5, 0.5], [0.05, 0.95]]), TWO)["set"].tolist() == ["none", "yes"]


@pytest.mark.parametrize(("by_class", "method"), [(False, "platt"), (True, "platt"), (False, "none")])
def test_sets_hold_the_truth_as_often_as_asked_on_average_over_many_draws(by_class, method):
    recipe, held = Recipe(method, 0.9, by_class), []
    for seed in range(300):
        p, y = drawn(40, seed)
        code = (y == "yes").astype(int)
        if code.sum() < 10:
            continue
        curve, sets = (fit(p, code, np.arange(40)) for fit in (recipe.recalibrator, recipe.conformal))
        new, truth = drawn(300, seed + 10_000)
        told = new if curve is None else curve.transform(new)
        held.append(covered((truth == "yes").astype(int), sets.predict(told)).mean())
    assert len(held) > 200 and np.mean(held) > 0.89, np.mean(held)


def test_intervals_hold_the_value_as_often_as_asked_on_average_over_many_draws():
    held = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=340)
        y = x + rng.standard_t(3, 340)
        fitted = Recipe("none", 0.9).conformal(x[:40], y[:40], np.arange(40))
        held.append(covered(y[40:], fitted.predict(x[40:])).mean())
    assert 0.89 < np.mean(held) < 0.92


def test_intervals_by_hand():
    truth = np.linspace(0.0, 9.0, 39)
    error = np.arange(1, 40) * 0.25
    use = calibrate(graft_of(None), patients(truth + error, truth, task="regression"))
    found = use.columns(np.array([10.0]), None)
    np.testing.assert_allclose([found["low"][0], found["high"][0]], [1, 19])  # the 36th of 39 errors


def test_the_evidence_is_that_of_a_naive_loop_over_the_folds():
    p, y = drawn(120)
    code = (y == "yes").astype(int)
    graft, data = graft_of(TWO), patients(p, y)
    use = calibrate(graft, data, by_class=False, rule="specificity", value=0.8)
    order = np.lexsort(
        (
            pd.util.hash_pandas_object(data.table, index=False),
            np.unique(data.content(), return_inverse=True)[1],
        )
    )
    p, code, who = p[order], code[order], np.arange(120)
    fold = Recipe().folds(p, code, who)
    told, flag, inside = np.empty_like(p), np.empty(120, bool), np.empty(120, bool)
    for f in range(5):
        new, rest = fold == f, fold != f
        curve = Platt().fit(p[rest], code[rest])
        told[new] = curve.transform(p[new])
        inner = Recipe().folds(p[rest], code[rest], who[: rest.sum()])
        own = np.empty((rest.sum(), 2))
        for g in range(5):
            own[inner == g] = (
                Platt().fit(p[rest][inner != g], code[rest][inner != g]).transform(p[rest][inner == g])
            )
        q = np.sort(1 - own[np.arange(rest.sum()), code[rest]])[int(np.ceil((rest.sum() + 1) * 0.9)) - 1]
        inside[new] = (1 - told[new])[np.arange(new.sum()), code[new]] <= q
        none = np.sort(p[rest, 1][code[rest] == 0])
        lowest = min(
            t for t in p[rest, 1] if (none < t).sum() / (len(none) + 1) >= 0.8 - 1e-12
        )  # of a share that pays for the choice
        flag[new] = p[new, 1] >= lowest
    found = use.evidence
    loss = -np.log(told[np.arange(120), code]).mean()
    assert found["calibration"]["after"]["log_loss"] == pytest.approx(loss)
    assert found["calibration"]["before"]["brier"] == pytest.approx(((p[:, 1] - code) ** 2).mean())
    assert found["conformal"]["coverage"] == pytest.approx(inside.mean())
    assert found["decision"]["specificity"]["value"] == pytest.approx((~flag)[code == 0].mean())
    assert found["decision"]["sensitivity"]["value"] == pytest.approx(flag[code == 1].mean())


def test_the_threshold_of_a_cost_counts_at_the_stated_prevalence():
    p, y = drawn(150, seed=3)
    code, event = (y == "yes").astype(int), p[:, 1]
    use = calibrate(graft_of(TWO), patients(p, y), level=None, rule="cost", value=4.0, prevalence=0.15)

    def loss(t):
        miss, alarm = (event < t)[code == 1].mean(), (event >= t)[code == 0].mean()
        return 4.0 * 0.15 * miss + 0.85 * alarm

    best = min(np.append(event, 2.0), key=loss)
    flagged = use.point.decide(use.probabilities(p))
    assert use.point.value == 4.0
    assert loss(event[flagged].min()) == pytest.approx(loss(best))


def test_the_decision_is_a_class_by_the_threshold_on_what_is_told():
    p, y = drawn(120)
    use = calibrate(graft_of(TWO), patients(p, y), level=None, rule="sensitivity", value=0.9)
    told = use.probabilities(p)[:, 1]
    said = use.columns(use.probabilities(p), TWO)["decision"]
    np.testing.assert_array_equal(said, np.where(told >= use.point.threshold, "yes", "no"))
    n = (y == "yes").sum()
    assert (said == "yes")[y == "yes"].sum() == int(np.ceil(0.9 * (n + 1)))


@pytest.mark.parametrize("grouped", [True, False])
def test_the_order_of_the_rows_changes_nothing(grouped):
    p, y = drawn(120)
    who = np.array([f"w{i // 2}" for i in range(120)], dtype=object)
    who[:6] = None  # patients of their own
    data = patients(p, y, who if grouped else None)
    turned = data.select(np.random.default_rng(1).permutation(120))
    first, second = (
        calibrate(graft_of(TWO), d, rule="sensitivity", value=0.8).to_dict() for d in (data, turned)
    )
    assert first == second


def test_a_patient_counts_once_however_many_rows_there_are():
    p, y = drawn(80)
    who = np.arange(80)
    one = calibrate(graft_of(TWO), patients(p, y, [f"w{w}" for w in who]))
    rows = np.repeat(who, 1 + 2 * (who % 2))
    several = calibrate(graft_of(TWO), patients(p[rows], y[rows], [f"w{w}" for w in rows]))
    assert several.evidence["patients"] == 80 and several.evidence["rows"] == 160
    assert several.recalibrator.slope_ == pytest.approx(one.recalibrator.slope_)
    assert several.conformal.to_dict()["alpha"] == pytest.approx(0.1)


def test_no_fold_has_a_patient_on_both_sides():
    p, y = drawn(90)
    unit = np.arange(90) // 3
    fold = Recipe().folds(p, (y == "yes").astype(int), unit)
    assert all(len(set(fold[unit == u])) == 1 for u in range(30)) and len(set(fold)) == 5


def test_patients_whose_rows_are_joined_are_calibrated_as_patients():
    p, y = drawn(60, seed=5, shift=0.0)
    noise = np.random.default_rng(0).uniform(-0.05, 0.05, 60)
    both = np.concatenate([p + np.c_[-noise, noise], p - np.c_[-noise, noise]]).clip(0, 1)
    who = [f"w{i:02d}" for i in range(60)] * 2
    graft = graft_of(TWO, aggregate={"how": "mean", "group": "who"})
    data = patients(both, np.tile(y, 2), who)
    use = calibrate(graft, data, level=0.8, rule="sensitivity", value=0.8)
    plain = calibrate(graft_of(TWO), patients(p, y, who[:60]), level=0.8, rule="sensitivity", value=0.8)
    assert use.joined and use.evidence["patients"] == use.evidence["rows"] == 60
    assert use.recalibrator.slope_ == pytest.approx(plain.recalibrator.slope_)
    assert use.point.threshold == pytest.approx(plain.point.threshold)
    ready = Graft(graft.manifest, graft.model, graft.path, use)
    table = ready.table(data)
    assert len(table) == 60 and {"set", "decision"} <= set(table)
    np.testing.assert_allclose(table["p_yes"], use.recalibrator.transform(p)[:, 1])
    with pytest.raises(mg.MedgraftError, match="calibrated for patients"):
        ready.predict_proba(data)
    np.testing.assert_array_equal(ready.predict_proba(data, calibrated=False), both)
    single = mg.read(data.table.drop(columns="who"), label="ill")
    with pytest.warns(UserWarning, match="was not applied to single rows"):
        raw = ready.table(single)
    pd.testing.assert_frame_equal(raw, graft.table(single))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_calibrated_graft_read_back_tells_the_same_to_the_last_bit(task, tmp_path):
    cohort = mg.read(two_sites(task=task), label="ill")
    model = mg.methods["target-only"](task="regression" if task == "regression" else "classification")
    save(tmp_path / "g", model.fit(cohort.X, cohort.y), cohort, {"arm": "target-only"})
    before = {p.name: p.read_bytes() for p in (tmp_path / "g").iterdir()}
    graft = mg.load(tmp_path / "g")
    new = mg.read(two_sites(seed=5, task=task), label="ill")
    more = {"rule": "sensitivity", "value": 0.8} if task == "binary" else {}
    use = calibrate(graft, new, **more)
    uses.write(graft, use, tmp_path / "ready")
    assert {p.name: p.read_bytes() for p in (tmp_path / "g").iterdir()} == before
    again, fresh = mg.load(tmp_path / "ready"), two_sites(seed=6, task=task).drop(columns="ill")
    table = again.table(fresh)
    pd.testing.assert_frame_equal(
        table, Graft(graft.manifest, graft.model, graft.path, use).table(fresh), check_exact=True
    )
    if task == "regression":
        assert table.columns.tolist() == ["row", "prediction", "low", "high"]
        np.testing.assert_array_equal(again.predict(fresh), graft.predict(fresh))
        return
    np.testing.assert_array_equal(again.predict_proba(fresh, calibrated=False), graft.predict_proba(fresh))
    np.testing.assert_array_equal(again.predict_proba(fresh), use.probabilities(graft.predict_proba(fresh)))
    np.testing.assert_array_equal(again.predict(fresh), table["prediction"])
    assert repr(again).endswith(", calibrated)") and not repr(graft).endswith(", calibrated)")
    assert (
        graft.use is None
        and graft.table(fresh).columns.tolist() == table.columns.tolist()[: 2 + len(graft.classes)]
    )


def leaves(value):
    """Every value in JSON, and every list's length."""
    if isinstance(value, dict):
        return [x for v in value.values() for x in leaves(v)]
    if isinstance(value, list):
        assert len(value) <= 3, "a list as long as the patients"
        return [x for v in value for x in leaves(v)]
    return [value]


def test_what_is_kept_is_numbers_and_names_of_classes_and_methods():
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 120)]
    use = calibrate(graft_of(["a", "b", "c"]), patients(rng.dirichlet(np.ones(3), 120), y), by_class=True)
    saved = json.loads(json.dumps(use.to_dict(), allow_nan=False))
    words = {x for x in leaves(saved) if isinstance(x, str)}
    assert words <= {"vector", "sets", "lac"}
    assert set(saved["evidence"]["conformal"]["by_class"]) == {"a", "b", "c"}
    assert uses.Use.from_dict(saved).to_dict() == use.to_dict()


@pytest.fixture
def ready(tmp_path):
    cohort = mg.read(two_sites(), label="ill")
    save(tmp_path / "g", mg.methods["target-only"]().fit(cohort.X, cohort.y), cohort, {})
    graft = mg.load(tmp_path / "g")
    uses.write(graft, calibrate(graft, mg.read(two_sites(seed=5), label="ill")), tmp_path / "ready")
    return tmp_path / "ready"


def test_a_use_that_was_changed_is_missing_or_damaged_is_refused(ready):
    path, manifest = ready / "use.json", ready / "graft.json"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"0.", b"1.", 1))
    with pytest.raises(mg.MedgraftError, match=r"'use.json' is not the file that was saved"):
        mg.load(ready)
    path.write_bytes(b'{"recalibrator": 3}')
    said = json.loads(manifest.read_text())
    said["use"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(said))
    with pytest.raises(mg.MedgraftError, match=r"its use.json cannot be used"):
        mg.load(ready)
    path.unlink()
    with pytest.raises(mg.MedgraftError, match=r"'use.json' is missing"):
        mg.load(ready)


def test_an_older_medgraft_would_refuse_it_and_what_is_not_calibrated_stays_readable(ready):
    assert json.loads((ready / "graft.json").read_text())["format"] == 2
    assert json.loads((ready.parent / "g" / "graft.json").read_text())["format"] == 1


def test_a_calibrated_graft_is_not_calibrated_again(ready):
    with pytest.raises(mg.MedgraftError, match="calibrated already"):
        calibrate(mg.load(ready), mg.read(two_sites(seed=7), label="ill"))


def test_nothing_that_is_there_is_written_over(ready):
    graft = mg.load(ready.parent / "g")
    use = mg.load(ready).use
    for place, words in (
        (ready, "there already"),
        (graft.path / "new", "within the graft"),
        (ready / "x" / "y", "does not"),
    ):
        with pytest.raises(mg.MedgraftError, match=words):
            uses.write(graft, use, place)


P60, Y60 = drawn(60, seed=4)
P120, Y120 = drawn(120)


@pytest.mark.parametrize(
    ("classes", "n", "settings", "words"),
    [
        (TWO, 60, {"method": "isotonic"}, "no recalibration 'isotonic'"),
        (TWO, 60, {"level": 1.5}, "--sets is the share"),
        (TWO, 60, {"level": None, "method": "none"}, "nothing to fit"),
        (TWO, 60, {"prevalence": 1.0}, "--prevalence is the share"),
        (TWO, 60, {"prevalence": 0.1, "method": "platt"}, "moves the intercept and nothing else"),
        (TWO, 60, {"rule": "sensitivity", "value": 1.0}, "needs the share of events"),
        (TWO, 60, {"rule": "cost", "value": 0.0}, "needs how many false alarms"),
        (TWO, 60, {"rule": "sensitivity", "value": 0.99}, "a sensitivity of 0.99 needs 124"),
        (TWO, 60, {"level": 0.99}, "60 labelled patients, and 124 are needed"),
        (TWO, 19, {}, "19 labelled patients, and 20 are needed"),
        (TWO, 30, {"level": 0.95, "by_class": True, "method": "none"}, "each class needs 24"),
        (None, 60, {"method": "platt"}, "predicts a number, which gets an interval"),
        (None, 60, {"rule": "cost", "value": 2.0}, "predicts a number: a threshold"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(classes, n, settings, words):
    y = Y60 if classes is not None else np.linspace(0.1, 1, 60)
    data = patients(P60[:n, : 1 if classes is None else 2], y[:n])
    with pytest.raises(mg.MedgraftError, match=words) as error:
        calibrate(graft_of(classes), data, **settings)
    assert "\n" not in str(error.value)


def test_patients_that_do_not_fit_the_graft_are_refused():
    p, y = P60, Y60
    few = patients(p, ["yes"] * 9 + ["no"] * 51)
    with pytest.raises(mg.MedgraftError, match="9 patients are not of the class 'no'.* needs 10"):
        calibrate(graft_of(TWO), few)
    with pytest.raises(mg.MedgraftError, match="--method platt needs 20 of it"):
        calibrate(graft_of(TWO), patients(p, ["yes"] * 19 + ["no"] * 41), method="platt")
    with pytest.raises(mg.MedgraftError, match=r"no classes of the graft: perhaps; it knows no, yes"):
        calibrate(graft_of(TWO), patients(p, ["perhaps"] * 30 + ["no"] * 30))
    whole = mg.read(patients(p, y).table, label="ill")
    with pytest.raises(mg.MedgraftError, match="All patients are of the class 'no'"):
        calibrate(graft_of(TWO), whole.select(np.flatnonzero(np.append(y[:-1] == "no", True))[:-1]))
    for method, words in (("platt", "the wrong way round"), ("temperature", "No temperature helps")):
        with pytest.raises(mg.MedgraftError, match=words):
            calibrate(graft_of(TWO), patients(P120[:, ::-1], Y120), method=method)
    for task, words in (("multilabel", "several labels"), ("segmentation", "outlines")):
        with pytest.raises(mg.MedgraftError, match=words):
            calibrate(graft_of(TWO, task), patients(p, y))
    with pytest.raises(mg.MedgraftError, match="say with --group"):
        calibrate(graft_of(TWO, aggregate={"how": "mean", "group": "who"}), patients(p, y))


def test_the_data_and_the_random_state_are_left_alone():
    data = patients(P60, Y60)
    before, state = data.table.copy(), np.random.get_state()[1].copy()
    calibrate(graft_of(TWO), data)
    pd.testing.assert_frame_equal(data.table, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_temperature_never_changes_the_most_probable_class():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 200)
    use = uses.Use(Temperature().fit(p, rng.integers(0, 4, 200)), None, None, False, {"patients": 200})
    np.testing.assert_array_equal(use.probabilities(p).argmax(axis=1), p.argmax(axis=1))
