"""No sentence in a result names a patient or a patient's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import medgraft as mg
from medgraft.methods.instance.ulsif import ULSIF
from medgraft.methods.table import InputError
from medgraft.trial import arm
from medgraft.trial.withhold import withhold
from samples import image_folder, two_sites


def test_the_error_of_an_arm_inside_the_guard_does_not_carry_a_patient_into_the_result(tmp_path, monkeypatch):
    table = two_sites().assign(patient=[f"SECRET-{i}" for i in range(200)])
    cohort = mg.read(table, label="ill", domain="site", group="patient")

    def refuse(self, X, y, *, groups, **more):
        raise InputError(f"A patient's row, that of '{cohort.table['patient'][3]}' cannot be read in 'x1'.")

    trial = mg.Trial(cohort, ["target-only", "guarded"], target="b", folds=2)
    monkeypatch.setattr(mg.Trial, "_candidates", lambda self, a: (arm("ulsif"),))
    monkeypatch.setattr(ULSIF, "fit", refuse)
    result = trial.run(tmp_path / "out")
    assert "cannot be read in 'x1'" in str(result.data["guard"])
    assert "SECRET" not in (tmp_path / "out" / "result.json").read_text()


def test_files_are_withheld_by_path_and_by_name(tmp_path):
    cohort = mg.read(image_folder(tmp_path / "scans", 4))
    path = cohort.table[cohort.image][0]
    for name in (path, Path(path).name, f"/home/ana/{Path(path).name}"):
        assert withhold([f"The image '{name}' is cut short."], cohort) == [
            "The image '(withheld)' is cut short."
        ]


def test_a_patients_number_is_withheld_where_it_is_quoted_and_no_other_number():
    table = two_sites().assign(patient=np.arange(200))
    cohort = mg.read(table, label="ill", domain="site", group="patient")
    said = {"audit": ["Patient '7' has 7 rows in 'x1'.", 3, None]}
    assert withhold(said, cohort) == {"audit": ["Patient '(withheld)' has 7 rows in 'x1'.", 3, None]}
