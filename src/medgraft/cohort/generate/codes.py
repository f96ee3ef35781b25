"""Hospitals that write the same clinical codes: matrices of association whose embeddings are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.truth import Array


@dataclass(frozen=True, eq=False)
class Codes:
    """What :func:`codes` made.

    Attributes
    ----------
    matrices : dict of site -> DataFrame (n_s, n_s)
        Symmetric association of the site's codes (as SPPMI), named on both axes.
    groups : Series
        The group (branch of the ontology) of every code of any site.
    embeddings : dict of site -> DataFrame (n_s, d)
        The true embeddings: a matrix is their inner products, and noise.
    group_effects : DataFrame (G, d)
    different : list of str
        Codes that mean something else at the sites after the first.
    rare : list of str
        Codes that are rare, and therefore noisy, at the last site.
    """

    matrices: dict[str, pd.DataFrame]
    groups: pd.Series
    embeddings: dict[str, pd.DataFrame]
    group_effects: pd.DataFrame
    different: list[str]
    rare: list[str]

    def pairs(self, site: str, *, least: float = 0.5) -> pd.DataFrame:
        """Pairs of the site's codes whose true cosine is `least` or more.

        Returns
        -------
        DataFrame
            ``code``, ``other`` and ``type``: ``"similar"`` within a group, ``"related"`` across groups.
        """
        a, b, cosine = self._pairs(site)
        return self._named(site, a[cosine >= least], b[cosine >= least])

    def random_pairs(self, site: str, n: int, *, least: float = 0.5, seed: int = 0) -> pd.DataFrame:
        """At most n pairs of the site's codes, drawn from those that are not known: ``code``, ``other``."""
        a, b, cosine = self._pairs(site)
        rest = np.flatnonzero(cosine < least)
        drawn = np.random.default_rng([seed, 7]).permutation(rest)[:n]
        return self._named(site, a[drawn], b[drawn])[["code", "other"]]

    def _pairs(self, site: str) -> tuple[Array, Array, Array]:
        E = self.embeddings[site].to_numpy()
        unit = E / np.linalg.norm(E, axis=1, keepdims=True)
        a, b = np.triu_indices(len(E), 1)
        return a, b, (unit[a] * unit[b]).sum(axis=1)

    def _named(self, site: str, a: Array, b: Array) -> pd.DataFrame:
        names = self.embeddings[site].index.to_numpy()
        group = self.groups.loc[names].to_numpy()
        kind = np.where(group[a] == group[b], "similar", "related")
        return pd.DataFrame({"code": names[a], "other": names[b], "type": kind})


