"""Scoring matrices as PSI-BLAST writes them (``-out_ascii_pssm``)."""

from __future__ import annotations

import numpy as np
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample

LETTERS = "A  R  N  D  C  Q  E  G  H  I  L  K  M  F  P  S  T  W  Y  V"
HEAD = "\nLast position-specific scoring matrix computed, weighted observed percentages rounded down\n"
FOOT = "\n                      K         Lambda\nStandard Ungapped    0.1334     0.3157\n"


def text(scores, sequence):
    lines = [f"{HEAD}            {LETTERS}   {LETTERS}"]
    for i, (row, letter) in enumerate(zip(scores, sequence, strict=True)):
        numbers = "".join(f"{x:3d}" for x in row) + "".join(f"{0:4d}" for _ in row)
        lines.append(f"{i + 1:5d} {letter}  {numbers}  0.64 0.41")
    return "\n".join(lines) + FOOT


def matrices(folder, n=12, length=9):
    rng = np.random.default_rng(0)
    made = {}
    for i in range(n):
        name = f"{['binds', 'no'][i % 2]}/p{i}.pssm"
        scores = rng.integers(-9, 12, (length + i % 3, 20))
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text(scores, "M" * len(scores)))
        made[name] = scores
    return made


def test_a_matrix_is_twenty_channels_of_log_odds_along_the_residues(tmp_path):
    made = matrices(tmp_path)
    cohort = mg.read(tmp_path, group="none")
    assert cohort.kind == "signal" and cohort.n == len(made) and set(cohort.classes) == {"binds", "no"}
    for i, name in enumerate(cohort.table["file"]):
        signal = cohort.open("signal", i)
        np.testing.assert_array_equal(signal.values, made[name].T)
        assert signal.channels == tuple(LETTERS.split()) and signal.rate == 1.0


def test_scores_that_touch_each_other_as_in_old_files_are_told_apart(tmp_path):
    scores = -np.arange(10, 50).reshape(2, 20)
    (tmp_path / "a.pssm").write_text(text(scores, "MK"))
    np.testing.assert_array_equal(open_sample("signal", str(tmp_path / "a.pssm")).values, scores.T)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("    2 M", "    3 M"), "damaged at residue 2"),
        (lambda t: t.split("Lambda")[0].replace(LETTERS, ""), "no line of amino acids"),
        (lambda t: t[: t.index("    1 M")] + FOOT, "has no residues"),
    ],
)
def test_a_damaged_matrix_ends_in_one_sentence(tmp_path, change, said):
    whole = text(np.zeros((4, 20), dtype=int), "MMMM")
    (tmp_path / "a.pssm").write_text(change(whole))
    with pytest.raises(MedgraftError, match=said):
        open_sample("signal", str(tmp_path / "a.pssm"))


def test_a_network_learns_from_matrices(tmp_path):
    matrices(tmp_path)
    trial = mg.Trial(
        mg.read(tmp_path, group="none"),
        ["majority", "scratch:epochs=1"],
        source="medgraft:sequence_cnn",
        reading="seconds=9",
        folds=2,
        device="cpu",
    )
    result = trial.run(tmp_path / "out")
    assert {a["name"] for a in result.arms} >= {"scratch:epochs=1"}
