"""Cohorts whose label is an outline."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import append, external_splits, generate, kfold_splits, read
from medgraft.cohort.segmentation import mask_values


@pytest.fixture
def made(tmp_path):
    return generate.images(tmp_path, 8, size=24, masks=True, seed=3)


@pytest.fixture
def manifest(made):
    return made.path / "manifest.csv"


def test_masks_without_a_label_are_the_label(manifest):
    cohort = read(manifest, image="file", mask="mask", group="patient")
    assert (cohort.task, cohort.label, cohort.classes, cohort.kind) == ("segmentation", None, None, "image")
    assert list(cohort.X.columns) == ["image"]
    assert cohort.y.tolist() == cohort.table["mask"].tolist()
    assert not cohort.y.flags.writeable
    assert mask_values(cohort) == (0, 255)


def test_a_label_beside_masks_stays_the_label_unless_the_task_is_named(manifest):
    labelled = read(manifest, image="file", mask="mask", label="label")
    assert labelled.task == "binary"
    assert read(manifest, image="file", mask="mask", task="segmentation").task == "segmentation"
    with pytest.raises(MedgraftError, match="masks are what is predicted, not 'label'"):
        read(manifest, image="file", mask="mask", label="label", task="segmentation")


def test_the_task_needs_masks_and_images(manifest):
    with pytest.raises(MedgraftError, match="needs masks beside images or volumes"):
        read(manifest, image="file", task="segmentation")
    with pytest.raises(MedgraftError, match="needs masks beside images or volumes"):
        read(manifest, mask="mask", task="segmentation")


def test_folders_of_images_and_masks_need_no_manifest(made, manifest):
    manifest.unlink()
    cohort = read(made.path)
    assert cohort.task == "segmentation" and cohort.n == len(made.table)
    assert mask_values(cohort) == (0, 255)


def test_a_row_without_a_mask_is_left_out_and_kept_for_prediction(manifest):
    table = pd.read_csv(manifest)
    table.loc[[1, 4], "mask"] = None
    table.to_csv(manifest, index=False)
    cohort = read(manifest, image="file", mask="mask")
    assert cohort.n == len(table) - 2
    assert any("2 of" in w and "have no mask" in w for w in cohort.warnings)
    kept = read(manifest, image="file", mask="mask", require_label=False)
    assert kept.n == len(table)
    with pytest.raises(MedgraftError, match="is missing in 2 of"):
        _ = kept.y


def test_a_mask_of_another_size_is_refused_by_name(made, manifest):
    path = made.path / made.table["mask"][2]
    Image.fromarray(np.zeros((24, 25), np.uint8)).save(path)
    cohort = read(manifest, image="file", mask="mask")
    with pytest.raises(MedgraftError, match=rf"{path.name}' is 24x25 and its image 24x24"):
        mask_values(cohort)


def test_masks_that_are_all_empty_or_no_map_of_classes_are_refused(made, manifest):
    cohort = read(manifest, image="file", mask="mask")
    for name in made.table["mask"]:
        Image.fromarray(np.zeros((24, 24), np.uint8)).save(made.path / name)
    with pytest.raises(MedgraftError, match="All masks of 'manifest' are empty"):
        mask_values(cohort)
    ramp = np.arange(576, dtype=np.uint16).reshape(24, 24)
    Image.fromarray(ramp).save(made.path / made.table["mask"][0])
    with pytest.raises(MedgraftError, match="more than 256 values"):
        mask_values(cohort)


def test_volumes_with_label_maps_are_a_cohort_of_the_task(tmp_path):
    for k in range(3):
        for folder, values in (("images", np.ones((4, 5, 6))), ("labels", np.full((4, 5, 6), k, np.uint8))):
            (tmp_path / folder).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / folder / f"v{k}.nii.gz")
    cohort = read(tmp_path)
    assert (cohort.task, cohort.kind, cohort.n) == ("segmentation", "volume", 3)
    assert list(cohort.X.columns) == ["volume"] and mask_values(cohort) == (0, 1, 2)


def test_splits_keep_patients_whole_and_a_budget_counts_samples_in_all(manifest):
    cohort = read(manifest, image="file", mask="mask", group="patient")
    for split in kfold_splits(cohort, folds=2, labels_per_class=[3], seed=1):
        patients = [set(cohort.groups[rows]) for rows in (split.labelled, split.unlabelled, split.test)]
        assert not patients[2] & (patients[0] | patients[1]) and not patients[0] & patients[1]
        assert 3 <= len(split.labelled) < 3 + np.bincount(cohort.groups).max()
    first = np.flatnonzero(cohort.groups == 0)
    (split,) = external_splits(cohort, first)
    assert split.test.tolist() == first.tolist()


def test_the_order_of_rows_and_the_mask_files_decide_the_fingerprint(made, manifest):
    cohort = read(manifest, image="file", mask="mask")
    before = cohort.fingerprint()
    assert cohort.select(np.arange(cohort.n)[::-1]).fingerprint() != before
    mask = np.zeros((24, 24), np.uint8)
    mask[3:9, 3:9] = 1
    Image.fromarray(mask).save(made.path / made.table["mask"][0])
    assert read(manifest, image="file", mask="mask").fingerprint() != before


def test_a_second_outlined_cohort_is_appended_as_a_domain_of_its_own(manifest, tmp_path_factory):
    other = generate.images(tmp_path_factory.mktemp("other"), 3, size=24, masks=True, seed=9)
    table = pd.read_csv(other.path / "manifest.csv").rename(columns={"file": "scan", "mask": "outline"})
    table.to_csv(other.path / "manifest.csv", index=False)
    here = replace(read(manifest, image="file", mask="mask", group="patient"), name="here")
    there = read(other.path / "manifest.csv", image="scan", mask="outline", group="patient")
    both = append(here, replace(there, name="there"))
    assert both.task == "segmentation" and both.y.tolist() == [*here.y, *there.y]
    assert both.X["image"].tolist() == [*here.X["image"], *there.X["image"]]
    assert np.unique(both.domains).tolist() == ["here", "there"]
    labelled = read(other.path / "manifest.csv", image="scan", label="label")
    with pytest.raises(MedgraftError, match="is segmentation, 'manifest' is binary"):
        append(here, labelled)
