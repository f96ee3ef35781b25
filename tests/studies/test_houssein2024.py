"""[34]: pretrained networks beside a CNN that learns from scratch."""

from __future__ import annotations

import pytest

from medgraft.studies import studies
from planned import on_both_sides, trials_of


def test_photographs_of_a_lesion_are_apart_as_published_alone(tmp_path, monkeypatch):
    (honest,) = trials_of("houssein2024", tmp_path, monkeypatch)
    (leaking,) = trials_of("houssein2024", tmp_path, monkeypatch, protocol="as_published")
    lesion = honest.cohort.groups
    assert on_both_sides(honest.cohort, lesion) == 0
    assert on_both_sides(leaking.cohort, lesion) > 0


def test_the_control_is_the_pretrained_network_s_twin_and_the_own_cnn_is_an_arm(tmp_path, monkeypatch):
    (asked,) = trials_of("houssein2024", tmp_path, monkeypatch)
    scratch = [arm for arm in asked.arms if arm.startswith("scratch:")]
    assert [arm.split(",")[0] for arm in scratch] == [
        "scratch:source=cifar_resnet20",  # the first is what a trial compares with
        "scratch:source=plain_cnn",
    ]
    assert asked.method.startswith("finetune:source=cifar_resnet20")


def test_the_set_of_real_photographs_is_read_with_its_lesions(shared_data, tmp_path, monkeypatch):
    data = [shared_data("ham10000")]
    (asked,) = trials_of("houssein2024", tmp_path, monkeypatch, data=data, limit=5)
    assert len(asked.cohort.classes) == 7 and asked.cohort.group == "lesion_id"


@pytest.mark.slow
def test_what_the_networks_knew_is_what_helps_and_the_own_cnn_is_judged_beside_it(tmp_path):
    told = studies["houssein2024"].run(tmp_path, generated=True)
    first, second = told["experiments"]
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    assert second["method"].startswith("scratch:source=plain_cnn") and second["control"] == first["method"]
    value = {a["name"]: a["value"] for a in first["arms"]}
    assert second["difference"] == pytest.approx(value[second["method"]] - value[first["method"]])
