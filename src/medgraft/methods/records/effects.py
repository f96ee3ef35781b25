"""One side of the factorisation: group, code and site effects, and the steps that improve them.

With the other side's embeddings U_s fixed, all that a step needs of site s is A_s = U_s'U_s and
b_si = U_s' S_s,i, since |S_s,i - U_s v|^2 = |S_s,i|^2 - 2 b_si'v + v'A_s v.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.splits import Floats, Ints


@dataclass(frozen=True)
class Layout:
    """Which code is where, of which group, and what its effects cost.

    Parameters
    ----------
    codes : list of array (n_s,) of int
        The codes of each site, as numbers into all N codes.
    group : array (N,) of int
        Group of each code, 0 to G-1.
    ridge : array (N,)
        Penalty of a code's effect: ridge * sqrt(log d / codes of all sites that have it).
    lasso : array (S,)
        Penalty of a site's effects: site_penalty * sqrt(log d / n_s); ``inf`` allows none.
    """

    codes: list[Ints]
    group: Ints
    ridge: Floats
    lasso: Floats

    @classmethod
    def of(cls, codes: list[Ints], group: Ints, d: int, ridge: float, site_penalty: float) -> Layout:
        """Work out the penalties of embeddings of length d."""
        size = np.zeros(len(group))
        for here in codes:
            size[here] += len(here)
        each = np.array([len(here) for here in codes])
        return cls(codes, group, ridge * np.sqrt(np.log(d) / size), site_penalty * np.sqrt(np.log(d) / each))

    @cached_property
    def common(self) -> NDArray[np.bool_]:
        """Codes (N,) that two or more sites have: only these have site effects."""
        return np.bincount(np.concatenate(self.codes), minlength=len(self.group)) > 1

    @cached_property
    def patterns(self) -> list[tuple[Ints, Ints]]:
        """Codes that the same sites have, with these sites."""
        has = np.array([np.isin(np.arange(len(self.group)), here) for here in self.codes]).T
        kinds, kind = np.unique(has, axis=0, return_inverse=True)
        kind = kind.reshape(-1)
        return [(np.flatnonzero(kind == k), np.flatnonzero(row)) for k, row in enumerate(kinds)]


@dataclass
class Effects:
    """Embeddings as sums: row i of site s is group[g(i)] + code[i] + site[s][i].

    Parameters
    ----------
    group : array (G, d)
    code : array (N, d)
    site : list of array (n_s, d)
    """

    group: Floats
    code: Floats
    site: list[Floats]

    @classmethod
    def split(cls, E: list[Floats], layout: Layout) -> Effects:
        """Take embeddings of every site apart by means: over a group, over the sites of a code, the rest."""
        everyone = np.concatenate(layout.codes)
        rows = np.concatenate(E)
        group = _means(rows, layout.group[everyone], int(layout.group.max()) + 1)
        code = _means(rows, everyone, len(layout.group)) - group[layout.group]
        both = group[layout.group] + code
        site = []
        for e, here, lasso in zip(E, layout.codes, layout.lasso, strict=True):
            may = layout.common[here] & np.isfinite(lasso)
            site.append(np.where(may[:, None], e - both[here], 0.0))
        return cls(group, code, site)

    def copy(self) -> Effects:
        """Effects that may be changed without changing these."""
        return Effects(self.group.copy(), self.code.copy(), [own.copy() for own in self.site])

    def mean(self, other: Effects) -> Effects:
        """Half of the sum with another side's."""
        site = [(a + b) / 2 for a, b in zip(self.site, other.site, strict=True)]
        return Effects((self.group + other.group) / 2, (self.code + other.code) / 2, site)

    def rows(self, layout: Layout) -> list[Floats]:
        """Embeddings (n_s, d) of every site."""
        both = self.group[layout.group] + self.code
        return [both[here] + own for here, own in zip(layout.codes, self.site, strict=True)]

    def penalty(self, layout: Layout) -> float:
        """What the effects cost."""
        total = float(layout.ridge @ (self.code**2).sum(axis=1))
        for lasso, own in zip(layout.lasso, self.site, strict=True):
            length = float(np.linalg.norm(own, axis=1).sum())
            total += lasso * length if length else 0.0
        return total

    def fit_shared(self, A: Floats, b: list[Floats], layout: Layout) -> None:
        r"""Set group and code effects to their joint optimum while site effects stay.

        Code i with sites M has :math:`\zeta_i = (A_M + \mu_i I)^{-1}(r_i - A_M \beta_g)`, where A_M and r_i
        are sums over its sites. Put into the objective, this leaves for the group's effect

        .. math:: \sum_i \mu_i (A_M + \mu_i I)^{-1} (A_M \beta_g - r_i) = 0.
        """
        d = A.shape[1]
        rest = np.zeros_like(self.code)
        for a, target, here, own in zip(A, b, layout.codes, self.site, strict=True):
            rest[here] += target - own @ a
        left, right = np.zeros((len(self.group), d, d)), np.zeros_like(self.group)
        parts = []
        for members, sites in layout.patterns:
            a, mu = A[sites].sum(axis=0), layout.ridge[members[0]]
            inverse = np.linalg.inv(a + mu * np.eye(d))
            parts.append((members, a, inverse))
            n = np.bincount(layout.group[members], minlength=len(self.group))
            left += n[:, None, None] * (mu * inverse @ a)
            np.add.at(right, layout.group[members], rest[members] @ (mu * inverse))
        self.group = np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0])
        for members, a, inverse in parts:
            self.code[members] = (rest[members] - self.group[layout.group[members]] @ a) @ inverse

    def fit_sites(self, A: Floats, b: list[Floats], layout: Layout) -> None:
        """Set every site effect to its optimum while group and code effects stay."""
        both, common = self.group[layout.group] + self.code, layout.common
        for s, here in enumerate(layout.codes):
            self.site[s] = np.zeros_like(self.site[s])
            if np.isfinite(layout.lasso[s]):
                free = common[here]
                rest = b[s][free] - both[here[free]] @ A[s]
                self.site[s][free] = shrunk(A[s], rest, layout.lasso[s])


