"""A second cohort's rows come under the target's, and say what did not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import append, kfold_splits, read


def _cohort(name, n=6, label="ill", values=(0, 1), extra=(), drop=(), group=None, domain=None, **columns):
    frame = pd.DataFrame(
        {
            "age": np.arange(n) + len(name),
            "bmi": np.linspace(20, 30, n),
            "sex": ["f", "m"] * (n // 2),
            label: list(values) * (n // len(values)),
            **columns,
        }
    ).drop(columns=list(drop))
    return replace(read(frame, label=label, group=group, domain=domain), name=name)


def test_rows_follow_in_order_and_become_a_domain():
    target, source = _cohort("here"), _cohort("there", n=4)
    both = append(target, source)
    assert both.n == 10 and both.name == "here" and both.domain == "domain"
    assert both.domains.tolist() == ["here"] * 6 + ["there"] * 4
    assert both.features == target.features == ("age", "bmi", "sex")
    assert both.X["age"].tolist() == [4, 5, 6, 7, 8, 9, 5, 6, 7, 8]
    assert both.y.tolist() == target.y.tolist() + source.y.tolist()
    assert both.table.index.tolist() == list(range(10))
    assert target.n == 6 and "domain" not in target.table


def test_a_label_of_another_name_and_storage_is_aligned():
    source = _cohort("there", label="disease", values=(1.0, 0.0))
    both = append(_cohort("here"), source)
    assert both.label == "ill" and both.y.tolist() == [0, 1] * 3 + [1, 0] * 3
    text = _cohort("there", values=("1", "0"))
    assert append(_cohort("here"), text).y.tolist() == [0, 1] * 3 + [1, 0] * 3


def test_a_feature_that_the_source_lacks_is_missing_and_one_only_it_has_is_dropped():
    both = append(
        _cohort("here"),
        _cohort("there", drop=("age",), more=[1.0, 2, 3, 4, 5, 6], height=range(6)),
    )
    assert both.X["age"].isna().tolist() == [False] * 6 + [True] * 6
    assert "more" not in both.table
    assert "'there' has 2 of the 3 features of 'here'; 2 that only it has are not used." in both.warnings


def test_less_than_half_of_the_features_is_an_error():
    with pytest.raises(
        MedgraftError, match=r"'there' has only 1 of the 3 features of 'here' \(it lacks 'age', 'sex'\)"
    ):
        append(_cohort("here"), _cohort("there", drop=("age", "sex")))


def test_numbers_and_text_are_never_mixed_in_one_feature():
    both = append(_cohort("here"), _cohort("there", age=["old", "young"] * 3))
    assert both.X["age"].dtype.kind == "f" and both.X["age"].isna().tolist() == [False] * 6 + [True] * 6
    assert any("'age' hold numbers in one" in w for w in both.warnings)


def test_labels_that_differ_are_an_error():
    with pytest.raises(
        MedgraftError, match="The labels differ: 'here' has the classes 0, 1, 'there' has no, yes"
    ):
        append(_cohort("here"), _cohort("there", values=("yes", "no")))
    with pytest.raises(MedgraftError, match=r"The labels differ: .* is binary, .* is regression"):
        append(_cohort("here"), _cohort("there", values=(0.5, 1.5, 2.5, 3.5, 4.5, 5.5)))
    unlabelled = read(pd.DataFrame({"age": [1]}), require_label=False)
    with pytest.raises(MedgraftError, match="'table' has no label"):
        append(_cohort("here"), unlabelled)


def test_a_source_with_fewer_classes_keeps_the_target_s_codes():
    target = _cohort("here", values=("a", "b", "c"))
    both = append(target, _cohort("there", values=("b", "c")))
    assert both.classes == ["a", "b", "c"] and both.y.tolist() == [0, 1, 2] * 2 + [1, 2] * 3


def test_the_event_is_the_target_s():
    target = replace(read(_cohort("x").table, label="ill", positive=0), name="here")
    both = append(target, _cohort("there"))
    assert both.classes == ["1", "0"] and both.y.tolist() == [1, 0] * 6


def test_domains_never_run_into_the_target_s():
    target = _cohort("here", site=["a", "b"] * 3, domain="site")
    source = _cohort("there", clinic=["a", "b"] * 3, domain="clinic")
    both = append(target, source)
    assert both.domain == "site"
    assert both.domains.tolist() == ["a", "b"] * 3 + ["there/a", "there/b"] * 3
    same = append(_cohort("here"), _cohort("here"))
    assert same.domains.tolist() == ["here"] * 6 + ["here-2"] * 6
    twice = append(both, source)
    assert twice.domains.tolist()[12:] == ["there-2/a", "there-2/b"] * 3
    third = append(same, _cohort("here"))
    assert sorted(set(third.domains)) == ["here", "here-2", "here-3"]


def test_patients_of_one_name_are_one_patient_and_this_is_said():
    target = _cohort("here", pid=[1, 1, 2, 2, 3, 3], group="pid")
    source = _cohort("there", subject=[3.0, 3, 4, 4, 5, 5], group="subject")
    both = append(target, source)
    assert both.group == "pid" and both.groups[4] == both.groups[6] and len(set(both.groups)) == 5
    assert any("1 patients are in both 'here' and 'there'" in w for w in both.warnings)


@pytest.mark.parametrize("grouped", ["target", "source"])
def test_where_one_cohort_has_no_patients_its_rows_are_patients(grouped):
    pid = {"pid": [1, 1, 2, 2, 3, 3], "group": "pid"}
    both = append(
        _cohort("here", **(pid if grouped == "target" else {})),
        _cohort("there", **(pid if grouped == "source" else {})),
    )
    codes = both.groups if grouped == "target" else np.roll(both.groups, -6)
    assert len(set(codes[:6])) == 3 and len(set(codes[6:])) == 6 and not set(codes[:6]) & set(codes[6:])


def test_a_source_s_warnings_are_kept_under_its_name():
    source = replace(_cohort("there"), warnings=("A thing.",))
    assert "there: A thing." in append(_cohort("here"), source).warnings


def test_source_rows_are_in_every_training_part():
    both = append(_cohort("here", n=12), _cohort("there"))
    for split in kfold_splits(both, target="here", folds=3, labels_per_class=(2,)):
        assert set(range(12, 18)) <= set(split.labelled)
        assert len(set(split.labelled) & set(range(12))) == 4


def test_images_are_aligned_by_their_column(tmp_path):
    for place in ("a", "b"):
        for label in ("ill", "well"):
            (tmp_path / place / label).mkdir(parents=True)
            Image.new("L", (2, 2)).save(tmp_path / place / label / "0.png")
    both = append(read(tmp_path / "a"), read(tmp_path / "b"))
    assert both.kind == "image" and both.domains.tolist() == ["a", "a", "b", "b"]
    assert both.X["image"].tolist() == [
        str(tmp_path / p / c / "0.png") for p in "ab" for c in ("ill", "well")
    ]
    with pytest.raises(MedgraftError, match="must be of the target's kind"):
        append(read(tmp_path / "a"), _cohort("there"))
