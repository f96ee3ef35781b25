"""Bring probabilities to the target's prevalence by expectation maximisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.evidence.calibration.em import em_shares
from medgraft.methods.instance.label_shift import LabelShift
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats


@method(
    "label-shift-em",
    family="instance",
    tasks=("binary", "multiclass"),
    needs=("source", "target-rows"),
    cost="one fit",
    refs=("Saerens, Latinne and Decaestecker 2002, doi:10.1162/089976602753284446",),
)
class LabelShiftEM(LabelShift):
    r"""Correct the probabilities of a model for the target's class shares, read off its unlabelled patients.

    Use it as ``bbse``, where the model's probabilities can be trusted: it is the more precise one then.
    Not where they cannot (boosted trees, say), nor where patients of one class look different on the two
    sides. The model itself stays as it is.

    With q the shares in training, the target's shares :math:`\pi` maximise the likelihood of its unlabelled
    rows, :math:`\sum_i \log \sum_c \pi_c \, p(c \mid x_i) / q_c` (see `em_shares`), and a new patient gets

    .. math:: p_t(c \mid x) \propto p(c \mid x) \, \pi_c / q_c .

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    shares_ : array (K,)
        Estimated class shares of the target.
    ratio_ : array (K,)
        :math:`\pi / q`.
    note_ : str
        Says so when the shares could not be told and nothing was corrected.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.r_[np.repeat([0, 1], 200), np.repeat([0, 1], [180, 20])]
    >>> x = (y + 0.5 * rng.normal(size=600))[:, None]
    >>> site = ["a"] * 400 + ["t"] * 200
    >>> m = LabelShiftEM().fit(x, y, domain=site, target="t", labelled=np.arange(600) < 400)
    >>> bool(abs(m.shares_[1] - 0.1) < 0.03)
    True
    """

    def _shares(self, Z: Floats, rows: Rows, train: Floats) -> Floats:
        self._learn(Z, rows, rows.labelled)
        unseen = rows.target & ~rows.labelled
        p = self._full(self.learner_.predict_proba(Z[unseen]), self.learner_.classes_)
        return em_shares(p, train, rows.weight[unseen])

    def _finish(self, Z: Floats, rows: Rows, ratio: Floats) -> None:
        self._learn(Z, rows, rows.labelled)
        self.ratio_ = ratio

    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K) under the target's shares, in the order of `classes_`."""
        p = super().predict_proba(X) * self.ratio_
        total = p.sum(axis=1, keepdims=True)
        # Where every class that is possible here was ruled out, nothing is known but the shares.
        return np.asarray(np.where(total > 0, p / np.where(total > 0, total, 1.0), self.shares_))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable label (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])