def shrunk(A: Floats, r: Floats, kappa: float) -> Floats:
    r"""Return for each row the vector that minimises :math:`v^\top A v - 2 r^\top v + \kappa \|v\|`.

    It is zero where :math:`2\|r\| \le \kappa`. Elsewhere :math:`v = (A + \frac{\kappa}{2t} I)^{-1} r` with
    the length t that agrees with itself: in the eigenvectors of A, :math:`\sum_k c_k^2 / (\lambda_k t +
    \kappa/2)^2 = 1`, found by Newton's method on the root of the inverse, which is concave: the steps from
    t = 0 go up to the solution and never past it.

    Examples
    --------
    >>> shrunk(np.eye(2), np.array([[3.0, 4.0], [0.3, 0.4]]), 2.0).round(6).tolist()  # a fifth less; nothing
    [[2.4, 3.2], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh(A)
    values = np.maximum(values, 0.0)
    c = r @ vectors
    out = np.zeros_like(r)
    live = 2 * np.linalg.norm(r, axis=1) > kappa
    if kappa == 0:
        keep = values > 1e-12 * max(float(values[-1]), 1e-300)
        out[live] = (c[live][:, keep] / values[keep]) @ vectors[:, keep].T
        return out
    c, h = c[live], kappa / 2
    t = np.zeros(len(c))
    for _ in range(100):
        below = values * t[:, None] + h
        f = (c**2 / below**2).sum(axis=1)
        slope = (c**2 * values / below**3).sum(axis=1)  # -f'/2
        step = (np.sqrt(f) - 1) * f / np.maximum(slope, 1e-300)
        t = t + np.maximum(step, 0.0)
        if (step <= 1e-13 * t).all():
            break
    t = t[:, None]
    out[live] = (c * t / (values * t + h)) @ vectors.T
    return out


def _means(rows: Floats, code: Ints, n: int) -> Floats:
    total = np.zeros((n, rows.shape[1]))
    np.add.at(total, code, rows)
    return total / np.bincount(code, minlength=n)[:, None]
