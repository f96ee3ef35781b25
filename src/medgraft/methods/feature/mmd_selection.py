"""Leave out the features whose distributions differ most between source and target."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.feature.feature_augmentation import callers_codes
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again

SHARES = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3)
MOST = 5000  # rows of each side that the choice looks at
FLOOR = 1e-6  # least probability that a held-out row is charged for


@method(
    "mmd-selection",
    family="feature",
    needs=("source", "target-labels"),
    cost="O(p n log n) and some 30 fits on at most 10 000 rows",
    refs=(
        "Uguroglu and Carbonell 2011, Machine Learning and Knowledge Discovery in Databases (ECML PKDD), "
        "feature selection for transfer by maximum mean discrepancy",
        "Sejdinovic, Sriperumbudur, Gretton and Fukumizu 2013, doi:10.1214/13-AOS1140 (distance kernel)",
        "Szekely and Rizzo 2013, doi:10.1016/j.jspi.2013.03.018 (scaled to 1)",
    ),
)
class MMDSelection(SiteMethod):
    r"""Leave out the features that differ most between source and target, as many as held-out patients ask.

    Use it when a few features are measured or coded differently elsewhere (another assay, another habit of
    ordering tests) and some target patients have labels. Not without target labels: how far a feature has
    moved does not tell whether it still helps. Not when all features moved together: see ``coral``.

    Each encoded feature, with distribution functions :math:`F_s, F_t`, has the shift

    .. math:: h = \frac{\mathrm{MMD}^2}{2\, E|x_s - x_t|}
              = \frac{\int (F_s - F_t)^2 dx}{\int (F_s + F_t - 2 F_s F_t)\, dx} \in [0, 1],

    with the maximum mean discrepancy of the kernel :math:`-|x - z|` above the mean distance of a source and a
    target patient; 0 means equal, 1 means two separate constants. It knows no units and no width. The
    features of smallest shift are kept, a share of 1, .9, .75, .6, .45 or .3 of all.

    The share is chosen by labelled target patients who are held out in five folds: the learner is fitted on
    the source and the other labelled target patients, and the log loss (values: squared error) of those held
    out is summed. Of the shares whose loss is within one standard error of the smallest, over patients and
    paired, the largest is taken. Labels of other target rows are never looked at.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; an `estimator` without probabilities is judged by its errors.

    Attributes
    ----------
    shift_ : array (p,)
        h of each encoded feature.
    kept_ : array (q,) of int
        Encoded features that are used; their names are in ``encoder_.names_``.
    losses_ : dict of int to float
        Held-out loss by number of features; empty where there was too little to choose by.
    note_ : str
        Says so when nothing was, or could be, chosen; all features are used then.

    Notes
    -----
    The choice looks at 5000 labelled rows of each side at most, drawn at random; shifts are those of all
    rows, labelled or not. A column of gaps and each level of a word are features of their own. All sources
    are taken as one. Memory O(n p).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(400) < 0.5
    >>> X = rng.normal(size=(400, 2)) + 2.0 * y[:, None]
    >>> X[200:, 1] = rng.normal(4.0, 1.0, 200)  # the second feature is another thing in the target
    >>> site = np.repeat(["a", "b"], 200)
    >>> m = MMDSelection().fit(X, y, domain=site, target="b", labelled=np.arange(400) < 260)
    >>> m.kept_.tolist()
    [0]
    """

    own_learner = False

    def _fit(self, rows: Rows) -> None:
        self.shift_, self.kept_ = np.empty(0), np.empty(0, dtype=np.intp)
        self.losses_: dict[int, float] = {}
        super()._fit(rows)

    def _transfer(self, sited: Sited) -> None:
        rows = callers_codes(sited)
        own = sited.of_site(0)
        if not own.any():
            self.note_ = "No target patient has a label: all sources were pooled with all features."
            self._alone(rows)
            return
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.shift_ = shifts(Z, rows.weight * rows.source, rows.weight * rows.target)
        # Shifts that differ by rounding are one: the column's place decides.
        order = np.argsort(np.round(self.shift_, 9), kind="stable")
        sizes = sorted({max(1, round(share * Z.shape[1])) for share in SHARES}, reverse=True)
        size = self._choose(Z, rows, order, sizes, sited.rows.y if rows.k else None)
        self.kept_ = np.sort(order[:size])
        self._learn(Z[:, self.kept_], rows, np.ones(len(Z), dtype=bool))

    def _choose(self, Z: Floats, rows: Rows, order: Ints, sizes: list[int], stratum: Ints | None) -> int:
        own = self._some(rows.target & rows.labelled)
        others = self._some(rows.source & rows.labelled)
        units = number_again(rows.units[own])
        fold = inner_folds(
            units,
            k=5,
            seed=self.random_state,
            stratum=None if stratum is None else stratum[own],
            weight=rows.weight[own],
        )
        if len(np.unique(fold)) < 2:
            self.note_ = "The target has too few labelled patients to choose features by: all were used."
            return sizes[0]
        loss = np.zeros((len(sizes), int(units.max()) + 1))
        for i, size in enumerate(sizes):
            kept = Z[:, np.sort(order[:size])]
            for f in np.unique(fold):
                held = own[fold == f]
                train = np.zeros(len(Z), dtype=bool)
                train[others], train[own[fold != f]] = True, True
                # What is known elsewhere of a held-out patient must not teach either.
                train &= ~np.isin(rows.units, rows.units[held])
                np.add.at(loss[i], units[fold == f], self._held_out(kept, rows, train, held))
        self.losses_ = dict(zip(sizes, loss.sum(axis=1).tolist(), strict=True))
        return sizes[largest_within_error(loss)]

    def _some(self, where: Mask) -> Ints:
        """At most so many of the rows, which stand in an order of their own."""
        at = np.flatnonzero(where)
        return at[np.sort(np.random.default_rng(self.random_state).permutation(len(at))[:MOST])]

    def _held_out(self, Z: Floats, rows: Rows, train: Mask, held: Ints) -> Floats:
        """Weighted loss of each held-out row."""
        y, w = rows.y[held], rows.weight[held]
        self._learn(Z, rows, train)
        learner = self.learner_
        if rows.k and hasattr(learner, "predict_proba"):
            p = self._full(learner.predict_proba(Z[held]), learner.classes_)
            return np.asarray(-w * np.log(np.maximum(p[np.arange(len(y)), y], FLOOR)))
        guess = np.asarray(learner.predict(Z[held]))
        return np.asarray(w * (guess != y) if rows.k else w * (guess - y) ** 2)

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        return Z[:, self.kept_] if len(self.kept_) else Z


def shifts(Z: Floats, source: Floats, target: Floats) -> Floats:
    """Shift h (p,) of each column between rows with two sets of weights; 0 where all values are equal.

    Examples
    --------
    >>> Z = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> shifts(Z, np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [1.0, 0.0]
    """
    ws, wt = source / source.sum(), target / target.sum()
    out = np.zeros(Z.shape[1])
    for j in range(Z.shape[1]):
        order = np.argsort(Z[:, j], kind="stable")
        step = np.diff(Z[order, j])
        Fs, Ft = np.cumsum(ws[order])[:-1], np.cumsum(wt[order])[:-1]
        apart = float(step @ (Fs + Ft - 2.0 * Fs * Ft))
        if apart > 0:
            out[j] = float(step @ (Fs - Ft) ** 2) / apart
    return out


def largest_within_error(loss: Floats) -> int:
    """Return the first row of losses (sizes, patients) that exceeds the best by at most a standard error.

    Examples
    --------
    >>> largest_within_error(np.array([[3.0, 3.0, 3.1], [1.0, 1.2, 1.1], [1.0, 1.1, 1.1]]))
    1
    """
    best = loss[int(np.argmin(np.round(loss.sum(axis=1) / (loss.sum(axis=1).max() or 1.0), 9)))]
    more = loss - best
    n = loss.shape[1]
    spread = np.sqrt(n / max(n - 1, 1) * ((more - more.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    near = more.sum(axis=1) <= spread * (1 + 1e-9) + 1e-9 * (float(best.sum()) or 1.0)
    return int(np.argmax(near))
