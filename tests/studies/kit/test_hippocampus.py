"""Volumes of the hippocampus: who is whose other side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medgraft.studies.kit.hippocampus import large_or_small


def test_files_of_an_odd_number_and_the_next_are_one_person_who_is_on_one_side_of_a_split(shared_data):
    cohort = large_or_small(shared_data("hippocampus_nifti"))
    numbers = np.array([int(cell.split("hippocampus_")[-1][:3]) for cell in cohort.table["volume"]])
    persons = ((numbers + 1) // 2).tolist()
    both = set(zip(cohort.groups.tolist(), persons, strict=True))
    assert len(both) == len(set(persons)) == len(set(cohort.groups.tolist())) < cohort.n


def test_a_folder_may_be_named_from_where_one_stands(shared_data, monkeypatch):
    folder = shared_data("hippocampus_nifti")
    monkeypatch.chdir(folder.parent)
    here, there = large_or_small(Path(folder.name)), large_or_small(folder)
    files = [[Path(cell).resolve() for cell in cohort.table["volume"]] for cohort in (here, there)]
    assert files[0] == files[1] and files[0][0].is_file()
