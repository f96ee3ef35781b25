"""What is to be factorised: the matrices of all sites, their codes and groups, and a start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.methods.records.alternate import Fit, Hidden, alternate
from medgraft.methods.records.effects import Effects, Layout
from medgraft.methods.records.embedding import align_hospitals, svd_embedding
from medgraft.methods.splits import Floats, Ints

TIE = 0.1  # of a site's mean curvature: what holds the two sides together


@dataclass(frozen=True)
class Problem:
    """Matrices of sites and their codes, as numbers.

    Parameters
    ----------
    sites : list of str
    names : Index (N,)
        The codes of all sites, sorted.
    groups : ndarray (G,)
        Names of the groups.
    group : array (N,) of int
    codes : list of array (n_s,) of int
        The codes of each site, as numbers into all codes.
    matrices : list of array (n_s, n_s)
    d : int
    hidden : list of array (n_s, n_s) of bool, optional
        Entries that must not be seen.
    """

    sites: list[str]
    names: pd.Index
    groups: np.ndarray
    group: Ints
    codes: list[Ints]
    matrices: list[Floats]
    d: int
    hidden: Hidden | None = None

    @classmethod
    def of(cls, matrices: Mapping[str, pd.DataFrame], groups: pd.Series, d: int) -> Problem:
        """Check and number; see `MUGS.fit`."""
        if not matrices:
            raise MedgraftError("There is no matrix to factorise: give one of each site.")
        if d < 2:
            raise MedgraftError(f"Embeddings have a length d of 2 or more, not {d}.")
        for site, S in matrices.items():
            if not S.index.is_unique or not S.index.equals(S.columns):
                raise MedgraftError(
                    f"The matrix of site '{site}' must have the same codes, each once, on both axes."
                )
            if not np.isfinite(S.to_numpy(dtype=float)).all():
                raise MedgraftError(f"The matrix of site '{site}' has gaps or infinite entries: fill them.")
        names = pd.Index(np.unique(np.concatenate([S.index.to_numpy() for S in matrices.values()])))
        if not groups.index.is_unique:
            raise MedgraftError("groups names a code twice: give each code one group.")
        lost = names.difference(groups.dropna().index)
        if len(lost):
            raise MedgraftError(f"Code '{lost[0]}' has no group: name one for it, if only of its own.")
        known, group = np.unique(groups.loc[names].to_numpy(), return_inverse=True)
        codes = [names.get_indexer(S.index).astype(np.intp) for S in matrices.values()]
        return cls(
            list(matrices),
            names,
            known,
            group.astype(np.intp),
            codes,
            [S.to_numpy(dtype=float) for S in matrices.values()],
            d,
        )

    def without(self, hidden: Hidden) -> Problem:
        """The same with entries taken away, so that the start does not know them, either."""
        S = [np.where(gap, 0.0, M) for M, gap in zip(self.matrices, hidden, strict=True)]
        return replace(self, matrices=S, hidden=hidden)

    @cached_property
    def start(self) -> list[Floats]:
        """Embeddings (n_s, d) of each site alone, laid over the first site's."""
        alone = {
            site: pd.DataFrame(svd_embedding(S, self.d), index=self.names[here])
            for site, S, here in zip(self.sites, self.matrices, self.codes, strict=True)
        }
        return [E.to_numpy() for E in align_hospitals(alone).values()]

    @property
    def curvature(self) -> Floats:
        """Mean eigenvalue (S,) of E'E at the start."""
        return np.array([(E**2).sum() / self.d for E in self.start])

    def layout(self, ridge: float, site_penalty: float) -> Layout:
        """The codes with what their effects cost."""
        return Layout.of(self.codes, self.group, self.d, ridge, site_penalty)

    def fit(self, ridge: float, site_penalty: float, *, tol: float, max_iter: int) -> Fit:
        """Factorise with given penalties."""
        layout = self.layout(ridge, site_penalty)
        return alternate(
            self.matrices,
            Effects.split(self.start, layout),
            layout,
            TIE * self.curvature,
            tol=tol,
            max_iter=max_iter,
            hidden=self.hidden,
        )
