"""What is said of generated codes is true of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.generate.codes import codes


def test_the_same_seed_gives_the_same_codes_and_another_seed_others():
    a, b = codes(30, 5, 3, seed=2), codes(30, 5, 3, seed=2)
    for site in a.matrices:
        pd.testing.assert_frame_equal(a.matrices[site], b.matrices[site])
    assert not codes(30, 5, 3, seed=3).matrices["general"].equals(a.matrices["general"])


def test_without_noise_a_matrix_is_the_inner_products_of_its_embeddings():
    made = codes(40, 5, 3, noise=0.0)
    for site, S in made.matrices.items():
        E = made.embeddings[site]
        np.testing.assert_allclose(S, E @ E.T, atol=1e-12)
        assert S.index.equals(S.columns) and S.index.equals(E.index)


def test_neighbouring_groups_correlate_as_asked_and_have_length_one():
    made = codes(1500, 1500, 12, correlation=0.7, noise=0.0, only=0.0, sites=("a",), rare=0.0)
    B = made.group_effects.to_numpy()
    for lag, expected in ((1, 0.7), (2, 0.49), (30, 0.0)):
        assert (B[lag:] * B[:-lag]).mean() * 12 == pytest.approx(expected, abs=0.05)
    assert (B**2).sum(axis=1).mean() == pytest.approx(1.0, abs=0.05)


def test_an_embedding_is_its_group_s_and_a_code_effect_and_differs_at_later_sites_where_told():
    made = codes(
        2000, 10, 4, sites=("a", "b", "c"), code_effect=0.5, site_effect=2.0, different=0.2, noise=0.0
    )
    group = made.group_effects.loc[made.groups.loc[made.embeddings["a"].index]].to_numpy()
    own = made.embeddings["a"].to_numpy() - group
    assert (own**2).sum(axis=1).mean() == pytest.approx(0.25, rel=0.1)
    for site in "bc":
        both = made.embeddings["a"].index.intersection(made.embeddings[site].index)
        gap = made.embeddings[site].loc[both] - made.embeddings["a"].loc[both]
        moved = (gap != 0).any(axis=1)
        assert sorted(both[moved]) == made.different
        assert (gap[moved] ** 2).sum(axis=1).mean() == pytest.approx(4.0, rel=0.15)
        assert moved.mean() == pytest.approx(0.2, abs=0.01)


def test_each_site_has_codes_of_its_own_and_all_share_the_rest():
    made = codes(100, 10, 3, sites=("a", "b", "c"), noise=0.1, only=0.2)
    index = [set(S.index) for S in made.matrices.values()]
    assert [len(i) for i in index] == [60, 60, 60]
    assert len(set.intersection(*index)) == 40
    assert set.union(*index) == set(made.groups.index)


def test_noise_is_symmetric_of_the_size_told_and_larger_for_rare_codes_of_the_target():
    made = codes(600, 10, 3, noise=(0.2, 0.5), rare=0.3, rarity=4.0)
    for site, sigma, rarity in (("general", 0.2, 1.0), ("children", 0.5, 4.0)):
        E = made.embeddings[site]
        N = (made.matrices[site] - E @ E.T).to_numpy()
        np.testing.assert_allclose(N, N.T, atol=1e-12)
        rare = E.index.isin(made.rare)
        assert N[np.ix_(~rare, ~rare)].std() == pytest.approx(sigma, rel=0.03)
        assert N[np.ix_(rare, ~rare)].std() == pytest.approx(sigma * rarity**0.5, rel=0.03)
        assert N[np.ix_(rare, rare)].std() == pytest.approx(sigma * rarity, rel=0.03)


def test_known_pairs_are_those_of_large_cosine_and_random_ones_are_not():
    made = codes(50, 5, 3, seed=4)
    E = made.embeddings["children"]
    unit = E.div(np.linalg.norm(E, axis=1), axis=0)
    known, random = made.pairs("children"), made.random_pairs("children", 200)
    true = {(a, b): unit.loc[a] @ unit.loc[b] for i, a in enumerate(E.index) for b in E.index[i + 1 :]}
    told = set(zip(known["code"], known["other"], strict=True))
    assert told == {pair for pair, cosine in true.items() if cosine >= 0.5}
    drawn = list(zip(random["code"], random["other"], strict=True))
    assert len(set(drawn)) == 200 and not told & set(drawn) and set(drawn) <= set(true)
    same = made.groups.loc[known["code"]].to_numpy() == made.groups.loc[known["other"]].to_numpy()
    assert (known["type"].to_numpy() == np.where(same, "similar", "related")).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"correlation": 1.0},
        {"different": -0.1},
        {"only": 0.5},
        {"noise": (0.1,)},
        {"noise": -1.0},
        {"d": 0},
        {"n_groups": 300},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(MedgraftError):
        codes(**wrong)
