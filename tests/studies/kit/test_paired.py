"""A method is seen beside the linear probe of its own network, on the same rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from medgraft.studies.kit.paired import beside_probe, probe_of

METHOD, PROBE = "finetune:source=b,epochs=3", "linear-probe:source=b"


def test_the_probe_is_that_of_the_methods_own_network_and_none_is_its_own_yardstick():
    arms = ["linear-probe:source=a", PROBE, METHOD, "finetune:source=c", "linear-probe:source=a+hopfield"]
    assert probe_of(arms, METHOD) == PROBE
    assert probe_of(arms, "finetune:source=c") is None
    assert probe_of(arms, "guarded") == "linear-probe:source=a"
    assert probe_of(arms, "linear-probe:source=a+hopfield") == "linear-probe:source=a"
    assert probe_of(arms, PROBE) is None
    assert probe_of([METHOD, "scratch:source=b"], METHOD) is None


@pytest.fixture
def outcome():
    """Predictions of 40 patients with two rows each: the method is right on 70 rows, the probe on 40."""
    y = np.tile([0, 0, 1, 1], 20)
    frames = []
    for arm, right in ((METHOD, 70), (PROBE, 40)):
        said = np.where(np.arange(80) < right, y, 1 - y)
        frame = pd.DataFrame({"row": np.arange(80), "group": np.arange(80) // 2, "y_true": y, "arm": arm})
        frames.append(frame.assign(p_0=1.0 - said, p_1=1.0 * said, repeat=0, fold=0, budget=-1))
    return SimpleNamespace(
        data={"metric": "accuracy", "budget": -1},
        predictions=pd.concat(frames, ignore_index=True),
        arms=[{"name": METHOD}, {"name": PROBE}],
    )


def test_the_gain_over_the_probe_is_paired_by_patient(outcome):
    told = beside_probe(outcome, METHOD)
    assert told["name"] == PROBE
    assert told["difference"] == pytest.approx(30 / 80)
    # Fifteen of 40 patients differ, by a whole point each; means of 40 such values move in steps of 1 / 40.
    per_patient = np.repeat([1.0, 0.0], [15, 25])
    error = per_patient.std() / np.sqrt(40)
    assert told["ci"][1] - told["ci"][0] == pytest.approx(2 * 1.96 * error, abs=2 / 40)


def test_who_is_the_method_gives_the_sign(outcome):
    swapped = outcome.predictions.assign(arm=outcome.predictions["arm"].map({METHOD: PROBE, PROBE: METHOD}))
    told = beside_probe(SimpleNamespace(**{**vars(outcome), "predictions": swapped}), METHOD)
    assert told["difference"] == pytest.approx(-30 / 80)
