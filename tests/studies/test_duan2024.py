"""[35]: outlines give radiomics, and the nomogram draws the weights of three scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import medgraft as mg
from medgraft.methods.learner import LogisticLearner
from medgraft.sources.radiomics import Radiomics, radiomic_rows
from medgraft.studies.duan2024 import CLINICAL, nomogram_of, small
from medgraft.trial import Result

SCORES = ["network", "radiomics", "clinical"]


def predictions(seed=0, n=60):
    """Held-out predictions of three arms and of another one, of which the first tells most."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    parts = []
    for arm, tells in zip([*SCORES, "scratch"], (2.0, 1.0, 0.5, 0.0), strict=True):
        p = expit(tells * (2 * y - 1) + rng.normal(size=n))
        parts.append(
            pd.DataFrame({"row": range(n), "repeat": 0, "arm": arm, "y_true": y, "p_0": 1 - p, "p_1": p})
        )
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=0)


def test_the_risks_on_the_nomogram_are_those_of_logistic_regression_on_the_three_scores():
    table = predictions()
    drawn = nomogram_of(Result({}, table), SCORES)
    wide = {arm: rows.sort_values("row") for arm, rows in table.groupby("arm")}
    Z = np.column_stack([logit(np.clip(wide[arm]["p_1"], 1e-3, 1 - 1e-3)) for arm in SCORES])
    naive = LogisticLearner().fit(Z, wide["network"]["y_true"].to_numpy())
    assert np.allclose(drawn.risk(Z), naive.predict_proba(Z)[:, 1], atol=1e-8)
    assert drawn.names == tuple(SCORES)


def test_the_outline_says_which_class_it_is_and_clinical_columns_too(tmp_path):
    cohort = small(tmp_path, 0)
    assert cohort.features == CLINICAL and cohort.positive == "high"
    X = cohort.X
    source = Radiomics(region="mask")
    rows = radiomic_rows(source, "image", list(X["image"]), list(cohort.table[cohort.mask]), None)
    round_or_square = rows[:, source.names(2).index("shape_sphericity@mask")]
    high = cohort.y == 1
    assert abs(np.corrcoef(round_or_square, high)[0, 1]) > 0.3
    assert cohort.table.loc[high, "size"].mean() > cohort.table.loc[~high, "size"].mean() + 3


@pytest.mark.slow
def test_the_nomogram_joins_the_three_scores_and_no_control(tmp_path):
    told = mg.studies["duan2024"].run(tmp_path, generated=True)
    headline, trial = told["experiments"]
    assert trial["method"].startswith("stacking") and trial["control"].startswith("scratch")
    assert headline["method"] == trial["method"] and headline["control"] == 'stacking:members="fusion*"'
    assert any("in points: network" in note for note in told["notes"])
