"""AUC of pairs against counting, and its interval against pairs written out as often as they are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import counts, logit_interval
from medgraft.methods.records import pair_auc


def case(n=14, seed=0):
    rng = np.random.default_rng(seed)
    E = pd.DataFrame(rng.normal(size=(n, 3)), index=[f"c{i}" for i in range(n)])
    E.iloc[1] = E.iloc[0] + 0.1
    a, b = np.triu_indices(n, 1)
    order = rng.permutation(len(a))
    pairs = pd.DataFrame({"code": E.index[a[order]], "other": E.index[b[order]]})
    known = pairs.iloc[:20].assign(type=["similar", "related"] * 10)
    return E, known, pairs.iloc[20:]


def cosine(E, pairs):
    return [
        E.loc[a] @ E.loc[b] / np.linalg.norm(E.loc[a]) / np.linalg.norm(E.loc[b])
        for a, b in zip(pairs["code"], pairs["other"], strict=True)
    ]


def auc(good, bad):
    gap = np.subtract.outer(good, bad)
    return np.mean((gap > 0) + 0.5 * (gap == 0))


def test_the_value_is_the_share_of_known_pairs_above_random_ones():
    E, known, random = case()
    found = pair_auc(E, known, random)
    assert list(found) == ["related", "similar", "all"]
    for kind in ("related", "similar"):
        part = known[known["type"] == kind]
        assert found[kind].value == pytest.approx(auc(cosine(E, part), cosine(E, random)))
    assert found["all"].value == pytest.approx(auc(cosine(E, known), cosine(E, random)))


def test_a_pair_counts_as_often_as_both_of_its_codes_are_drawn():
    E, known, random = case()
    times = counts(np.random.default_rng(3), len(E), 150)
    known_cosine, random_cosine = cosine(E, known), cosine(E, random)
    draws = []
    for b in range(150):
        n = dict(zip(E.index, times[:, b].astype(int), strict=True))
        good, bad = (
            np.repeat(c, [n[x] * n[y] for x, y in zip(p["code"], p["other"], strict=True)])
            for p, c in ((known, known_cosine), (random, random_cosine))
        )
        draws.append(auc(good, bad))
    found = pair_auc(E, known, random, n_boot=150, seed=3)["all"]
    n_codes = len(set(known["code"]) | set(known["other"]))
    lo, hi = logit_interval(found.value, np.array(draws), n_codes, 0.95)
    assert (found.lo, found.hi) == (pytest.approx(lo), pytest.approx(hi))
    assert found.lo < found.value < found.hi


def test_order_direction_and_length_do_not_matter():
    E, known, random = case()
    a = pair_auc(E, known, random)["all"]
    turned = known.rename(columns={"code": "other", "other": "code"}).sample(frac=1, random_state=0)
    b = pair_auc(E * 7.0, turned, random.iloc[::-1])["all"]
    assert (a.value, a.lo, a.hi) == (pytest.approx(b.value), pytest.approx(b.lo), pytest.approx(b.hi))


def test_a_code_without_length_is_no_nearer_to_one_than_to_another():
    E = pd.DataFrame([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], index=list("abc"))
    known = pd.DataFrame({"code": ["a"], "other": ["b"]})
    random = pd.DataFrame({"code": ["a"], "other": ["c"]})
    assert pair_auc(E, known, random)["all"].value == 0.5


def test_where_all_pairs_are_in_order_no_interval_is_given():
    E = pd.DataFrame(np.eye(2)[[0, 0, 1, 1]], index=list("abcd"))
    known = pd.DataFrame({"code": ["a", "c"], "other": ["b", "d"]})
    random = pd.DataFrame({"code": ["a"], "other": ["d"]})
    found = pair_auc(E, known, random)["all"]
    assert found.value == 1.0
    assert np.isnan([found.lo, found.hi]).all() and "no spread" in found.note


def test_mistakes_are_told():
    E, known, random = case()
    with pytest.raises(MedgraftError, match="'c0' of pairs has no embedding"):
        pair_auc(E.drop(index="c0"), known.assign(code="c0"), random[random["code"] != "c0"])
    with pytest.raises(MedgraftError, match="random_pairs needs"):
        pair_auc(E, known, random.iloc[:0])
    with pytest.raises(MedgraftError, match="pairs needs"):
        pair_auc(E, known.drop(columns="other"), random)
