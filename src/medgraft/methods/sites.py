"""The rows of a fit by site, in an order of their own: neither the file nor any name touches it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.notes import NO_SOURCE
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError


@dataclass(frozen=True)
class Sited:
    """Distinct rows in an order of their own, with their sites.

    Equal rows (same features, label, site and patient) are one row with the sum of their weights, so that an
    integer weight is a repeated row even for methods that draw or count rows.

    Parameters
    ----------
    rows : Rows
        Its class codes are numbered in the order in which the classes turn up.
    site : array (n,) of int
        0 is the target; sources are 1 to S in the order in which they turn up.
    names : list of str
        Names of the sites: the target's (empty when it has no row), then those of sources 1 to S.
    classes : array (K,) of int
        The code that the caller's rows gave to each class; empty for regression.
    """

    rows: Rows
    site: Ints
    names: list[str]
    classes: Ints

    @classmethod
    def of(cls, rows: Rows, domain: Any = None) -> Sited:
        """Merge and sort `rows`; `domain` holds the names of all given rows."""
        names = np.full(rows.n_given, "") if domain is None else np.asarray(domain).astype(str)
        known, code = np.unique(names[rows.index], return_inverse=True)
        code = np.where(rows.source, code.reshape(-1), -1)
        # NaN never equals itself: without a label the value is told by `labelled` alone.
        y = np.where(rows.labelled, rows.y, 0)
        columns = [rows.units, rows.labelled.astype(np.intp), code, y, rows.table.keys()]
        order = np.lexsort(columns)
        new = np.zeros(len(order), dtype=bool)
        for c in columns:
            new |= np.r_[True, c[order][1:] != c[order][:-1]]
        first = order[new]
        weight = np.add.reduceat(rows.weight[order], np.flatnonzero(new))
        classes, y_new = _in_turn(rows.y[first], rows.labelled[first]) if rows.k else (_NONE, rows.y[first])
        places, site = _in_turn(code[first], rows.source[first])
        merged = replace(
            rows,
            table=rows.table.take(first),
            y=y_new,
            weight=weight,
            source=rows.source[first],
            labelled=rows.labelled[first],
            units=rows.units[first],
            index=rows.index[first],
        )
        target = names[rows.index][rows.target]
        first_name = str(target[0]) if len(target) else ""
        return cls(merged, site + 1, [first_name, *(str(known[i]) for i in places)], classes)

    @property
    def sources(self) -> list[int]:
        """Source sites that have labels."""
        return [k for k in range(1, len(self.names)) if self.of_site(k).any()]

    def of_site(self, k: int) -> Mask:
        """Labelled rows of site k."""
        return (self.site == k) & self.rows.labelled

    def learner(self, beta: Floats) -> LogisticLearner | RidgeLearner:
        """Wrap coefficients (m, p + 1), the intercept last, as a fitted learner on the caller's codes."""
        if not self.rows.k:
            line = RidgeLearner()
            line.coef_, line.intercept_ = beta[0, :-1].copy(), float(beta[0, -1])
            line.n_features_in_ = beta.shape[1] - 1
            return line
        if self.rows.k == 2:
            beta = beta if self.classes[1] == 1 else -beta
        else:
            beta = beta[np.argsort(self.classes)]
        curve = LogisticLearner()
        curve.classes_ = np.arange(self.rows.k)
        curve.coef_, curve.intercept_ = beta[:, :-1].copy(), beta[:, -1].copy()
        curve.n_features_in_ = beta.shape[1] - 1
        return curve


_NONE = np.empty(0, dtype=np.intp)


def _in_turn(code: Ints, used: Mask) -> tuple[Ints, Ints]:
    """Number the codes of used rows in the order in which they turn up; the others become -1."""
    values, first = np.unique(code[used], return_index=True)
    values = values[np.argsort(first)]
    place = {int(v): i for i, v in enumerate(values)}
    return values, np.array([place[int(c)] if u else -1 for c, u in zip(code, used, strict=True)], np.intp)


class DomainMethod(TransferEstimator):
    """Base of the methods that ask from which domain a row is, not only whether it is the target's.

    Derive from it and implement ``_fit(rows)``, in which ``self._domain`` holds the names of all given rows.
    Most derive from `SiteMethod` instead, which also merges and orders the rows.
    """

    own_learner = False  # whether `estimator` must be left alone

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Fit on the rows of all domains; see `TransferEstimator.fit`."""
        if self.own_learner and self.estimator is not None:
            raise InputError(f"{type(self).__name__} has a model of its own: leave estimator unset.")
        self._domain = domain
        try:
            return super().fit(
                X,
                y,
                domain=domain,
                target=target,
                labelled=labelled,
                sample_weight=sample_weight,
                groups=groups,
            )
        finally:
            del self._domain

    def _alone(self, rows: Rows) -> None:
        """Fit the default learner on everyone."""
        self.encoder_ = rows.encoder()
        self._learn(self.encoder_.transform(rows.table), rows, np.ones(len(rows.table), dtype=bool))


class SiteMethod(DomainMethod):
    """Base of the methods that tell one source site from another.

    Derive from it and implement ``_transfer(sited)``, which sets ``encoder_`` and ``learner_``. Not for
    methods to which all sources are one.

    Without a labelled source, or with one class only, there is nothing to transfer: the default learner is
    fitted on all labelled rows and ``note_`` says so.
    """

    own_learner = True

    def _fit(self, rows: Rows) -> None:
        if rows.k != 1 and (rows.source & rows.labelled).any():
            self._transfer(Sited.of(rows, self._domain))
            return
        if rows.k != 1:
            self.note_ = NO_SOURCE
        self._alone(rows)

    @abstractmethod
    def _transfer(self, sited: Sited) -> None:
        """Move the knowledge: set ``encoder_`` and ``learner_``."""


def fewest_patients(y: Ints, units: Ints) -> int:
    """Patients of the rarest class among those that occur; 0 when all have one class.

    Examples
    --------
    >>> fewest_patients(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]))
    1
    """
    classes = np.unique(y)
    return min(len(np.unique(units[y == c])) for c in classes) if len(classes) > 1 else 0


def patients_with(seen: Mask, units: Ints) -> Ints:
    """Patients (q,) who have each column of `seen` (n, q) in some row.

    Examples
    --------
    >>> patients_with(np.array([[True, False], [True, True], [True, False]]), np.array([0, 0, 1])).tolist()
    [2, 1]
    """
    if not len(seen):
        return np.zeros(seen.shape[1], dtype=np.intp)
    order = np.argsort(units, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(units[order]) != 0])
    return np.asarray(np.logical_or.reduceat(seen[order], first, axis=0).sum(axis=0))
