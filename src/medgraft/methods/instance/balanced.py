"""Give the target's few patients a fixed share of the loss, whatever the number of the source's."""

from __future__ import annotations

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


@method(
    "balanced-weighting",
    family="instance",
    needs=("source", "target-labels"),
    cost="26 fits",
    refs=("Wu and Dietterich 2004, doi:10.1145/1015330.1015436",),
)
class BalancedWeighting(TransferEstimator):
    r"""Learn from source and target with the share of the loss that target patients ask for.

    Use it with some dozens of labelled target patients whom thousands of source patients would outvote.
    Not where sources differ from each other: it has one weight for all of them.

    It minimises :math:`(1 - \gamma) \frac{1}{n_s} \sum_{i \in s} \ell_i + \gamma \frac{1}{n_t} \sum_{i \in t}
    \ell_i`; :math:`\gamma` is the one of 0.1, 0.25, 0.5, 0.75, 0.9 with the least loss (log loss, or squared
    error) on held-out target patients in five folds.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    gamma_ : float
        Share chosen; 0.5 with too few target labels to choose by; nan where nothing was balanced.
    losses_ : array (5,)
        Held-out loss of each share, summed; empty where nothing was chosen.
    note_ : str
        Says so when one side has no label and everyone was pooled, or when nothing was chosen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(440, 2))
    >>> y = np.where(np.arange(440) < 400, X[:, 0], X[:, 1]) > 0  # another rule here
    >>> m = BalancedWeighting().fit(X, y, domain=["a"] * 400 + ["t"] * 40, target="t")
    >>> m.gamma_
    0.9
    """

    def _fit(self, rows: Rows) -> None:
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.gamma_, self.losses_ = float("nan"), np.empty(0)
        own, others = rows.target & rows.labelled, rows.source & rows.labelled
        if not own.any() or not others.any():
            self.note_ = "Balancing needs labels on both sides: all labelled patients were pooled."
            self._learn(Z, rows, np.ones(len(Z), dtype=bool))
            return
        units = number_again(rows.units[own])
        fold = np.full(len(Z), -1, dtype=np.intp)
        stratum, seed = rows.y[own] if rows.k else None, self.random_state
        fold[own] = inner_folds(units, k=5, seed=seed, stratum=stratum, weight=rows.weight[own])
        if len(np.unique(units)) > 1:
            losses = np.array([self._held_out(Z, rows, fold, share) for share in SHARES])
            self.losses_ = losses
            self.gamma_ = SHARES[int(np.argmin(np.round(losses / (losses.max() or 1.0), 9)))]
        else:
            self.gamma_ = 0.5
            self.note_ = "One labelled target patient allows no choice: both sides weigh the same."
        everyone = np.ones(len(Z), dtype=bool)
        self._learn(Z, rows, everyone, _balanced(rows, own, others, self.gamma_))

    def _held_out(self, Z: Floats, rows: Rows, fold: Ints, share: float) -> float:
        total = 0.0
        for f in np.unique(fold[fold >= 0]):
            held = fold == f
            # What is known of these patients at other sites goes, too.
            kept = rows.labelled & ~np.isin(rows.units, rows.units[held])
            own, others = kept & rows.target, kept & rows.source
            if not own.any() or not others.any():
                continue
            self._learn(Z, rows, kept, _balanced(rows, own, others, share))
            total += self._loss(Z[held], rows.y[held], rows.weight[held])
        return total

    def _loss(self, Z: Floats, y: Floats, w: Floats) -> float:
        if self.task == "regression":
            return float(w @ (np.asarray(self.learner_.predict(Z)) - y) ** 2)
        p = self._full(self.learner_.predict_proba(Z), self.learner_.classes_)
        return float(-(w @ np.log(np.maximum(p[np.arange(len(y)), y.astype(int)], 1e-6))))


def _balanced(rows: Rows, own: Mask, others: Mask, share: float) -> Floats:
    """Weights (n,) under which the target's rows have a share of the sum, which stays."""
    w = rows.weight
    total = w[own].sum() + w[others].sum()
    return np.asarray(
        w * np.where(rows.target, share * total / w[own].sum(), (1 - share) * total / w[others].sum())
    )
