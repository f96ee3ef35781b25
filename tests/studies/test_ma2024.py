"""[36]: an encoder chosen by the label tells classes apart where there is nothing to tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from medgraft.cohort import generate, read
from medgraft.methods.learners.contrastive_vae import ContrastiveVAELearner
from medgraft.studies.kit.hippocampus import large_or_small
from medgraft.studies.kit.voxels import voxels
from medgraft.studies.ma2024 import by_label, halved, small


@pytest.fixture(scope="module")
def noise():
    """Patients and controls who do not differ in anything."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 20)), columns=[f"v{j}" for j in range(20)])
    frame["label"] = np.where(np.arange(80) % 2, "autism", "control")
    return read(frame, label="label", positive="autism")


def _accuracy(X, y):
    forest = RandomForestClassifier(100, random_state=0)
    return cross_val_score(forest, X, y, cv=4, scoring="accuracy").mean()


def test_the_encoder_chosen_by_the_label_finds_classes_in_noise(noise):
    assert _accuracy(by_label(noise, 0).X, noise.y) > 0.7  # by chance 0.5, and 0.06 around it


def test_both_encoders_for_every_row_find_none_in_noise(noise):
    X = noise.X.to_numpy()
    teach, test = np.arange(60), np.arange(60, 80)
    made = ContrastiveVAELearner(trees=1).fit(X[teach], noise.y[teach])
    forest = RandomForestClassifier(100, random_state=0)
    forest.fit(np.hstack(made.factors(X[teach])), noise.y[teach])
    assert forest.score(np.hstack(made.factors(X[test])), noise.y[test]) < 0.8  # of 20 rows: 16 right or more


def test_voxels_are_those_of_each_volume_scaled_by_itself(tmp_path):
    cohort = small(tmp_path, 0).select(np.arange(4))
    table = voxels(cohort, 8)
    assert table.kind == "table" and len(table.features) == 512 and table.group == cohort.group
    values = cohort.open("volume", 2).values
    own = (values - values.mean()) / values.std()
    assert np.allclose(table.X.to_numpy()[2], own.ravel(), atol=1e-4)


def test_patients_differ_from_controls_by_scatter_and_not_by_their_mean(tmp_path):
    table = voxels(small(tmp_path, 0), 8)
    X, ill = table.X.to_numpy(), table.y == 1
    # Three patterns in both, two more in patients: the fourth direction is noise in controls alone.
    fourth = [np.linalg.svd(part - part.mean(axis=0), compute_uv=False)[3] for part in (X[ill], X[~ill])]
    assert fourth[0] > 3 * fourth[1]
    gap = np.abs(X[ill].mean(axis=0) - X[~ill].mean(axis=0))
    assert gap.max() < 4 * np.sqrt(2 / ill.sum()) * X.std(axis=0).max()


def test_a_volume_is_large_if_its_outline_holds_more_than_the_median(tmp_path):
    made = generate.nifti(tmp_path, 7, seed=1)
    cohort = large_or_small(tmp_path)
    true = (made.table["organ_mm3"] + made.table["lesion_mm3"]).to_numpy()
    order = made.table["file"].argsort().to_numpy()
    large = np.array(cohort.classes, dtype=object)[cohort.y] == "large"
    assert large.sum() == 3
    assert true[order][large].min() > 0.98 * true[order][~large].max()  # counted voxels are not ellipsoids


def test_both_halves_have_as_many_of_each_class(noise):
    class Given:
        limit, seed = None, 0

    cohort = halved(noise, Given())
    counts = pd.crosstab(cohort.domains, cohort.y).to_numpy()
    assert (counts == 20).all()
