from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from medgraft.cohort import public
from medgraft.methods import entries
from medgraft.studies.hong2024 import HERE, hong2024, small
from medgraft.studies.kit import Run
from medgraft.studies.kit.found import Found


class Reading(Run):
    """A run that tells what the recipe would try."""

    def trial(self, title, cohort, arms, **settings):
        self.experiments.append({"cohort": cohort, "arms": arms, **settings})
        return SimpleNamespace(arms=[{"name": a, "value": 0.7, "ci": [0.6, None]} for a in arms])


def test_the_rare_outcome_is_balanced_shared_by_sums_and_brought_back_to_its_true_share(tmp_path):
    made = small(tmp_path, 0)
    cohort = made.select(np.flatnonzero(~np.char.startswith(made.domains.astype(str), "va")))
    m = entries["trans-balance"].cls()
    m.fit(cohort.X, cohort.y, domain=cohort.domains, target=HERE[0], groups=cohort.groups)
    here = cohort.domains == HERE[0]
    assert m.kept_ and m.bytes_ > 0 and m.rounds_ > 1
    assert m.prevalence_ == pytest.approx(cohort.y[here].mean())
    # Slopes are learnt from as many ill as well; only the shift of the intercept knows how rare illness is.
    p = m.predict_proba(cohort.X[here])[:, 1]
    assert abs(p.mean() - cohort.y[here].mean()) < 0.1


def test_sites_are_hospitals_by_sex_and_sex_is_no_feature(tmp_path):
    rng = np.random.default_rng(0)
    for site, n in (("cleveland", 60), ("hungarian", 30), ("switzerland", 30), ("va", 30)):
        X = rng.integers(1, 9, size=(n, 14))
        X[:, 1], X[:, 13] = np.arange(n) % 3 > 0, np.arange(n) // 3 % 2
        np.savetxt(tmp_path / f"processed.{site}.data", X, fmt="%d", delimiter=",")
    run = Reading(SimpleNamespace(), Found("stand-in", "", {"heart": tmp_path}, {}), tmp_path)
    assert not public.layout.lacking(tmp_path, public.public_sets["heart"])
    hong2024(run)
    women, men = run.experiments
    assert (women["target"], men["target"]) == HERE
    cohort = women["cohort"]
    assert "sex" not in cohort.features and len(set(cohort.domains)) == 8
    assert (cohort.table["sex"][cohort.domains == HERE[0]] == 0).all()
    assert (cohort.domains == HERE[0]).sum() == 20
    assert len(run.notes) == 2 and "Gap" in run.notes[0]
