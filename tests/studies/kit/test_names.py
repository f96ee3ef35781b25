"""What the names of files tell."""

from __future__ import annotations

import pandas as pd
import pytest

import medgraft as mg
from medgraft.cohort import Cohort
from medgraft.studies.kit.names import PERSONS, classes_in_names, patients_in_names


def cohort_of(*files, **roles):
    return Cohort(pd.DataFrame({"image": files}), None, (), image="image", **roles)


def test_both_eyes_of_a_person_are_one_patient_and_other_names_are_one_each():
    c = cohort_of("n/12_left.jpg", "n/12_right.jpg", "d/112_left.jpeg", "d/_12_right-x.jpg", "d/HRF01.jpg")
    made = patients_in_names(c, PERSONS["eye_diseases"])
    assert made.table["patient"].tolist() == ["12", "12", "112", "_12", "HRF01"]
    assert c.group is None
    assert patients_in_names(made, "x") is made


def test_children_of_the_pneumonia_set_are_told_by_their_numbers():
    c = cohort_of("person3_virus_1.jpeg", "person3_bacteria_9.jpeg", "IM-0115-0001.jpeg", "IM-0115-0002.jpeg")
    assert patients_in_names(c, PERSONS["chest_xray_pneumonia"]).groups.tolist() == [1, 1, 0, 0]


def test_classes_are_read_from_names_whatever_their_case():
    made = classes_in_names(cohort_of("Depuy_1.jpg", "depuy2.jpg", "zimmer.7.jpg"), "([A-Za-z]+)")
    assert made.classes == ["depuy", "zimmer"] and made.y.tolist() == [0, 0, 1]
    assert made.positive == "zimmer"


def test_a_name_without_a_class_and_a_single_class_are_refused():
    with pytest.raises(mg.MedgraftError, match="1 files"):
        classes_in_names(cohort_of("a1.jpg", "22.jpg"), "([a-z]+)")
    with pytest.raises(mg.MedgraftError, match="one class"):
        classes_in_names(cohort_of("a1.jpg", "a2.jpg"), "([a-z]+)")
