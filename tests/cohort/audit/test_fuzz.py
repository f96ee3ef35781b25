"""Weird cohorts never end in anything but a result or a sentence."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.audit import audit

ODD = ["", " ", "ä", "名前", "a/b", "/root/x.png", "nan", "-1", "1e400", "\u202e", "'\"", "x" * 300]
NUMBERS = [0.0, -0.0, 1.0, np.nan, 1e308, -1e308, 5e-324, 7.5]
COLUMNS = st.one_of(
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=14),
    st.lists(st.sampled_from([*ODD, None]), min_size=1, max_size=14),
    st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=14),
    st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=14),
)


def look(*tables, **roles):
    """Audit tables as data and test data; a MedgraftError is an answer, too."""
    try:
        parts = [read(t, **roles) for t in tables]
        found = audit(parts[0], test=parts[1] if len(parts) > 1 else None, sources=parts[2:])
    except MedgraftError as error:
        assert str(error)
        return None
    json.dumps(found.to_dict(), allow_nan=False)
    assert str(found)
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COLUMNS, min_size=1, max_size=5), st.data())
def test_any_table_is_audited_or_refused_in_a_sentence(columns, data):
    n = data.draw(st.integers(1, 30))
    table = pd.DataFrame(
        {f"{ODD[k]}{k}": np.resize(np.array(c, dtype=object), n) for k, c in enumerate(columns)}
    )
    table = table.infer_objects()
    names = [None, *table.columns]
    roles = {role: data.draw(st.sampled_from(names)) for role in ("label", "group", "domain")}
    look(table, table.sample(frac=0.5, random_state=0), table, require_label=False, **roles)


@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_constant_and_missing_tables(n):
    for value in (1.0, np.nan, "a", None):
        table = pd.DataFrame(
            {"a": [value] * n, "b": [value] * n, "y": ["0", "1"] * (n // 2) + ["0"] * (n % 2)}
        )
        look(table, label="y", features=["a", "b"], require_label=False)
        look(table.assign(z=np.arange(n)), label="y", group="a", domain="b", require_label=False)


def test_a_label_that_is_constant_or_different_for_every_row():
    table = pd.DataFrame({"x": np.arange(30.0), "one": "a", "all": [f"k{i}" for i in range(30)]})
    for label in ("one", "all"):
        assert look(table, label=label, features=["x"], require_label=False) is not None


def test_a_test_set_with_other_classes_and_kinds_of_columns():
    a = pd.DataFrame({"x": np.arange(20.0), "z": ["u", "v"] * 10, "y": ["n", "p"] * 10})
    b = pd.DataFrame({"x": ["1", "q"] * 10, "z": np.arange(20), "y": ["p", "other"] * 10})
    assert look(a, b, a, label="y") is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["1", "L", "P", "I;16"])),
        min_size=1,
        max_size=6,
    )
)
def test_images_of_any_size_and_mode(tmp_path_factory, sizes):
    folder = tmp_path_factory.mktemp("images")
    rows = []
    for k, (w, h, mode) in enumerate(sizes):
        path = folder / f"名{k}.png"
        Image.new(mode, (w, h), k % 2).save(path)
        rows.append({"file": str(path), "y": "ab"[k % 2]})
    assert look(pd.DataFrame(rows), label="y", image="file", require_label=False) is not None


def test_damaged_images_are_counted_wherever_they_break(tmp_path):
    good = tmp_path / "good.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)).save(good)
    data = good.read_bytes()
    rng = np.random.default_rng(1)
    rows = [{"file": str(good), "y": "a"}]
    for k in range(40):
        broken = bytearray(data)
        for _ in range(3):
            broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        path = tmp_path / f"broken{k}x.jpg"
        path.write_bytes(bytes(broken[: rng.integers(1, len(broken) + 1)]) if k % 2 else bytes(broken))
        rows.append({"file": str(path), "y": "ab"[k % 2]})
    found = look(pd.DataFrame(rows), label="y", image="file")
    assert found is not None and any(f.check == "unreadable" for f in found.findings)


def test_sequences_of_any_letters():
    table = pd.DataFrame(
        {"s": [*ODD[2:], "ACGT" * 30, "acgt" * 30, "ACGU" * 30], "y": ["a", "b"] * 6 + ["a"]}
    )
    assert look(table, label="y", sequence="s") is not None