def codes(
    n_codes: int = 200,
    n_groups: int = 25,
    d: int = 8,
    *,
    sites: Sequence[str] = ("general", "children"),
    noise: float | Sequence[float] = (0.3, 1.0),
    correlation: float = 0.5,
    code_effect: float = 0.5,
    site_effect: float = 1.0,
    different: float = 0.1,
    only: float = 0.1,
    rare: float = 0.3,
    rarity: float = 3.0,
    seed: int = 0,
) -> Codes:
    r"""Draw symmetric matrices of association of clinical codes at several sites.

    Use it where the embeddings that a method finds are to be held to true ones. Not as a stand-in for
    records: nobody has been ill, and no entry is cut at zero as in a matrix of positive PMI.

    The embedding of code i, of group g, at site s is

    .. math:: v_{si} = \beta_{g} + \zeta_i + \delta_{si}, \qquad S_s = V_s V_s^\top + N_s.

    Group effects follow a chain, :math:`\beta_{g} = \rho \beta_{g-1} + \sqrt{1 - \rho^2}\, e_g` (AR(1)), so
    that neighbouring groups are related. With :math:`e_g \sim N(0, I/d)` they have length one on average;
    the code effects are N(0, code_effect^2 I/d), and the site effects of the codes that differ
    N(0, site_effect^2 I/d) at each site but the first. The noise of an entry is normal with standard
    deviation :math:`\sigma_s \sqrt{r_i r_j}`, symmetric, where r is `rarity` for the rare codes at the last
    site and 1 otherwise.

    Parameters
    ----------
    n_codes, n_groups, d : int
        Codes of all sites together, dealt to the groups in turn; length of an embedding.
    sites : sequence of str
        The last one is the target: it has the rare codes.
    noise : float or sequence of float
        Standard deviation at each site.
    correlation : float, default 0.5
        :math:`\rho`, from 0 to below 1.
    code_effect, site_effect : float
    different : float, default 0.1
        Share of the shared codes that mean something else at the sites after the first.
    only : float, default 0.1
        Share of all codes that one site alone has, for each site.
    rare : float, default 0.3
        Share of the target's codes that are rare.
    rarity : float, default 3
    seed : int

    Raises
    ------
    MedgraftError
        A setting is out of its range.

    Notes
    -----
    The model is that of Li et al. (2024), doi:10.1038/s41746-024-01320-4; the settings are our own.

    Examples
    --------
    >>> made = codes(40, 5, 3, seed=1)
    >>> {site: S.shape for site, S in made.matrices.items()}
    {'general': (36, 36), 'children': (36, 36)}
    >>> sorted(set(made.pairs("children")["type"]))
    ['related', 'similar']
    """
    K = len(sites)
    sigma = np.full(K, noise, dtype=float) if isinstance(noise, float | int) else np.asarray(noise, float)
    shares = (correlation, different, rare)
    if not all(0 <= share <= 1 for share in shares) or correlation == 1 or not 0 <= only * K < 1:
        raise MedgraftError(
            "correlation, different, rare and only are shares: all from 0 to 1, correlation below 1, and "
            "only below 1 over the number of sites."
        )
    if sigma.shape != (K,) or (sigma < 0).any() or not 1 <= n_groups <= n_codes or d < 1:
        raise MedgraftError(
            "noise needs one value from 0 for each site, n_groups lies between 1 and n_codes, and d is at "
            "least 1."
        )
    rng = np.random.default_rng([seed, 53])
    beta = rng.normal(size=(n_groups, d)) / np.sqrt(d)
    for g in range(1, n_groups):
        beta[g] = correlation * beta[g - 1] + np.sqrt(1 - correlation**2) * beta[g]
    group = np.arange(n_codes) % n_groups
    base = beta[group] + code_effect * rng.normal(size=(n_codes, d)) / np.sqrt(d)

    order = rng.permutation(n_codes)
    alone = round(only * n_codes)
    owner = np.full(n_codes, -1)  # -1: every site has the code
    for s in range(K):
        owner[order[s * alone : (s + 1) * alone]] = s
    shared = np.flatnonzero(owner == -1)
    changed = rng.permutation(shared)[: round(different * len(shared))]
    at_target = np.flatnonzero((owner == -1) | (owner == K - 1))
    seldom = rng.permutation(at_target)[: round(rare * len(at_target))]

    names = np.array([f"code{i:0{len(str(n_codes - 1))}d}" for i in range(n_codes)])
    matrices, truth = {}, {}
    for s, site in enumerate(sites):
        V = base.copy()
        if s > 0:
            V[changed] += site_effect * rng.normal(size=(len(changed), d)) / np.sqrt(d)
        r = np.ones(n_codes)
        if s == K - 1:
            r[seldom] = rarity
        here = np.flatnonzero((owner == -1) | (owner == s))
        half = np.triu(rng.normal(size=(len(here), len(here))))
        N = (half + np.triu(half, 1).T) * sigma[s] * np.sqrt(np.outer(r[here], r[here]))
        truth[site] = pd.DataFrame(V[here], index=names[here])
        matrices[site] = pd.DataFrame(V[here] @ V[here].T + N, index=names[here], columns=names[here])
    label = np.array([f"group{g}" for g in range(n_groups)])
    return Codes(
        matrices,
        pd.Series(label[group], index=names),
        truth,
        pd.DataFrame(beta, index=label),
        sorted(names[changed]),
        sorted(names[seldom]),
    )
