"""What the names of files tell."""

from __future__ import annotations

import pandas as pd

from medgraft.cohort import Cohort
from medgraft.studies.kit.names import PERSONS, patients_in_names


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
