"""Study 39: two networks' features, balanced by SMOTE inside the training part, and copies as the leak."""

from __future__ import annotations

from collections import Counter

import numpy as np

from medgraft.methods.finetune.scratch_fusion import ScratchFusion
from medgraft.methods.learners.prototypes import PrototypeLearner
from medgraft.methods.prepare.smote import Smote
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from planned import planned


def test_neighbours_read_both_networks_features_of_classes_that_smote_made_equal(tmp_path, monkeypatch):
    (plan,) = planned("otaibi2024", tmp_path, monkeypatch)
    model = plan.estimator(plan.method)
    assert type(model) is ScratchFusion and type(model.estimator) is Smote
    assert type(model.estimator.estimator) is PrototypeLearner
    seen = []
    fit = PrototypeLearner.fit

    def watch(self, X, y, *rest, **more):
        seen.append((np.shape(X), Counter(np.asarray(y).tolist())))
        return fit(self, X, y, *rest, **more)

    monkeypatch.setattr(PrototypeLearner, "fit", watch)
    codes = plan.cohort.y
    rows = np.concatenate([np.flatnonzero(codes == 0)[:12], np.flatnonzero(codes == 1)[:5]])
    part = plan.cohort.select(rows)
    model.set_params(epochs=1, own="medgraft:cifar_resnet20").fit(part.X, part.y, groups=part.groups)
    ((_, width), classes) = seen[-1]
    assert width == 64 + 64 and len(model.fused_.parts) == 2
    assert classes == {0: 12, 1: 12}  # seven of the second class were made, of training rows alone


def test_copies_of_one_slice_are_on_both_sides_only_as_published(tmp_path, monkeypatch):
    for protocol, column, leaks in (("honest", "patient", False), ("as_published", "original", True)):
        place = tmp_path / protocol
        place.mkdir()
        (plan,) = planned("otaibi2024", place, monkeypatch, protocol)
        assert (plan.on_both_sides(column) > 0) == leaks
        assert plan.cohort.n == (240 if leaks else 120)


def test_a_folder_that_fits_the_stand_in_is_not_taken_for_the_set_that_is_any_images(tmp_path):
    for name in ("Training/glioma/1.jpg", "Testing/glioma/2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert find(studies["otaibi2024"], [tmp_path], False, tmp_path, 0).kind == "stand-in"
    (tmp_path / "Testing/glioma").rename(tmp_path / "Testing/other")
    assert find(studies["otaibi2024"], [tmp_path], False, tmp_path, 0).kind == "published"
