from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.studies import studies


@pytest.mark.slow
def test_the_vote_is_the_mean_of_three_kinds_of_trees_and_made_rows_are_tested_as_published_alone(tmp_path):
    told = studies["alturki2024"].run(tmp_path, generated=True, protocol="both")
    honest, published = told["honest"]["experiments"][0], told["as_published"]["experiments"][0]
    made = studies["alturki2024"].generated(tmp_path / "again", 0)
    assert honest["n"] == made.n  # every patient is tested once
    assert published["n"] == 2 * np.unique(made.y, return_counts=True)[1].max()  # and rows that SMOTE made
    for folder, steps in (("honest", "+knn-impute+smote"), ("as_published", "")):
        found = pd.read_parquet(tmp_path / folder / "kidney-disease" / "predictions.parquet")
        p = found.pivot(index="row", columns="arm", values="p_1")
        members = [a for a in p if a.startswith(f"target-only{steps}+") and ":" in a]
        assert len(members) == 3 and p[members].std(axis=1).max() > 0.1
        vote = next(a for a in p if a.startswith("soft-voting"))
        np.testing.assert_allclose(p[vote], p[members].mean(axis=1), atol=1e-9)
