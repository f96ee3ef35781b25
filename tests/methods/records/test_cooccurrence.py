"""Counts and PMI against dense loops over patients, windows and codes."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from medgraft.base import MedgraftError
from medgraft.methods.records import cooccurrence, pmi, sppmi


def records(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "patient": rng.integers(0, 12, n),
            "time": rng.uniform(100, 400, n).round(1),
            "code": rng.choice(list("abcdefg"), n, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05]),
        }
    )


def naive(frame, window):
    codes = sorted(set(frame["code"]))
    C = np.zeros((len(codes), len(codes)), dtype=int)
    for _, own in frame.groupby("patient"):
        start = own["time"].min()
        last = int((own["time"].max() - start) // window)
        for k in range(last + 1):
            inside = {
                c for t, c in zip(own["time"], own["code"], strict=True) if int((t - start) // window) == k
            }
            for (i, a), (j, b) in product(enumerate(codes), repeat=2):
                C[i, j] += a != b and a in inside and b in inside
    return C, codes


@pytest.mark.parametrize("window", [7, 30, 1000])
def test_counts_are_those_of_loops_over_patients_windows_and_pairs(window):
    frame = records()
    C, codes = cooccurrence(frame, window)
    expected, names = naive(frame, window)
    assert codes.tolist() == names
    np.testing.assert_array_equal(C.toarray(), expected)
    assert C.sum() > 0


def test_an_endless_window_is_the_whole_record_of_a_patient():
    C, codes = cooccurrence(records(), np.inf)
    has = pd.crosstab(records()["patient"], records()["code"])[codes].to_numpy() > 0
    expected = has.T.astype(int) @ has
    np.testing.assert_array_equal(C.toarray(), expected - np.diag(np.diag(expected)))


def test_neither_order_nor_names_nor_another_calendar_matter():
    frame = records()
    C, _ = cooccurrence(frame, 30)
    mixed = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    mixed["patient"] = mixed["patient"].map(lambda p: f"p{(7 * p) % 13}")
    mixed["time"] = pd.Timestamp("2020-02-28") + pd.to_timedelta(mixed["time"] * 24 * 60, unit="min")
    before = mixed.copy()
    D, _ = cooccurrence(mixed, 30)
    np.testing.assert_array_equal(C.toarray(), D.toarray())
    pd.testing.assert_frame_equal(mixed, before)


def test_a_code_written_twice_in_a_window_counts_once():
    frame = records()
    twice = pd.concat([frame, frame], ignore_index=True)
    np.testing.assert_array_equal(cooccurrence(frame, 30)[0].toarray(), cooccurrence(twice, 30)[0].toarray())


@pytest.mark.parametrize("shift", [1.0, 1.3])
def test_shifted_positive_pmi_is_that_of_loops(shift):
    C = cooccurrence(records(), 7)[0].toarray()
    n, total = len(C), C.sum()
    raw, cut = np.zeros((n, n)), np.zeros((n, n))
    for i, j in product(range(n), repeat=2):
        if C[i, j]:
            raw[i, j] = log(C[i, j] * total / (C[i].sum() * C[j].sum()))
            cut[i, j] = max(raw[i, j] - log(shift), 0.0)
    np.testing.assert_allclose(pmi(C).toarray(), raw, atol=1e-12)
    np.testing.assert_allclose(sppmi(C, shift=shift).toarray(), cut, atol=1e-12)
    np.testing.assert_allclose(sppmi(sparse.csr_array(C), shift=shift).toarray(), cut, atol=1e-12)
    assert (cut > 0).any() and (raw[C > 0] < log(shift)).any()


def test_pairs_as_frequent_as_by_chance_have_none():
    margin = np.array([2.0, 3.0, 5.0])
    S = sppmi(np.outer(margin, margin))
    assert S.nnz == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda f: (f.drop(columns="code"), 30), "no column 'code'"),
        (lambda f: (f.assign(code=f["code"].mask(f["code"] == "a")), 30), "gaps"),
        (lambda f: (f.assign(time=f["time"].astype(str)), 30), "dates or numbers"),
        (lambda f: (f, 0), "above zero"),
        (lambda f: (f, float("nan")), "above zero"),
    ],
)
def test_records_that_cannot_be_counted_are_refused(wrong, said):
    with pytest.raises(MedgraftError, match=said):
        cooccurrence(*wrong(records()))


@pytest.mark.parametrize(
    ("C", "said"),
    [(np.eye(2, 3), "symmetric"), (np.array([[0, 1], [2, 0]]), "symmetric"), (-np.eye(2), "below")],
)
def test_counts_that_are_none_are_refused(C, said):
    with pytest.raises(MedgraftError, match=said):
        sppmi(C)
    with pytest.raises(MedgraftError, match="1 or more"):
        sppmi(np.eye(2), shift=0.5)
