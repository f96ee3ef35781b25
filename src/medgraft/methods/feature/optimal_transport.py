"""Carry the source's patients to where the target's are, with the least effort, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from medgraft.methods.base import TransferEstimator
from medgraft.methods.feature.transport import grouped
from medgraft.methods.notes import NOT_ALIGNED
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError

BLOCK = 8192  # rows whose distances are held at a time


@method(
    "optimal-transport",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n m p + m^2 r) for m landmarks and r iterations",
    refs=(
        "Courty, Flamary, Tuia and Rakotomamonjy 2017, doi:10.1109/TPAMI.2016.2615921",
        "Courty, Flamary and Tuia 2014, European Conf. Machine Learning (the class penalty)",
        "Cuturi 2013, arXiv:1306.0895",
    ),
)
class OptimalTransport(TransferEstimator):
    r"""Move each source patient to the target patients that cost least to reach, then learn from everyone.

    Use it when devices distort the features in a curved way that no shift or linear map undoes, and target
    patients without labels are at hand. Not when the classes have other shares in the target: the transport
    keeps the source's shares and then carries patients across the border.

    With costs :math:`C_{ij} = \|x_i - z_j\|^2` between encoded source rows i and target rows j, divided by
    their mean, it solves

    .. math:: \min_T \langle T, C \rangle + r \sum T (\log T - 1)
              + \eta \sum_{j,c} b_j \sqrt{s_{cj} + \epsilon}

    over T with the source's and the target's weights a and b as row and column sums; :math:`s_{cj}` is the
    share of what target row j receives that comes from labelled source rows of class c. The last term lets a
    target patient receive from one class rather than from two (Courty's :math:`\ell_{1/2}`-:math:`\ell_1`
    penalty, with shares in place of masses so that :math:`\eta` does not depend on the number of patients).
    A source row goes to :math:`\sum_j T_{ij} z_j / \sum_j T_{ij}`. Target rows stay as they are.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    smooth : float
        r, in units of the mean cost. Small: nearly one to one, and slower. Large: everyone goes to the mean.
    class_penalty : float
        :math:`\eta`, from 0 on, in units of the mean cost. Of no effect for regression.
    n_landmarks : int
        m: the plan is made between at most so many rows of each side. Any other source row moves as its
        nearest landmark does, of its own class where it has a label.

    Attributes
    ----------
    cost_ : float
        :math:`\langle T, C \rangle`, in units of the mean cost; 1 is no better than chance.
    note_ : str
        Says so when there was nothing to align and all patients were pooled.

    Raises
    ------
    InputError
        A setting is not a number in its range.

    Notes
    -----
    Landmarks are drawn from distinct rows in an order that belongs to their content and the seed. Nothing of
    the plan is kept. All sources are taken as one. With classes the minimum is a local one, reached from the
    plan without the last term in at most ten rounds. Memory O(n p + m^2).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 1))
    >>> X = np.r_[np.exp(x[:200]) + 7, x[200:]]  # the source's device has a curved scale
    >>> site = ["a"] * 200 + ["b"] * 100
    >>> m = OptimalTransport().fit(X, x[:, 0] > 0, domain=site, target="b", labelled=np.arange(300) < 200)
    >>> m.predict([[-0.5], [0.5]]).tolist()
    [False, True]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        smooth: float = 0.05,
        class_penalty: float = 0.1,
        n_landmarks: int = 500,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.smooth = smooth
        self.class_penalty = class_penalty
        self.n_landmarks = n_landmarks

    def _fit(self, rows: Rows) -> None:
        self._check()
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.cost_ = float("nan")
        source, target = (self._points(Z, rows, side) for side in (rows.source, rows.target))
        if min(len(source.Z), len(target.Z)) < 2:
            self.note_ = NOT_ALIGNED
        else:
            moved = self._carry(source, target)
            label = np.where(rows.labelled, rows.y, -1).astype(np.intp) if rows.k else None
            at = np.flatnonzero(rows.source)
            Z[at] += _displacement(Z[at], None if label is None else label[at], source, moved - source.Z)
        self._learn(Z, rows, np.ones(len(Z), dtype=bool))

    def _carry(self, source: Points, target: Points) -> Floats:
        """Where the source's landmarks go."""
        C = cdist(source.Z, target.Z, "sqeuclidean")
        a, b = source.weight / source.weight.sum(), target.weight / target.weight.sum()
        C /= float(a @ C @ b) or 1.0
        T = grouped(a, b, C, source.label, float(self.smooth), float(self.class_penalty))
        self.cost_ = float((T * C).sum())
        return np.asarray(T @ target.Z / T.sum(axis=1, keepdims=True))

    def _points(self, Z: Floats, rows: Rows, side: Mask) -> Points:
        at = np.flatnonzero(side)
        label = np.where(rows.labelled, rows.y, -1)[at].astype(np.intp) if rows.k else np.full(len(at), -1)
        keys = rows.table.keys()[at]
        order = np.lexsort([label, keys])
        new = np.r_[True, (np.diff(label[order]) != 0) | (keys[order][1:] != keys[order][:-1])][: len(order)]
        first = order[new]
        weight = np.add.reduceat(rows.weight[at][order], np.flatnonzero(new)) if len(at) else np.empty(0)
        drawn = np.random.default_rng(self.random_state).permutation(len(first))[: self.n_landmarks]
        return Points(Z[at[first[drawn]]], weight[drawn], label[first[drawn]])

    def _check(self) -> None:
        for name, low in (("smooth", "above 0"), ("class_penalty", "from 0 on")):
            value = getattr(self, name)
            fits = (
                isinstance(value, int | float)
                and 0 <= value < np.inf
                and not (name == "smooth" and value == 0)
            )
            if not fits:
                raise InputError(f"{name} must be a number {low}, not {value!r}.")
        if not (isinstance(self.n_landmarks, int | np.integer) and self.n_landmarks >= 2):
            raise InputError(f"n_landmarks must be a whole number from 2 on, not {self.n_landmarks!r}.")


@dataclass(frozen=True)
class Points:
    """Landmarks of one side: places Z (m, p), weights (m,), class codes (m,) or -1."""

    Z: Floats
    weight: Floats
    label: Ints


def _displacement(Z: Floats, label: Ints | None, source: Points, step: Floats) -> Floats:
    """Step (n, p) of the nearest landmark, of the row's own class where there is one."""
    out = np.empty_like(Z)
    own = np.full(len(Z), -1) if label is None else np.where(np.isin(label, source.label), label, -1)
    for c in np.unique(own):
        rows = np.flatnonzero(own == c)
        marks = np.arange(len(source.Z)) if c < 0 else np.flatnonzero(source.label == c)
        for i in range(0, len(rows), BLOCK):
            part = rows[i : i + BLOCK]
            out[part] = step[marks[cdist(Z[part], source.Z[marks], "sqeuclidean").argmin(axis=1)]]
    return out
