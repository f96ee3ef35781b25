"""[32]: cells of subjects and of smears, networks for photographs and trunks of detectors."""

from __future__ import annotations

import pytest

from medgraft.sources import Pretrained
from medgraft.studies import studies
from planned import on_both_sides, trials_of


def test_cells_of_a_subject_or_smear_stay_together_when_honest_and_leak_as_published(tmp_path, monkeypatch):
    honest = trials_of("haque2024", tmp_path, monkeypatch)
    leaking = trials_of("haque2024", tmp_path, monkeypatch, protocol="as_published")
    assert [a.title for a in honest] == ["Leukaemic or healthy", "Kinds of cells"]
    for fair, leaky in zip(honest, leaking, strict=True):
        owner = fair.cohort.groups
        assert on_both_sides(fair.cohort, owner) == 0 and on_both_sides(leaky.cohort, owner) > 0


def test_features_go_to_learners_and_the_method_trains_what_the_control_starts_at_random(
    tmp_path, monkeypatch
):
    for asked in trials_of("haque2024", tmp_path, monkeypatch):
        assert asked.method.startswith("finetune:")
        assert asked.method.replace("finetune:", "scratch:") in asked.arms
        assert {arm.rpartition("+")[2] for arm in asked.arms if "+" in arm} == {"svm", "random-forest"}


def test_of_the_studys_networks_centernet_alone_has_no_weights_to_download():
    without = [name for name in studies["haque2024"].networks if not Pretrained(name).trained]
    assert without == ["medgraft:centernet_resnet18"]


def test_real_smears_are_read_as_cells_of_pictures(shared_data, tmp_path, monkeypatch):
    data = [shared_data("blood_cells_bccd")]
    (asked,) = trials_of("haque2024", tmp_path, monkeypatch, data=data, limit=20)
    assert asked.cohort.classes == ["Platelets", "RBC", "WBC"] and asked.cohort.n == 60
    assert asked.cohort.group == "picture" and asked.cohort.domain is None
    assert on_both_sides(asked.cohort, asked.cohort.groups) == 0


@pytest.mark.slow
def test_what_the_networks_knew_is_what_helps(tmp_path):
    told = studies["haque2024"].run(tmp_path, generated=True)
    assert [e["verdict"] for e in told["experiments"]] == ["helps", "helps"]
