"""Only the rows that a step keeps teach, and every row is predicted."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import laplace
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.estimator_checks import check_estimator

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.graft import load
from medgraft.graft.save import save
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.prepare.cleanse import Cleanse
from medgraft.methods.prepare.subset import Subset
from medgraft.trial.arms import build
from medgraft.trial.tasks import fit


class Seen(ClassifierMixin, BaseEstimator):
    """Remembers what it was taught with."""

    def fit(self, X, y, *, domain=None, target=None, labelled=None, sample_weight=None, groups=None):
        self.X_, self.y_, self.groups_, self.domain_ = X, y, groups, domain
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def taught(step, X, y, **columns):
    return step.fit(X, y, **columns).best_


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """24 images of noise, sharper and richer in contrast from the first to the last; two classes."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    paths = []
    for i in range(24):
        pixels = np.clip(128 + (4 + 3 * i) * rng.normal(size=(40, 40)), 0, 255).astype(np.uint8)
        paths.append(str(folder / f"{i:02d}.png"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_scikit_learn_accepts_an_arm_on_a_share_of_the_rows():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(Subset(Pooled(), share=0.9), on_fail=None)
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    # A row of weight two is one row, a row twice is two: they are not drawn alike.
    assert failed == ["check_sample_weight_equivalence_on_dense_data"]


def test_a_share_is_that_of_each_class_and_a_smaller_one_is_part_of_a_larger():
    X, y = np.arange(60.0)[:, None], np.repeat([0, 1], [40, 20])
    sets = {}
    for share in (0.1, 0.25, 0.5, 1.0):
        model = taught(Subset(Seen(), share=share), X, y)
        assert np.bincount(model.y_).tolist() == [round(40 * share), round(20 * share)]
        sets[share] = set(model.X_[:, 0])
    assert sets[0.1] < sets[0.25] < sets[0.5] < sets[1.0]


def test_patients_are_drawn_whole_and_other_domains_and_unlabelled_rows_stay():
    n = 80
    X, y = np.arange(float(n))[:, None], np.tile([0, 0, 1, 1], n // 4)
    patient = np.arange(n) // 2
    site = np.where(np.arange(n) < 20, "far", "near")
    labelled = np.arange(n) < 60
    model = taught(
        Subset(Seen(), share=0.5), X, y, groups=patient, domain=site, target="near", labelled=labelled
    )
    kept = set(model.X_[:, 0].astype(int))
    assert set(range(20)) | set(range(60, 80)) <= kept
    own = kept & set(range(20, 60))
    assert len(own) == 20 and {i ^ 1 for i in own} == own  # both rows of a patient, or none


def test_the_sharpest_are_those_of_the_largest_variance_of_the_laplacian(images):
    X, y = pd.DataFrame({"image": images}), np.tile([0, 1], 12)
    for by, measure in (
        ("sharpness", lambda a: laplace(a, mode="nearest")[1:-1, 1:-1].var()),
        ("contrast", lambda a: a.std()),
    ):
        score = np.array([measure(np.asarray(Image.open(p), dtype=float)) for p in images])
        expected = {
            images[i] for k in (0, 1) for i in sorted(np.flatnonzero(y == k), key=lambda i: -score[i])[:3]
        }
        assert set(taught(Subset(Seen(), share=0.25, by=by), X, y).X_["image"]) == expected


def test_the_order_of_the_rows_does_not_decide_which_are_sharpest(images):
    X, y = pd.DataFrame({"image": images}), np.tile([0, 1], 12)
    order = np.random.default_rng(1).permutation(24)
    kept = [
        set(
            taught(Subset(Seen(), share=0.5, by="sharpness"), X.iloc[o].reset_index(drop=True), y[o]).X_[
                "image"
            ]
        )
        for o in (np.arange(24), order)
    ]
    assert kept[0] == kept[1]


def test_black_images_and_copies_do_not_teach_and_the_caller_keeps_them(images, tmp_path):
    Image.new("L", (40, 40)).save(tmp_path / "black.png")
    shutil.copy(images[3], tmp_path / "copy.png")
    X = pd.DataFrame({"image": [*images, str(tmp_path / "black.png"), str(tmp_path / "copy.png")]})
    y, before = np.tile([0, 1], 13), X.copy()
    model = Cleanse(Seen()).fit(X, y)
    assert list(model.best_.X_["image"]) == images
    assert model.note_ == "24 of 26 training rows were kept."
    assert len(model.predict(X)) == 26 and X.equals(before)


def test_a_class_of_bad_images_alone_keeps_them(images, tmp_path):
    paths = []
    for i in range(2):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.new("L", (40, 40), i).save(paths[-1])
    X, y = pd.DataFrame({"image": [*images, *paths]}), np.repeat([0, 1], [24, 2])
    assert list(taught(Cleanse(Seen()), X, y).X_["image"]) == [*images, *paths]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Subset(Pooled(), share=0), "share above 0"),
        (Subset(Pooled(), by="size"), "ranks by random, sharpness, contrast"),
        (Subset(Pooled(), by="sharpness"), "looks at images"),
        (Cleanse(Pooled()), "looks at images"),
    ],
)
def test_a_wrong_setting_or_kind_is_refused_in_a_sentence(step, said):
    with pytest.raises(MedgraftError, match=said):
        step.fit(np.arange(20.0)[:, None], np.tile([0, 1], 10))


def test_an_arm_with_a_step_is_the_arm_on_what_it_keeps(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    frame["ill"] = np.where(frame["a"] + rng.normal(size=80) > 0, "yes", "no")
    cohort = mg.read(frame, label="ill")
    trial = mg.Trial(cohort, ["target-only", "target-only+subset:share=0.5"], folds=2)
    plain, halved = (fit(build(a, trial.bench, 0), trial.arrays, trial.splits[0]) for a in trial.arms)
    assert halved.note_.startswith("20 of 40 training rows were kept.")
    assert type(halved.best_) is type(plain)
    save(tmp_path, halved, cohort, {})
    np.testing.assert_array_equal(
        load(tmp_path).model.predict_proba(cohort.X), halved.predict_proba(cohort.X)
    )
