from __future__ import annotations

import os

import numpy as np

from medgraft.cohort.digest import digest
from medgraft.cohort.formats.wfdb_files import files_of

HEADER = "ecg 1 100 400\necg.dat 16 200\n"


def record(folder, values, header=HEADER):
    folder.mkdir()
    (folder / "ecg.hea").write_text(header)
    np.asarray(values, "<i2").tofile(folder / "ecg.dat")
    return str(folder / "ecg.hea")


def test_records_with_the_same_header_and_other_samples_differ(tmp_path):
    a, b, c = (record(tmp_path / n, v) for n, v in (("a", [1, 2]), ("b", [3, 4]), ("c", [1, 2])))
    assert digest(a) == digest(c) != digest(b)


def test_samples_that_were_replaced_are_seen_though_the_header_is_the_same(tmp_path):
    path = record(tmp_path / "a", [1, 2])
    before = digest(path)
    np.asarray([5, 6], "<i2").tofile(tmp_path / "a" / "ecg.dat")
    os.utime(tmp_path / "a" / "ecg.dat", ns=(1, 10**19))
    assert digest(path) != before


def test_segments_lead_to_their_own_files(tmp_path):
    record(tmp_path / "a", [1, 2])
    (tmp_path / "a" / "all.hea").write_text("# a remark\nall/2 1 100 800\necg 400\n~ 400\n")
    names = [file.name for file in files_of(tmp_path / "a" / "all.hea")]
    assert sorted(names) == ["ecg.dat", "ecg.hea"]


def test_other_files_damaged_headers_and_names_of_other_folders_lead_nowhere(tmp_path):
    (tmp_path / "x.txt").write_text("ecg 1 100\necg.dat 16\n")
    (tmp_path / "y.hea").write_bytes(b"\xff\x00\n\n")
    (tmp_path / "z.hea").write_text("z 1 100\n../secret.dat 16\nz.hea 16\n")
    assert files_of(tmp_path / "x.txt") == files_of(tmp_path / "y.hea") == []
    assert files_of(tmp_path / "z.hea") == []
    digest(tmp_path / "z.hea")  # a header that names itself ends
