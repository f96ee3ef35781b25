import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import compare
from medgraft.evidence.fairness import gains_by_subgroup
from medgraft.evidence.fairness.change import p_of
from medgraft.evidence.paired.holm import holm


def drawn(n=120, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    y = rng.normal(size=n)
    noise = rng.normal(size=n)
    return y, y + noise * np.where(sex == "f", 1.3, 0.6), y + noise, sex


def test_each_subgroups_difference_is_that_of_compare_and_holm_joins_them():
    y, arm, control, sex = drawn()
    site = np.arange(120) % 2
    got = gains_by_subgroup("mae", y, arm, control, {"sex": sex, "site": site}, n_boot=300)
    assert len(got) == 8
    ps = []
    for s in got:
        rows = np.ones(120, dtype=bool)
        for part in s.subgroup.split(" & "):
            name, value = part.split("=")
            rows &= {"sex": sex, "site": site}[name].astype(str) == value
        assert s.comparison == compare("mae", y[rows], arm[rows], control[rows], n_boot=300)
        assert s.n_patients == rows.sum()
        ps.append(p_of(s.comparison))
    np.testing.assert_allclose([s.p_adjusted for s in got], holm(ps))
    json.dumps([s.to_dict() for s in got], allow_nan=False)


def test_who_gains_and_who_loses_is_said_worst_first_in_the_metrics_direction():
    y, arm, control, sex = drawn()
    got = gains_by_subgroup("mae", y, arm, control, {"sex": sex}, n_boot=300)
    assert [(s.subgroup, s.outcome) for s in got] == [("sex=f", "loses"), ("sex=m", "gains")]
    back = gains_by_subgroup("mae", y, control, arm, {"sex": sex}, n_boot=300)
    assert [(s.subgroup, s.outcome) for s in back] == [("sex=m", "loses"), ("sex=f", "gains")]


def test_a_difference_on_few_patients_is_unclear_whatever_its_interval():
    y, _, control, sex = drawn()
    arm = control.copy()
    arm[np.flatnonzero(sex == "f")[:5]] += 50
    got = {s.subgroup: s for s in gains_by_subgroup("mae", y, arm, control, {"sex": sex}, n_boot=200)}
    assert got["sex=f"].p_adjusted == 1 and got["sex=f"].outcome == "unclear"
    assert got["sex=m"].outcome == "unclear"


def test_attributes_of_another_length_are_refused():
    y, arm, control, sex = drawn()
    with pytest.raises(MedgraftError, match="119 rows, labels 120"):
        gains_by_subgroup("mae", y, arm, control, {"sex": sex[:119]})
