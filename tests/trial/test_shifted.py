from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.trial import Trial
from medgraft.trial.shifted import source_shift


def trial(gap, sites=("away", "home")):
    rng = np.random.default_rng(0)
    n = 80
    table = pd.DataFrame({"x": rng.normal(size=2 * n), "z": rng.normal(size=2 * n)})
    table["site"] = np.repeat(sites, n)
    table.loc[table["site"] == "away", "x"] += gap
    table["ill"] = np.where(rng.random(2 * n) < 0.5, "yes", "no")
    return Trial(mg.read(table, label="ill", domain="site"), ["target-only"], target="home", folds=3)


@pytest.mark.parametrize(("gap", "apart"), [(0.0, False), (2.0, True)])
def test_sites_that_differ_are_told_apart_and_equal_ones_are_not(gap, apart):
    found = source_shift(trial(gap))
    assert (found["discriminability"]["ci"][0] > 0.5) == apart
    assert (found["mmd_p"] < 0.05) == apart
    assert found["source_share"] == 0.5


def test_one_site_has_no_shift(tmp_path):
    assert source_shift(trial(0.0, ("home", "home"))) is None


def test_the_result_tells_it(tmp_path):
    result = trial(2.0).run(tmp_path / "run")
    assert "tells target from source" in result.data["shift"]["sentences"][0]
