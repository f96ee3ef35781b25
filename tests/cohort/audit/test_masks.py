"""What an audit says of masks."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from medgraft.cohort import generate, read
from medgraft.cohort.audit import audit


@pytest.fixture
def volumes(tmp_path):
    """Six volumes with label maps; returns a function that rewrites one map."""

    def write(folder, k, values):
        (tmp_path / folder).mkdir(exist_ok=True)
        nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / folder / f"v{k}.nii.gz")

    rng = np.random.default_rng(0)
    for k in range(6):
        write("images", k, rng.normal(size=(5, 6, 7)).astype(np.float32))
        write("labels", k, np.ones((5, 6, 7), np.uint8))
    return tmp_path, lambda k, values: write("labels", k, values)


def _said(path, **roles):
    return [(f.severity, f.sentence) for f in audit(read(path, **roles), only=["masks"]).findings]


def test_masks_that_fit_are_passed_in_silence(volumes, tmp_path_factory):
    assert _said(volumes[0]) == []
    made = generate.images(tmp_path_factory.mktemp("a"), 8, size=24, masks=True)
    assert _said(made.path / "manifest.csv", image="file", mask="mask", group="patient") == []


def test_each_thing_that_is_wrong_with_a_mask_is_said_once(volumes):
    path, rewrite = volumes
    rewrite(0, np.zeros((5, 6, 7), np.uint8))
    rewrite(1, np.ones((5, 7, 6), np.uint8))
    rewrite(2, np.full((5, 6, 7), 3, np.uint8))
    (path / "labels" / "v3.nii.gz").write_bytes(b"no volume")
    assert _said(path) == [
        ("severe", "1 mask cannot be opened."),
        ("severe", "1 mask is of another size than its sample."),
        ("warning", "1 mask is empty."),
        ("warning", "The value 1 is in the masks of 3 patients only."),
        ("warning", "The value 3 is in the masks of 1 patient only."),
    ]


def test_a_whole_audit_of_a_cohort_of_outlines_runs_without_a_failed_check(volumes):
    found = audit(read(volumes[0]))
    assert "masks" in found.checks and not [f for f in found.findings if "failed" in f.sentence]
