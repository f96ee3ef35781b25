from __future__ import annotations

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.trial import Trial
from medgraft.trial.attributes import attributes
from medgraft.trial.flow import flow


def cohort():
    rng = np.random.default_rng(0)
    n = 120
    table = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "age": rng.integers(20, 90, n),
            "who": np.arange(n) // 2,
            "site": np.repeat(["a", "b"], n // 2),
            "ill": np.tile(["no", "no", "yes", "yes"], n // 4),
        }
    )
    table.loc[:3, "ill"] = None
    return mg.read(table, label="ill", domain="site", group="who", protected=["age"])


def test_the_flow_counts_samples_and_patients_of_source_and_target():
    found = flow(Trial(cohort(), ["target-only"], target="b", folds=3, labels_per_class=[4]))
    assert found["included"] == {"rows": 116, "patients": 58}
    assert found["source"] == {"rows": 56, "patients": 28}
    assert found["target"] == found["tested"] == {"rows": 60, "patients": 30}
    assert found["fits"] == 3
    assert found["learnt"] == [8, 8]
    assert found["hidden"] == [32, 32]  # 40 rows train in each of three folds
    assert found["left_out"] == ["4 of 120 rows have no label 'ill' and were left out."]


def test_predictions_carry_the_site_and_terciles_of_a_protected_age_but_not_the_age(tmp_path):
    trial = Trial(cohort(), ["target-only", "pooled"], target="b", folds=3)
    frame = trial.run(tmp_path / "run").predictions
    assert set(frame["domain"]) == {"b"}
    own = attributes(trial)["by:age"]
    assert (frame["by:age"].to_numpy() == own[frame["row"].to_numpy()]).all()
    assert frame["by:age"].nunique() == 3
