"""[61]: two phases, and frames that tell the endoscope."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.groups import make_policy
from medgraft.sources import Pretrained
from medgraft.studies import studies
from medgraft.studies.kit.networks import stand_in
from medgraft.trial.arms import arm
from planned import on_both_sides, trials_of


@pytest.fixture
def asked(tmp_path, monkeypatch):
    return trials_of("kunjumon2024", tmp_path, monkeypatch)


def framed(cohort):
    """Which images have a black line along an edge."""
    pixels = (np.asarray(cohort.open_image(i).convert("L"), dtype=float) for i in range(cohort.n))
    return np.array([p[0].max() < 16 for p in pixels])


def test_frames_that_told_the_diagnosis_are_cut_off(asked):
    clean, raw = (a.cohort for a in asked)
    assert np.array_equal(clean.y, raw.y) and np.array_equal(clean.groups, raw.groups)
    before = framed(raw)
    assert not framed(clean).any() and before.any()
    assert raw.y[before].mean() - raw.y[~before].mean() > 0.25


def test_a_patient_is_never_on_both_sides(asked):
    for each in asked:
        assert on_both_sides(each.cohort, each.cohort.groups) == 0


def test_the_second_phase_releases_the_upper_blocks_at_once_and_the_baseline_all(asked):
    own, whole = (arm(name).settings for name in asked[0].arms[:2])
    blocks = list("abcde")
    rest = {"epochs": 3, "lr": 1e-3, "lr_decay": 0.7, "head_lr": 1e-3}
    two = make_policy(blocks, unfreeze=own["unfreeze"], gradual=own["gradual"], **rest)
    assert two.frozen == ("a", "b", "c") and [g.release for g in two.groups] == [0, 0]
    assert make_policy(blocks, unfreeze=whole["unfreeze"], gradual=whole["gradual"], **rest).frozen == ()
    assert f"linear-probe:source={own['source']}" in asked[0].arms  # the first phase alone


@pytest.mark.slow
def test_frozen_blocks_stay_while_released_ones_move(asked):
    cohort = asked[0].cohort
    settings = {k: v for k, v in arm(asked[0].method).settings.items() if k != "source"}
    model = FineTune(str(stand_in("shape")), device="cpu", **settings | {"epochs": 1})
    model.fit(cohort.X, cohort.y, groups=cohort.groups)
    before, after = Pretrained(str(stand_in("shape"))).load().tensors(), model.backbone_.tensors()
    moved = {n for n in before if not np.array_equal(before[n].numpy(), after[n].numpy())}
    assert any(n.startswith("layer3") for n in moved)
    assert not any(n.startswith(("conv1", "layer1")) for n in moved)


@pytest.mark.slow
def test_both_readings_are_told_the_one_without_frames_first(tmp_path):
    told = studies["kunjumon2024"].run(tmp_path, generated=True)
    assert [e["title"] for e in told["experiments"]] == ["Cancer or none", "Cancer or none, frames left on"]
    for e in told["experiments"]:
        assert "unfreeze=0.4" in e["method"] and e["control"].startswith("scratch:")
