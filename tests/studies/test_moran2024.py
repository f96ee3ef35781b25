"""[40]: how stand-ins become signals that are ill or healthy, and that pictures show the difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.cohort.media import open_sample
from medgraft.sources.views import read_view
from medgraft.studies.moran2024 import ill_or_not, small


def test_rows_of_beats_become_signals_of_one_lead_with_the_same_numbers(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 140)).round(3)
    table = pd.DataFrame(values).add_prefix("v").assign(kind=np.repeat([1, 2, 5], 4))
    cohort = mg.read(table, label="kind", task="multiclass", features=[f"v{k}" for k in range(140)])
    made = ill_or_not(cohort, tmp_path / "beats")
    assert made.classes == ["healthy", "ill"] and made.positive == "ill"
    assert made.y.tolist() == [0] * 4 + [1] * 8
    signal = open_sample("signal", made.table["signal"].iloc[7])
    assert signal.rate == 140 and np.allclose(signal.values[0], values[7], atol=1e-6)


def test_any_diagnosis_but_normal_is_ill_and_patients_stay(tmp_path):
    own = small(tmp_path, 0)
    names = np.resize(["NORM", "MI", "HYP"], own.n)
    frame = own.table.assign(label=names, device="a")
    cohort = mg.read(frame, label="label", signal="signal", group="patient", domain="device")
    made = ill_or_not(cohort, tmp_path / "unused")
    assert made.y.tolist() == [int(n != "NORM") for n in names]
    assert made.group == "patient" and made.domain is None and made.features == ()
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize("picture", ["scalogram", "stockwell"])
def test_pictures_show_ill_and_healthy_people_at_other_heights(picture, tmp_path):
    cohort = small(tmp_path, 3)
    view = read_view(f"{picture}:size=32", "signal")
    height = []
    for ref in cohort.table["signal"]:
        drawn = np.asarray(view.picture(open_sample("signal", ref)), dtype=float)
        height.append(drawn.mean(axis=tuple(range(1, drawn.ndim))).argmax())
    by = pd.Series(height).groupby(cohort.y).median()
    assert abs(by[0] - by[1]) >= 2


@pytest.mark.slow
def test_a_patients_windows_are_one_prediction_under_both_pictures(tmp_path):
    told = mg.studies["moran2024"].run(tmp_path, generated=True)
    assert [e["title"] for e in told["experiments"]] == ["ECG as scalogram", "ECG as stockwell"]
    for e in told["experiments"]:
        assert e["control"].startswith("scratch") and e["method"].startswith("finetune")
        assert any(a["name"].startswith("linear-probe") for a in e["arms"])
        assert e["n"] == 20  # people, not windows
