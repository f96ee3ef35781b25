"""Bring a model to the target's prevalence by what a classifier says of its unlabelled patients."""

from __future__ import annotations

import numpy as np

from medgraft.methods.instance.label_shift import LabelShift
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats

LEAST_SINGULAR = 0.05


@method(
    "bbse",
    family="instance",
    tasks=("binary", "multiclass"),
    needs=("source", "target-rows"),
    cost="six fits",
    refs=("Lipton, Wang and Smola 2018, Proc. ICML 80:3122-3130, arXiv:1802.03916",),
)
class BBSE(LabelShift):
    r"""Weight the classes so that they are as frequent as in the target, where nobody told how frequent.

    Use it where the diseases look the same on both sides but are not equally frequent (label shift): a
    screening programme and a clinic. Not where patients of one class look different on the two sides.

    With h a classifier, :math:`\mu_j` the mean of its probability of class j over the target's unlabelled
    rows, and :math:`C_{jc}` that over held-out training rows of class c, label shift means
    :math:`\mu = C \pi`; the shares :math:`\pi \ge 0`, of sum 1, are those of least squared error. Then the
    learner is fitted again with weight :math:`\pi_c / q_c` for class c, q being the training shares.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    shares_ : array (K,)
        Estimated class shares of the target.
    weights_ : array (n,)
        Factor of each given row; 0 for rows that were not learned from.
    note_ : str
        Says so when the shares could not be told and all labelled rows were pooled, or which class seems to
        be absent from the target.

    Notes
    -----
    A share that would be negative without the constraint is exactly zero: rows of such a class are not
    learned from, not even labelled ones of the target, its probability is zero for everybody, and ``note_``
    names it. Choose ``label-shift-em`` where no class may be ruled out: its shares are positive.

    Probabilities instead of the paper's decisions lower the variance. Labelled rows of both sides teach and
    calibrate. If the smallest singular value of C is under 0.05 the classifier cannot tell the classes
    apart, and no share is estimated.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.r_[np.repeat([0, 1], 200), np.repeat([0, 1], [180, 20])]
    >>> x = (y + 0.5 * rng.normal(size=600))[:, None]
    >>> m = BBSE().fit(x, y, domain=["a"] * 400 + ["t"] * 200, target="t", labelled=np.arange(600) < 400)
    >>> bool(abs(m.shares_[1] - 0.1) < 0.03)
    True
    """

    def _shares(self, Z: Floats, rows: Rows, train: Floats) -> Floats | None:
        p, at = self._out_of_fold(Z, rows)
        y, w = rows.y[at], rows.weight[at]
        sums = np.array([np.bincount(y, weights=w * p[:, j], minlength=rows.k) for j in range(rows.k)])
        total = np.bincount(y, weights=w, minlength=rows.k)
        self._learn(Z, rows, rows.labelled)
        unseen = rows.target & ~rows.labelled
        p_target = self._full(self.learner_.predict_proba(Z[unseen]), self.learner_.classes_)
        mean = rows.weight[unseen] @ p_target / rows.weight[unseen].sum()
        C = sums / np.maximum(total, 1e-300)
        if (total == 0).any() or np.linalg.svd(C, compute_uv=False)[-1] < LEAST_SINGULAR:
            self.note_ = "The classifier cannot tell the classes apart: all labelled patients were pooled."
            return None
        return least_squares_shares(C, mean)

    def _finish(self, Z: Floats, rows: Rows, ratio: Floats) -> None:
        factor = np.where(rows.labelled, ratio[np.maximum(rows.y, 0)], 0.0)
        absent = [f"'{c}'" for c, r in zip(self.classes_, ratio, strict=True) if r == 0]
        if absent:
            self.note_ = (
                f"No unlabelled target patient seems to be of class {' or '.join(absent)}: its rows were not "
                "learned from, and its probability is zero."
            )
        self._learn(Z, rows, factor > 0, rows.weight * factor)
        self.weights_ = np.zeros(rows.n_given)
        self.weights_[rows.index] = factor


def least_squares_shares(C: Floats, mean: Floats) -> Floats:
    r"""Shares :math:`\pi \ge 0`, of sum 1, that minimise :math:`\|C \pi - \mu\|^2`.

    Examples
    --------
    >>> least_squares_shares(np.array([[0.8, 0.3], [0.2, 0.7]]), np.array([0.4, 0.6])).round(6).tolist()
    [0.2, 0.8]
    """
    from scipy.optimize import nnls

    # A heavy row of ones holds the sum at 1.
    heavy = 1e4
    A = np.vstack([C, heavy * np.ones((1, C.shape[1]))])
    shares, _ = nnls(A, np.append(mean, heavy))
    return np.asarray(shares / shares.sum())
