"""Sets of classes that hold the true one as often as promised."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.events import columns
from medgraft.evidence.conformal.mondrian import Mondrian, subgroups
from medgraft.evidence.conformal.quantile import positive
from medgraft.evidence.conformal.scores import Kind, class_scores
from medgraft.evidence.metrics.base import metrics
from medgraft.evidence.scores import Scores


class ConformalSets(Mondrian):
    r"""Turn probabilities into sets of classes that hold the truth with probability 1 - alpha.

    Use it to say "one of these two" instead of a doubtful first guess, whatever the model. The promise holds
    on average over new patients who are exchangeable with those that calibrated, not for every kind of
    patient: ask for it by class (`by_class`) or by subgroup. Not with the rows that the model was trained on.

    With scores s (`class_scores`) of the true classes of calibration rows, the set of a new row is

    .. math:: \{k : s(x, k) \le q\}, \qquad
              q = \min\Bigl\{s : \sum_{i: s_i \le s} w_i \ge (1 - \alpha) \bigl(\sum_i w_i +
              w_{new}\bigr)\Bigr\}

    "lac" makes the smallest sets; they may be empty, which says that the patient is like none. "aps" and
    "raps" make sets that grow with doubt, and always hold the most probable class.

    *Several rows a patient.* Rows of one patient are not exchangeable with those of others, patients are.
    Each row weighs one over the number of its patient's rows, and the new row 1: the promise then holds for a
    row of a new patient (hierarchical conformal prediction, Lee, Barber and Willett 2023). Drawing one row a
    patient would promise the same, but throws rows away and hangs on the draw.

    *Covariate shift.* Give `weight`, the density ratio new / calibration (up to a factor), of calibration
    rows in ``fit`` and of new rows in ``predict`` (Tibshirani et al. 2019). *Label shift.* Give
    `class_weight`, new over calibration share of each class, in ``fit`` (Podkopaev and Ramdas 2021). If they
    are estimates, so is the promise; and a weight that varies within a patient keeps it in approximation
    only.

    Parameters
    ----------
    alpha : float
        Share of sets that may miss.
    score : {"lac", "aps", "raps"}
    by_class : bool
        A threshold for each class: the promise holds for patients of each class, by larger sets.
    penalty, free : float, int
        Of "raps".

    Attributes
    ----------
    note_ : str
        Says which thresholds are infinite, so that the class is in every set, and how many patients are
        needed.

    Notes
    -----
    Cost O(n log n). Sadinle, Lei and Wasserman 2019, doi:10.1080/01621459.2017.1395341 (lac); Romano, Sesia
    and Candès 2020, arXiv:2006.02544 (aps); Angelopoulos et al. 2021, arXiv:2009.14193 (raps); Vovk 2012,
    arXiv:1209.2673 (Mondrian); Lee, Barber and Willett 2023, arXiv:2306.06342; Tibshirani et al. 2019,
    arXiv:1904.06019; Podkopaev and Ramdas 2021, arXiv:2103.03323.

    Examples
    --------
    >>> p, y = [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9], [0, 0, 0, 1, 0, 1, 1, 1, 1]
    >>> sets = ConformalSets(alpha=0.2).fit(p, y)
    >>> sets.predict([0.5, 0.95]).tolist()
    [[False, False], [False, True]]
    >>> ConformalSets(alpha=0.05).fit(p, y).note_
    '9 calibration patients bound nothing: 19 are needed.'
    """

    def __init__(
        self,
        alpha: float = 0.1,
        score: Kind = "lac",
        *,
        by_class: bool = False,
        penalty: float = 0.1,
        free: int = 1,
    ) -> None:
        self.alpha, self.score, self.by_class = alpha, score, by_class
        self.penalty, self.free = penalty, free

    def fit(
        self,
        p: ArrayLike,
        y: ArrayLike,
        group: ArrayLike | None = None,
        *,
        subgroup: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        class_weight: ArrayLike | None = None,
    ) -> Self:
        """Set the thresholds by the calibration part.

        Parameters
        ----------
        p : (n,) or (n, K) array
            Probability of class 1, or of each class.
        y : (n,) array
            Class codes 0..K-1.
        group : (n,) array, default every row its own
            Patients.
        subgroup : (n,) array, optional
            The promise holds in each: sex, site.
        weight : (n,) array, optional
            Density ratio of the rows.
        class_weight : (K,) array, optional
            Ratio of the class shares.

        Raises
        ------
        MedgraftError
            The arrays do not fit each other.
        """
        guess = columns(p)
        n, k = guess.shape
        truth = Scores.of(metrics["ece"], y, guess, group=group).y
        self.class_weight_ = positive("class_weight", class_weight, k)
        self.weighted_ = weight is not None
        scores = class_scores(guess, self.score, self.penalty, self.free)[np.arange(n), truth]
        w = positive("weight", weight, n) * self.class_weight_[truth]
        names = subgroups(subgroup, n)
        known = np.unique(names)
        every = self._category(np.repeat(known, k), np.tile(np.arange(k), len(known)))
        self._calibrate(scores, self._category(names, truth), group, w, every)
        return self

    def predict(
        self, p: ArrayLike, *, subgroup: ArrayLike | None = None, weight: ArrayLike | None = None
    ) -> NDArray[np.bool_]:
        """Return which classes are in each row's set, (m, K).

        Parameters
        ----------
        p : (m,) or (m, K) array
            Probabilities.
        subgroup : (m,) array, optional
            As in `fit`. One that did not calibrate gets every class.
        weight : (m,) array, optional
            Density ratio of these rows, if `fit` had one.

        Raises
        ------
        MedgraftError
            Nothing is calibrated, the arrays do not fit, or only one of the two calls has weights.
        """
        self._check_fitted()
        guess = columns(p)
        m, k = guess.shape
        if k != len(self.class_weight_):
            raise MedgraftError(f"{len(self.class_weight_)} classes were calibrated, not {k}: give those.")
        if (weight is not None) != self.weighted_:
            raise MedgraftError("Weights are of both calibration and new rows, or of none: give both.")
        own, names = positive("weight", weight, m), subgroups(subgroup, m)
        scores = class_scores(guess, self.score, self.penalty, self.free)
        sets = np.empty((m, k), dtype=bool)
        for c in range(k):
            of = self._category(names, np.full(m, c))
            sets[:, c] = scores[:, c] <= self._threshold(of, own * self.class_weight_[c])
        if self.score != "lac":
            sets |= guess == guess.max(axis=1, keepdims=True)
        return sets

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds as JSON numbers, of which `from_dict` makes the same sets; no score is kept.

        Raises
        ------
        MedgraftError
            Nothing is calibrated, or with weights, which make thresholds of single patients.
        """
        saved = self._saved()
        if (self.class_weight_ != 1).any():
            raise MedgraftError("Sets with class weights cannot be saved: calibrate by class instead.")
        settings = {name: getattr(self, name) for name in ("score", "by_class", "penalty", "free")}
        return {"kind": "sets", "classes": len(self.class_weight_), **settings, **saved}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Return the calibrated sets that `to_dict` saved.

        Examples
        --------
        >>> sets = ConformalSets(alpha=0.25).fit([0.25, 0.5, 0.75], [0, 0, 1])
        >>> saved = sets.to_dict()
        >>> saved["thresholds"]
        {'': 0.5}
        >>> ConformalSets.from_dict(saved).predict([0.5, 0.875]).tolist()
        [[True, True], [False, True]]
        """
        settings = {name: saved[name] for name in ("alpha", "score", "by_class", "penalty", "free")}
        made = cls(**settings)
        made.class_weight_ = np.ones(int(saved["classes"]))
        made._restore(saved)
        return made

    def _category(self, names: NDArray[np.str_], codes: NDArray[np.int64]) -> NDArray[np.str_]:
        if not self.by_class:
            return names
        return np.array([f"{s}, class {c}" if s else f"class {c}" for s, c in zip(names, codes, strict=True)])
