from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import medgraft as mg
from medgraft.trial.table_one import FEWEST, table_one, withheld


def cohort(n=60):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.normal(60, 8, n),
            "sex": np.where(np.arange(n) < 3, "f", "m"),
            "ill": np.tile(["no", "yes"], n // 2),
            "site": np.repeat(["a", "b"], n // 2),
        }
    )
    return mg.read(table, label="ill", domain="site", protected=["sex"]), table


def test_numbers_are_quartiles_of_their_part_and_the_target_comes_first():
    data, table = cohort()
    found = table_one(data, data.domains, "b")
    assert [c["name"] for c in found["columns"]] == ["b", "a"]
    assert [c["rows"] for c in found["columns"]] == [30, 30]
    age = next(v for v in found["variables"] if v["name"] == "age")
    own = table.loc[table["site"] == "b", "age"]
    assert age["cells"][0] == pytest.approx([own.median(), own.quantile(0.25), own.quantile(0.75)])


def test_a_cell_of_few_patients_is_withheld_and_cannot_be_had_by_subtraction():
    data, _ = cohort()
    sex = next(v for v in table_one(data, data.domains, "b")["variables"] if v["name"] == "sex")
    assert sex["cells"] == [{"m": 30, "f": 0}, {"m": None, "f": None}]


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 40), min_size=1))
def test_no_small_count_is_shown_and_none_is_withheld_alone_unless_there_is_no_other(counts):
    shown = withheld(counts)
    assert all(n is None or n == 0 or n >= FEWEST for n in shown.values())
    hidden = [k for k, n in shown.items() if n is None]
    if len(hidden) == 1:
        assert all(counts[k] == 0 for k in counts if k not in hidden)
    assert all(shown[k] == counts[k] for k in counts if k not in hidden)


def test_a_cohort_of_one_part_is_described_by_class():
    _, table = cohort()
    one = mg.read(table.drop(columns="site"), label="ill", protected=["sex"])
    found = table_one(one, np.repeat("test", one.n), None)
    assert [c["name"] for c in found["columns"]] == ["no", "yes", "all"]


def test_quartiles_of_fewer_than_five_patients_are_withheld():
    _, table = cohort()
    table.loc[:25, "age"] = np.nan  # four values of site a remain
    data = mg.read(table, label="ill", domain="site", protected=["sex"])
    age = next(v for v in table_one(data, data.domains, "b")["variables"] if v["name"] == "age")
    assert age["cells"][1] is None and age["cells"][0] is not None
    assert age["missing"] == [0.0, pytest.approx(26 / 30, abs=1e-4)]
