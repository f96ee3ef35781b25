import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import interval
from medgraft.evidence.decision.rates import rate
from medgraft.evidence.fairness import subgroup_report

FAST = {"n_boot": 100}


def drawn(n=150, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    score = np.clip(0.3 * y + 0.7 * rng.random(n), 0, 1)
    return y, np.stack([1 - score, score], 1), rng.choice(["f", "m"], n), rng.choice(["a", "b", "c"], n), rng


def test_each_figure_is_the_interval_of_the_subgroups_rows():
    y, p, sex, site, _ = drawn()
    got = subgroup_report(y, p, {"sex": sex, "site": site}, metrics=["auroc", "brier"], **FAST)
    rows = (sex == "f") & (site == "b")
    for metric in ("auroc", "brier"):
        want = interval(metric, y[rows], p[rows], **FAST)
        assert got.figures[metric]["sex=f & site=b"] == want
        assert got.figures[metric]["all"] == interval(metric, y, p, **FAST)
    assert set(got.gaps["auroc"]) == {"sex", "site", "sex & site"}


def test_calibration_in_the_large_is_what_happened_minus_what_was_predicted():
    y, p, sex, _, _ = drawn()
    got = subgroup_report(y, p, {"sex": sex}, metrics=[], **FAST).figures["calibration_in_the_large"]
    assert got["sex=m"].value == pytest.approx((y - p[:, 1])[sex == "m"].mean())


def test_coverage_is_a_share_of_rows_over_patients():
    y, p, sex, _, rng = drawn()
    covered, group = rng.random(150) < 0.9, np.arange(150) // 2
    sex = sex[group]
    got = subgroup_report(y, p, {"sex": sex}, metrics=[], covered=covered, group=group, **FAST)
    assert got.figures["coverage"]["sex=f"] == rate(covered, sex == "f", group)


def test_a_gap_is_largest_minus_smallest_and_the_reference_the_largest_level():
    y, p, _, site, _ = drawn()
    got = subgroup_report(y, p, {"site": site}, metrics=["brier"], **FAST)
    values = {k: v.value for k, v in got.figures["brier"].items() if k != "all"}
    gap = got.gaps["brier"]["site"]
    assert gap.value == pytest.approx(max(values.values()) - min(values.values()))
    assert gap.reference == "site=" + max("abc", key=lambda s: (site == s).sum())
    named = subgroup_report(y, p, {"site": site}, metrics=["brier"], reference={"site": "b"}, **FAST)
    d = named.gaps["brier"]["site"].differences
    assert set(d) == {"site=a", "site=c"}
    assert d["site=a"].value == pytest.approx(values["site=a"] - values["site=b"])


def test_hidden_subgroups_have_a_name_and_nothing_else():
    y, p, sex, _, _ = drawn()
    sex = sex.copy()
    sex[:4] = "x"
    got = subgroup_report(y, p, {"sex": sex}, metrics=["brier"], **FAST)
    table = got.table().set_index("subgroup")
    assert table.loc["sex=x", ["patients", "value", "lo", "hi"]].isna().all().all()
    assert "hidden" in table.loc["sex=x", "note"].iloc[0]
    text = json.dumps(got.to_dict(), allow_nan=False)
    assert '{"name": "sex=x", "patients": null}' in text and '"sex=x": {' not in text
    assert sum(not c.shown for c in got.cells) == 2


def test_renaming_levels_and_permuting_rows_change_nothing():
    y, p, sex, _, rng = drawn()
    i = rng.permutation(150)
    new = np.where(sex == "f", "zzz", "m")
    a = subgroup_report(y, p, {"sex": sex}, metrics=["ece"], **FAST).gaps["ece"]["sex"]
    b = subgroup_report(y[i], p[i], {"sex": new[i]}, metrics=["ece"], group=i, **FAST).gaps["ece"]["sex"]
    assert (a.value, a.lo, a.hi) == pytest.approx((b.value, b.lo, b.hi), abs=1e-12)


def test_the_callers_arrays_stay_as_they_are():
    y, p, sex, _, _ = drawn()
    before = [a.copy() for a in (y, p, sex)]
    subgroup_report(y, p, {"sex": sex}, **FAST)
    for a, b in zip((y, p, sex), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_does_not_fit_is_told_in_a_sentence():
    y, p, sex, _, _ = drawn()
    with pytest.raises(MedgraftError, match="reference 'q' of 'sex' is not among"):
        subgroup_report(y, p, {"sex": sex}, metrics=["brier"], reference={"sex": "q"}, **FAST)
    with pytest.raises(MedgraftError, match="149 rows, labels 150"):
        subgroup_report(y, p, {"sex": sex[:149]}, **FAST)
