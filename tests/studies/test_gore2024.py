"""[44]: what the source taught is frozen, and the new head knows the target's classes alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.omics.frozen_generative import FrozenGenerative
from medgraft.studies.gore2024 import CANCERS, DISEASES, OWN, methylclock, small

SETTINGS = {"hidden": 16, "latent": 4, "epochs": 3}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return small(tmp_path_factory.mktemp("gore"), 0)


def _fit(cohort, y):
    model = FrozenGenerative(**SETTINGS)
    return model.fit(cohort.X, y, domain=cohort.domains, target="blood", groups=cohort.groups)


def _names(cohort):
    return np.array(cohort.classes, dtype=object)[cohort.y]


def test_labels_of_the_target_move_the_head_and_not_the_frozen_layers(cohort):
    y = _names(cohort)
    other = y.copy()
    blood = cohort.domains == "blood"
    other[blood] = np.random.default_rng(0).permutation(y[blood])
    one, two = _fit(cohort, y), _fit(cohort, other)
    assert all(np.array_equal(a, b) for a, b in zip(one.layers_, two.layers_, strict=True))
    assert not np.allclose(one.learner_.coef_, two.learner_.coef_)


def test_labels_of_the_source_shape_the_frozen_layers(cohort):
    y = _names(cohort)
    other = y.copy()
    tcga = cohort.domains == "tcga"
    other[tcga] = np.random.default_rng(0).permutation(y[tcga])
    one, two = _fit(cohort, y), _fit(cohort, other)
    assert not all(np.array_equal(a, b) for a, b in zip(one.layers_, two.layers_, strict=True))


def test_no_patient_is_said_to_have_a_cancer_of_the_source(cohort):
    model = _fit(cohort, _names(cohort))
    P = model.predict_proba(cohort.X[cohort.domains == "blood"])
    told = dict(zip(model.classes_, P.max(axis=0), strict=True))
    assert all(told[name] == 0 for name in set(CANCERS) - set(DISEASES))
    assert all(told[name] > 0 for name in DISEASES)


def test_brains_are_the_target_and_bloods_the_source_at_the_sites_that_both_have(tmp_path):
    values = {"GSM1": [0.1, 0.2, 0.3], "GSM2": [0.4, 0.5, 0.6], "GSM3": [0.7, 0.8, 0.9]}
    pd.DataFrame(values, index=["cg1", "cg2", "cg3"]).to_csv(tmp_path / OWN[0])
    told = {"geo_accession": ["GSM3", "GSM2", "GSM1"], "diseaseStatus": [1, 0, 1], "individual": [9, 8, 7]}
    pd.DataFrame(told).to_csv(tmp_path / OWN[1], index=False)
    blood = {"id": ["x", "y"], "cg3": [0.11, 0.12], "cg9": [0.0, 0.0], "cg1": [0.13, 0.14]}
    pd.DataFrame(blood).to_csv(tmp_path / OWN[2], index=False)
    cohort = methylclock(tmp_path)
    told = cohort.X.to_dict("list")
    assert told == {"cg3": [0.3, 0.6, 0.9, 0.11, 0.12], "cg1": [0.1, 0.4, 0.7, 0.13, 0.14]}
    assert _names(cohort).tolist() == ["autism", "control", "autism", "newborn", "newborn"]
    assert cohort.domains.tolist() == ["brain"] * 3 + ["cord"] * 2
    assert cohort.table["patient"].tolist() == ["brain 7", "brain 8", "brain 9", "cord x", "cord y"]


def test_a_folder_without_the_files_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(MedgraftError, match="has no gse38608_betas"):
        methylclock(tmp_path)
