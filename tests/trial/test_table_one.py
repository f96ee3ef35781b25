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
    assert sex["cells"] == [{"m": None, "f": None}] * 2


@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(
            st.fixed_dictionaries({name: st.integers(0, 40) for name in "abcd"}), min_size=k, max_size=k
        )
    )
)
def test_no_small_count_is_shown_and_no_withheld_one_follows_from_the_sum_of_its_column(columns):
    shown = withheld(columns)
    for mine, told in zip(columns, shown, strict=True):
        assert all(n is None or n == 0 or n >= FEWEST for n in told.values())
        assert all(n is None or n == mine[k] for k, n in told.items())
    hidden = {k for told in shown for k, n in told.items() if n is None}
    assert all(told[k] is None for told in shown for k in hidden)  # a row is withheld whole
    if hidden and hidden < set(shown[0]):
        sums = [sum(mine[k] for k in hidden) for mine in columns]
        assert len(hidden) > 1 and all(total == 0 or total >= 2 * FEWEST for total in sums)


def test_a_cohort_of_one_part_is_described_by_class():
    _, table = cohort()
    one = mg.read(table.drop(columns="site"), label="ill", protected=["sex"])
    found = table_one(one, np.repeat("test", one.n), None)
    assert [c["name"] for c in found["columns"]] == ["no", "yes", "all"]


def test_quartiles_of_fewer_than_ten_patients_are_withheld():
    _, table = cohort()
    table.loc[:20, "age"] = np.nan  # nine values of site a remain
    data = mg.read(table, label="ill", domain="site", protected=["sex"])
    age = next(v for v in table_one(data, data.domains, "b")["variables"] if v["name"] == "age")
    assert age["cells"][1] is None and age["cells"][0] is not None
    assert age["missing"] == [0.0, pytest.approx(21 / 30, abs=0.005)]
