"""MUGS on hospitals whose embeddings are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.generate.codes import codes
from medgraft.methods.records import MUGS, cooccurrence, pair_auc, sppmi, svd_embedding
from medgraft.methods.records.choose import hide
from medgraft.methods.records.problem import Problem

HERE = "children"


def gram(E):
    E = E.sort_index()
    return E.to_numpy() @ E.to_numpy().T


def test_without_noise_and_nearly_without_penalty_the_matrices_come_back():
    made = codes(60, 6, 3, noise=0.0, different=0.3)
    m = MUGS(3, ridge=1e-6, site_penalty=1e-6, tol=1e-12).fit(made.matrices, made.groups)
    for site, S in made.matrices.items():
        E = m.embeddings_[site]
        assert E.index.equals(S.index)
        np.testing.assert_allclose(E @ E.T, S, atol=1e-3)


def test_an_embedding_is_the_sum_of_its_effects():
    made = codes(60, 6, 3, seed=1)
    m = MUGS(3, ridge=20.0, site_penalty=30.0).fit(made.matrices, made.groups)
    for site, E in m.embeddings_.items():
        group = m.group_effects_.loc[made.groups.loc[E.index]].to_numpy()
        total = group + m.code_effects_.loc[E.index].to_numpy() + m.site_effects_[site].to_numpy()
        np.testing.assert_allclose(E, total, atol=1e-12)
    both = set(made.matrices["general"].index) & set(made.matrices[HERE].index)
    own = m.site_effects_[HERE]
    assert not own[~own.index.isin(both)].to_numpy().any()
    assert own.to_numpy().any()


def test_the_objective_falls_at_each_step_and_ends():
    made = codes(60, 6, 3, seed=1)
    m = MUGS(3, ridge=20.0, site_penalty=30.0, tol=1e-7, max_iter=1000).fit(made.matrices, made.groups)
    assert m.converged_
    assert (np.diff(m.objective_) <= 1e-12 * m.objective_[0]).all()
    assert m.objective_[-1] < m.objective_[0]


def test_neither_order_nor_names_of_codes_groups_and_sites_matter():
    made = codes(60, 6, 3, seed=2)
    a = MUGS(3).fit(made.matrices, made.groups, target=HERE)
    rng = np.random.default_rng(0)
    new = dict(zip(made.groups.index, rng.permutation([f"x{i}" for i in range(60)]), strict=True))
    other = {}
    for site, S in made.matrices.items():
        T = S.rename(index=new, columns=new)
        mixed = rng.permutation(T.index)
        other[site.upper()] = T.loc[mixed, mixed]
    groups = made.groups.rename(new).map(lambda g: f"g{9 - int(g[5:])}").sample(frac=1, random_state=1)
    b = MUGS(3, ridge=a.ridge_, site_penalty=a.site_penalty_).fit(other, groups)
    for site, E in a.embeddings_.items():
        back = {v: k for k, v in new.items()}
        found = b.embeddings_[site.upper()].rename(index=back)
        np.testing.assert_allclose(gram(found), gram(E), atol=1e-5)


def test_equal_data_give_equal_models_and_are_left_alone():
    made = codes(40, 5, 3, seed=3)
    before, state = {k: v.copy() for k, v in made.matrices.items()}, np.random.get_state()[1].copy()
    a = MUGS(3).fit(made.matrices, made.groups, target=HERE)
    b = MUGS(3).fit(made.matrices, made.groups, target=HERE)
    pd.testing.assert_frame_equal(a.embeddings_[HERE], b.embeddings_[HERE])
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for site, S in before.items():
        pd.testing.assert_frame_equal(S, made.matrices[site])


def test_the_penalties_are_those_of_the_least_loss_and_a_given_one_stays():
    made = codes(40, 5, 3, seed=4)
    m = MUGS(3).fit(made.matrices, made.groups, target=HERE)
    assert len(m.choice_) == 16
    best = m.choice_.loc[m.choice_["loss"].idxmin()]
    assert (m.ridge_, m.site_penalty_) == (best["ridge"], best["site_penalty"])
    given = MUGS(3, ridge=7.0).fit(made.matrices, made.groups, target=HERE)
    assert given.ridge_ == 7.0 and set(given.choice_["ridge"]) == {7.0}
    assert MUGS(3, ridge=7.0, site_penalty=2.0).fit(made.matrices, made.groups).choice_.empty


def test_pairs_choose_by_the_area_under_the_curve_of_the_target():
    made = codes(40, 5, 3, seed=5)
    known = made.pairs(HERE)
    m = MUGS(3).fit(made.matrices, made.groups, target=HERE, pairs=known)
    assert m.choice_["loss"].between(0, 0.5).all()
    # Pairs turned into their opposite: the least loss of one is the greatest of the other's kind.
    worst = made.random_pairs(HERE, len(known))
    assert MUGS(3).fit(made.matrices, made.groups, target=HERE, pairs=worst).choice_["loss"].min() > 0.5


def test_the_target_s_hidden_entries_are_the_same_whatever_sites_take_part():
    alone, both = hide([40], [0], seed=3), hide([50, 40], [1], seed=3)
    assert not both[0].any()
    np.testing.assert_array_equal(alone[0], both[1])
    np.testing.assert_array_equal(alone[0], alone[0].T)
    assert alone[0].mean() == pytest.approx(0.1, abs=0.03)
    assert not np.diag(alone[0]).any()


def test_a_choice_does_not_see_the_entries_that_judge_it():
    made = codes(40, 4, 3, seed=6)
    site = {HERE: made.matrices[HERE]}
    gap = hide([len(site[HERE])], [0], seed=0)[0]
    problem = Problem.of(site, made.groups, 3)
    other = Problem.of({HERE: site[HERE].mask(gap, 99.0)}, made.groups, 3)
    a, b = (p.without([gap]).fit(5.0, np.inf, tol=1e-6, max_iter=20) for p in (problem, other))
    np.testing.assert_array_equal(a.left.code, b.left.code)


def test_three_sites_are_fitted_and_one_alone_is_a_control_without_site_effects():
    made = codes(80, 8, 3, sites=("a", "b", "c"), noise=0.2, seed=1)
    m = MUGS(3, ridge=20.0, site_penalty=20.0).fit(made.matrices, made.groups)
    assert set(m.embeddings_) == {"a", "b", "c"}
    alone = MUGS(3).fit({"c": made.matrices["c"]}, made.groups)
    assert not alone.site_effects_["c"].to_numpy().any()


def test_a_clear_site_effect_is_found_where_it_is_and_nowhere_else():
    made = codes(150, 15, 5, noise=0.1, rare=0.0, different=0.1, site_effect=2.0, seed=1)
    m = MUGS(5).fit(made.matrices, made.groups, target=HERE)
    assert np.isfinite(m.site_penalty_)
    own = m.site_effects_[HERE]
    own = own[own.index.isin(made.matrices["general"].index)]
    length = np.linalg.norm(own, axis=1)
    odd = own.index.isin(made.different)
    assert length[odd].min() > length[~odd].max()


def test_a_noisy_target_gains_from_a_clear_source_and_from_groups():
    gains = []
    for seed in range(3):
        made = codes(100, 12, 4, seed=seed)
        true = gram(made.embeddings[HERE])
        svd = svd_embedding(made.matrices[HERE].sort_index().sort_index(axis=1).to_numpy(), 4)
        alone = MUGS(4).fit({HERE: made.matrices[HERE]}, made.groups)
        both = MUGS(4).fit(made.matrices, made.groups, target=HERE)
        errors = [
            np.linalg.norm(G - true)
            for G in (svd @ svd.T, *(gram(m.embeddings_[HERE]) for m in (alone, both)))
        ]
        gains.append(-np.diff(errors) / np.linalg.norm(true))
    assert (np.array(gains) > 0.05).all()


def test_from_records_to_embeddings_codes_of_one_disease_are_near():
    """Patients have one of two diseases with five codes each; nobody has both."""
    rng = np.random.default_rng(0)
    rows = [
        {"patient": p, "time": t, "code": f"{'ab'[p % 2]}{rng.integers(5)}"}
        for p in range(200)
        for t in range(4)
    ]
    C, names = cooccurrence(pd.DataFrame(rows), np.inf)
    S = pd.DataFrame(sppmi(C).toarray(), index=names, columns=names)
    E = MUGS(2).fit({"here": S}, pd.Series(names, index=names)).embeddings_["here"]
    pairs = pd.DataFrame([(a, b) for a in names for b in names if a < b], columns=["code", "other"])
    same = pairs["code"].str[0] == pairs["other"].str[0]
    assert pair_auc(E, pairs[same], pairs[~same])["all"].value == 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda M, g: (({}, g), {}), "no matrix"),
        (lambda M, g: ((M, g.iloc[1:]), {}), "has no group"),
        (lambda M, g: ((M, pd.concat([g, g])), {}), "twice"),
        (lambda M, g: (({"x": M[HERE].iloc[::-1]}, g), {}), "both axes"),
        (lambda M, g: (({"x": M[HERE].mask(M[HERE] > 1)}, g), {}), "gaps"),
        (lambda M, g: (({"x": M[HERE].where(np.tri(len(M[HERE])) > 0, 0)}, g), {}), "symmetric"),
        (lambda M, g: ((M, g), {"target": "z"}), "no site 'z'"),
        (lambda M, g: ((M, g), {"pairs": pd.DataFrame()}), "name it as the target"),
    ],
)
def test_mistakes_are_told(change, said):
    made = codes(40, 4, 3)
    given, more = change(made.matrices, made.groups)
    with pytest.raises(MedgraftError, match=said):
        MUGS(3).fit(*given, **more)
    with pytest.raises(MedgraftError, match="2 or more"):
        MUGS(1).fit(made.matrices, made.groups)
