"""Checksums of samples: what they depend on, and what not."""

from __future__ import annotations

import hashlib

import nibabel
import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.digest import digest


def test_the_key_is_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    (tmp_path / "c").write_bytes(b"two")
    assert digest(tmp_path / "a") == digest(tmp_path / "b") == hashlib.sha256(b"one").digest()
    assert digest(tmp_path / "c") != digest(tmp_path / "a")


def test_parts_of_one_file_have_keys_of_their_own(tmp_path):
    place = tmp_path / "v.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3), np.float32), np.eye(4)), place)
    keys = {digest(place), *(digest(f"{place}::axis=z;slice={i}") for i in range(3))}
    assert len(keys) == 4 and all(len(key) == 32 for key in keys)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MedgraftError, match=r"gone\.png' cannot be read .*check the path"):
        digest(tmp_path / "gone.png")
