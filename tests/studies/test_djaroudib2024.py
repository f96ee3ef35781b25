"""[63]: few good images, or many."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.controls.majority import Majority
from medgraft.methods.prepare.subset import Subset
from medgraft.methods.rows import Rows
from medgraft.methods.table import Table
from medgraft.studies import studies
from medgraft.studies.djaroudib2024 import LEVELS, PARTS, small
from planned import on_both_sides, trials_of


def test_photographs_of_a_lesion_are_apart_as_published_alone(tmp_path, monkeypatch):
    (honest,) = trials_of("djaroudib2024", tmp_path, monkeypatch)
    (leaking,) = trials_of("djaroudib2024", tmp_path, monkeypatch, protocol="as_published")
    lesion = honest.cohort.groups
    assert on_both_sides(honest.cohort, lesion) == 0
    assert on_both_sides(leaking.cohort, lesion) > 0


def test_the_models_differ_in_the_amount_of_data_alone(tmp_path, monkeypatch):
    (asked,) = trials_of("djaroudib2024", tmp_path, monkeypatch)
    models = [arm for arm in asked.arms if arm.startswith("finetune:")]
    assert {arm.partition("+")[0] for arm in models} == {asked.method}
    steps = {arm.partition("+")[2] for arm in models} - {""}
    assert steps == {f"subset:share={p}{by}" for p in PARTS for by in ("", ",by=sharpness")}


def test_the_sharpest_half_of_the_planted_photographs_holds_none_that_is_out_of_focus(tmp_path):
    cohort = small(tmp_path, 0)
    rows = Rows.of(Table.of(cohort.X), cohort.y, regression=False)
    kept = Subset(Majority(), share=0.5, by="sharpness")._kept(rows, cohort.X)
    drawn = Subset(Majority(), share=0.5)._kept(rows, cohort.X)
    blurred = np.random.default_rng([0, 3]).random(cohort.n) < 0.4  # as the generator drew them
    assert not (kept & blurred).any() and (drawn & blurred).any()


def test_the_set_of_real_photographs_is_cut_to_three_classes(shared_data, tmp_path, monkeypatch):
    data = [shared_data("ham10000")]
    (asked,) = trials_of("djaroudib2024", tmp_path, monkeypatch, data=data, limit=5)
    assert tuple(asked.cohort.classes) == LEVELS and asked.cohort.group == "lesion_id"


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps_and_quality_is_weighed_against_quantity(tmp_path):
    told = studies["djaroudib2024"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    value = {a["name"]: a["value"] for a in told["experiments"][0]["arms"]}
    for second in told["experiments"][1:]:
        assert second["difference"] == pytest.approx(value[second["method"]] - value[second["control"]])
