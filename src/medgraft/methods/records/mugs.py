"""Embeddings of codes for several hospitals at once, as sums of group, code and site effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from medgraft.base import MedgraftError
from medgraft.methods.records.choose import choose
from medgraft.methods.records.effects import Effects
from medgraft.methods.records.problem import Problem
from medgraft.methods.threads import one_thread


class MUGS(BaseEstimator):
    r"""Learn embeddings of clinical codes that hospitals share, and what is special to each hospital.

    Use it where a hospital has few records of many codes, another one has more, and an ontology groups the
    codes: rare codes borrow from their group, and from the other hospital. Not without groups that mean
    something, nor for codes that are written together by rule (bills), whose association is no meaning.

    The embedding of code i, of group g, at site s is :math:`v_{si} = \beta_g + \zeta_i + \delta_{si}`. From
    symmetric matrices S_s of association (`sppmi`) it finds two sides U and V, each such a sum, that minimise

    .. math::

       \sum_s \|S_s - U_s V_s^\top\|_F^2 + \sum_s \tau_s \|U_s - V_s\|_F^2 + \sum_{U, V} \Bigl[
       \lambda \sum_i \sqrt{\tfrac{\log d}{n_{(i)}}}\, \|\zeta_i\|^2
       + \lambda_\delta \sum_s \sqrt{\tfrac{\log d}{n_s}} \sum_i \|\delta_{si}\| \Bigr]

    with n_s codes at site s and n_(i) those of all sites that have code i. Only codes of two sites or more
    have site effects. The second penalty makes a whole site effect zero or not: such codes mean the same
    at all sites. The embedding is (U + V) / 2.

    The tie :math:`\tau_s` is ours: a tenth of the mean eigenvalue of U_s'U_s at the start. Without it the
    objective has no useful minimum: group effects are free, so that one side can hold all code effects,
    shrink them to nothing, and grow the other side's group effects in turn, at no cost.

    It starts from the eigenvectors of each site, laid over the first site's by Procrustes, and taken apart
    by means. With one side fixed, the other's group and code effects have a joint closed form, and then each
    site effect, too; the sides take turns until the objective falls by less than `tol`. It falls at each
    step. The minimum is a local one.

    Parameters
    ----------
    d : int, default 10
        Length of an embedding, at least 2.
    ridge : float, optional
        :math:`\lambda`. Default: chosen.
    site_penalty : float, optional
        :math:`\lambda_\delta`; ``inf`` allows no site effects. Default: chosen.
    tol : float, default 1e-6
        Relative fall of the objective at which the turns end.
    max_iter : int, default 200
        Most turns of both sides.
    random_state : int
        Seed of what is hidden, or drawn at random, to choose penalties.

    Attributes
    ----------
    group_effects_ : DataFrame (G, d)
    code_effects_ : DataFrame (N, d)
    site_effects_ : dict of site -> DataFrame (n_s, d)
    embeddings_ : dict of site -> DataFrame (n_s, d)
        The sum of the three for the site's codes, in the order of its matrix.
    ridge_, site_penalty_ : float
    choice_ : DataFrame
        The penalties tried, with their ``loss``; empty if both were given.
    objective_ : ndarray
        The objective after each step, over the number of entries.
    converged_ : bool

    Raises
    ------
    MedgraftError
        A matrix that is not symmetric or has gaps, a code without a group, sites that share fewer than d
        codes with the first, or a site or a code of the pairs that does not exist.

    Notes
    -----
    What travels between hospitals are the matrices and the effects: counts and vectors of codes, no patient.
    Penalties are chosen on a grid of 4 x 4: by a tenth of the entries, hidden from the fit, or, where pairs
    are given, by the AUC of the target's cosines against equally many random pairs. A hospital that knows
    nothing of use costs a little: it helps if the least loss in ``choice_`` is below that of a fit to the
    target's matrix alone, which has the same entries hidden (`benchmarks/mugs.py`).

    Cost of a turn O(sum_s n_s^2 d + N d^2); a choice costs up to 16 fits of 30 turns. Memory a few n_s^2.

    Li et al. (2024), doi:10.1038/s41746-024-01320-4, with two sites; re-implemented from its equations, but
    for the tie, the joint step and the choice.

    Examples
    --------
    >>> from medgraft.cohort.generate.codes import codes
    >>> made = codes(60, 6, 3, noise=0.2, seed=0)
    >>> m = MUGS(3).fit(made.matrices, made.groups, target="children")
    >>> m.group_effects_.shape, m.embeddings_["children"].shape
    ((6, 3), (54, 3))
    """

    def __init__(
        self,
        d: int = 10,
        *,
        ridge: float | None = None,
        site_penalty: float | None = None,
        tol: float = 1e-6,
        max_iter: int = 200,
        random_state: int = 0,
    ) -> None:
        self.d = d
        self.ridge = ridge
        self.site_penalty = site_penalty
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(
        self,
        matrices: Mapping[str, pd.DataFrame],
        groups: pd.Series,
        *,
        target: str | None = None,
        pairs: pd.DataFrame | None = None,
    ) -> Self:
        """Fit on the matrices of one site or more.

        Parameters
        ----------
        matrices : dict of site -> DataFrame (n_s, n_s)
            Symmetric, with the names of codes on both axes, each once.
        groups : Series
            The group of each code; codes that no site has are passed over.
        target : str, optional
            The site whose hidden entries, or pairs, choose the penalties; default all sites.
        pairs : DataFrame, optional
            Pairs of the target's codes, ``code`` and ``other``, that belong together. Keep those by which
            the result is judged apart.

        Returns
        -------
        self
        """
        problem = Problem.of(matrices, groups, self.d)
        judged = list(range(len(problem.sites)))
        if target is not None:
            if target not in problem.sites:
                raise MedgraftError(f"There is no site '{target}' among {', '.join(problem.sites)}.")
            judged = [problem.sites.index(target)]
        elif pairs is not None:
            raise MedgraftError("Pairs choose the penalties at one site: name it as the target.")
        self.choice_ = pd.DataFrame(columns=["ridge", "site_penalty", "loss"], dtype=float)
        with one_thread():
            if self.ridge is None or self.site_penalty is None:
                seed = self.random_state
                self.choice_ = choose(problem, self.ridge, self.site_penalty, judged, pairs, seed)
                best = self.choice_.iloc[self.choice_["loss"].argmin()]
                self.ridge_, self.site_penalty_ = float(best["ridge"]), float(best["site_penalty"])
            else:
                self.ridge_, self.site_penalty_ = float(self.ridge), float(self.site_penalty)
            fit = problem.fit(self.ridge_, self.site_penalty_, tol=self.tol, max_iter=self.max_iter)
        self.objective_, self.converged_ = np.array(fit.losses), fit.converged
        self._keep(problem, fit.left.mean(fit.right))
        return self

    def _keep(self, problem: Problem, effects: Effects) -> None:
        """Give the effects their names."""
        rows = effects.rows(problem.layout(self.ridge_, self.site_penalty_))
        self.group_effects_ = pd.DataFrame(effects.group, index=problem.groups)
        self.code_effects_ = pd.DataFrame(effects.code, index=problem.names)
        self.site_effects_, self.embeddings_ = {}, {}
        for s, site in enumerate(problem.sites):
            codes = problem.names[problem.codes[s]]
            self.site_effects_[site] = pd.DataFrame(effects.site[s], index=codes)
            self.embeddings_[site] = pd.DataFrame(rows[s], index=codes)
