from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.evidence import compare
from medgraft.report import build_versus
from medgraft.report.read import read_run
from medgraft.report.sections.arrays import arrays
from medgraft.report.versus import _paired
from medgraft.report.view import View
from medgraft.trial import Trial


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs: of one source, of two, and with another seed."""
    root = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    n = 240
    table = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    table["site"] = np.repeat(["a", "b", "home"], n // 3)
    table["ill"] = np.where(table["x"] + rng.normal(size=n) > 0, "yes", "no")

    def run(name, frame, seed=0):
        cohort = mg.read(frame, label="ill", domain="site")
        arms = ["target-only", "pooled"]
        Trial(cohort, arms, target="home", folds=3, labels_per_class=[5], seed=seed).run(root / name)

    run("one", table[table["site"] != "b"].reset_index(drop=True))
    run("two", table)
    run("seed", table, seed=1)
    return root


def views(root, *names):
    return [View(read_run(root / name)) for name in names]


def test_runs_of_other_sources_are_compared_in_pairs_on_the_same_patients(runs):
    both = views(runs, "one", "two")
    found, why = _paired(both)
    a, b = (arrays(v.run, v.delivered) for v in both)
    expected = compare("auroc", a.y, b.p, a.p, group=a.group, repeat=a.repeat, fold=a.fold)
    assert why == ""
    assert (found.difference, found.lo, found.hi) == (expected.difference, expected.lo, expected.hi)
    page = build_versus(runs / "one", runs / "two").read_text()
    assert "of one" in page and "of two" in page


def test_another_seed_means_other_folds_and_no_paired_difference(runs):
    found, why = _paired(views(runs, "two", "seed"))
    assert found is None and "--seed" in why
    assert "other folds or repeats" in build_versus(runs / "two", runs / "seed").read_text()


def test_runs_of_other_patients_stand_side_by_side(runs, make):
    folder, _ = make()
    found, why = _paired([*views(runs, "two"), View(read_run(folder))])
    assert found is None and "did not test the same patients" in why


def test_runs_of_other_tasks_are_refused_in_a_sentence(runs, make):
    folder, _ = make("regression")
    with pytest.raises(MedgraftError, match="the task of 'run' is regression"):
        build_versus(folder, runs / "two")
