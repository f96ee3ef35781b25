"""Multi-view least squares that starts from a model, not from patients, of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator

from medgraft.methods.model.multi_view import View, refine, scores, source_model
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited, SiteMethod, fewest_patients
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError, Table

LAMBDAS = 10.0 ** np.arange(2, -3, -1)
GAMMAS = 10.0 ** np.arange(3, -4, -1)
ETAS = 10.0 ** np.arange(2, -2, -1)
FOLDS = 5


class Views(BaseEstimator):
    """A fitted multi-view model on encoded columns.

    Parameters
    ----------
    mean, scale : arrays (p,)
        Of the target.
    coef : array (p + 1, K)
        Weighted sum of the views' coefficients, on standardised columns; the last row is that of the ones.
    temperature : float
        Chances are the softmax of the scores over it.
    """

    def __init__(self, mean: Floats, scale: Floats, coef: Floats, temperature: float) -> None:
        self.mean = mean
        self.scale = scale
        self.coef = coef
        self.temperature = temperature

    @property
    def classes_(self) -> Ints:
        """Class codes."""
        return np.arange(self.coef.shape[1])

    def predict_proba(self, Z: Floats) -> Floats:
        """Chances (n, K) of the classes."""
        out = ((Z - self.mean) / self.scale) @ self.coef[:-1] + self.coef[-1]
        return np.asarray(softmax(out / self.temperature, axis=1))

    def predict(self, Z: Floats) -> Ints:
        """Likeliest class code (n,)."""
        return np.asarray(self.predict_proba(Z).argmax(axis=1))


@method(
    "mvtl-lsr",
    family="model",
    tasks=("classification",),
    needs=("source", "target-labels"),
    cost="O(n p^2 + 140 p^3)",
    refs=("Wang et al. 2023, doi:10.32604/cmc.2023.037457",),
)
class MVTLLSR(SiteMethod):
    r"""Pull least-squares models of several views of a patient towards the source's, and weigh the views.

    Use it when columns come in groups that each describe the patient (spectra, wavelets, laboratory) and the
    source may give away a model but no rows. Not with more than some hundreds of columns in a view.

    *Source.* For each view, with standardised X and a column of ones, indicators Y and B = 2Y - 1, it
    minimises over A and :math:`M \ge 0`

    .. math:: \|XA - Y - B \odot M\|^2 + 0.01\, \mathrm{tr}(A^\top X^\top L X A) + 0.01 \|A\|^2

    by turns; only A' = A is used at the target. L is the Laplacian of :math:`\exp(-\|x_i - x_j\|^2 / 2)`
    among rows of one class. *Target.* Over the :math:`A_k` and weights w of the views, which sum to one,

    .. math:: \sum_k w_k \|X_k A_k - Y\|^2 + \lambda \mathrm{tr}(A_k^\top X_k^\top L_k X_k A_k)
        + \gamma \|A_k - A'_k\|^2 + \eta \sum_k w_k \ln w_k .

    The class of largest :math:`\sum_k w_k x_k^\top A_k` is predicted. :math:`\lambda, \gamma, \eta` have the
    least squared error on held-out target patients.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`; the random state is that of the splits and of the rows behind L.
    estimator : None
        Must be None: the method has a model of its own.
    views : mapping of name to list of column names, optional
        Columns may be in several views or in none. Default: columns whose names agree before the first ``__``
        or ``.`` are a view; without any such name all columns are one view.

    Attributes
    ----------
    views_ : dict of name to list of str
        Encoded columns of each view.
    view_weights_ : dict of name to float
    lambda_, gamma_, eta_ : float
        NaN where nothing was chosen.
    note_ : str
        Says so when there was no source or too few target labels: then the source's models are used with
        equal weights.

    Raises
    ------
    InputError
        An `estimator` was given, or a view names a column that is not there.

    Notes
    -----
    Gaps and words go through one encoder; each side is then standardised by its own means and deviations
    (the target's are used to predict, not those of the rows to predict). Several sources: A' is the mean of
    theirs, weighted by patients. Ours beside the paper: a column of ones, the Frobenius norm in the weights
    of the views, M started at zero and run to rest, and chances, which are a softmax of the scores with a
    temperature of least held-out log loss. L is made from at most 1000 rows, drawn by content. Memory
    O(n p).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> import pandas as pd
    >>> X = pd.DataFrame(rng.normal(size=(230, 4)), columns=["eeg.a", "eeg.b", "lab.a", "lab.b"])
    >>> y = X["eeg.a"] + 0.3 * rng.normal(size=230) > 0
    >>> site = np.repeat(["a", "here"], [200, 30])
    >>> m = MVTLLSR().fit(X, y, domain=site, target="here")
    >>> sorted(m.view_weights_), m.view_weights_["eeg"] > 0.5
    (['eeg', 'lab'], True)
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        views: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.views = views

    def _transfer(self, sited: Sited) -> None:
        rows, k = sited.rows, sited.rows.k
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        columns = self._columns(rows.table)
        names = np.array(self.encoder_.names_)
        self.views_ = {v: names[c].tolist() for v, c in columns.items()}
        aim = np.eye(k)[np.where(rows.labelled, rows.y, 0).astype(np.intp)]
        start = self._source(sited, Z, aim, list(columns.values()))
        here = rows.target if rows.target.any() else rows.source
        mean, scale = standard(Z[here], rows.weight[here])
        target = sited.of_site(0)
        X = np.column_stack([(Z[target] - mean) / scale, np.ones(target.sum())])
        n = len(columns)
        self.lambda_ = self.gamma_ = self.eta_ = float("nan")
        weights, models, temperature = np.full(n, 1.0 / n), start, 1.0
        code, units = rows.y[target].astype(np.intp), number_again(rows.units[target])
        if not target.any() or fewest_patients(code, units) < 2:
            self.note_ = "Too few target patients have a label: the source's models were used as they are."
        else:
            w, views = rows.weight[target], with_ones(list(columns.values()), Z.shape[1])
            chosen, temperature = self._choose(X, aim[target], code, w, units, views, start)
            self.lambda_, self.gamma_, self.eta_ = chosen
            made = [View.of(X[:, c], aim[target], w, code, self.random_state) for c in views]
            models, weights = refine(made, start, *chosen)
        self.view_weights_ = {v: float(a) for v, a in zip(columns, weights, strict=True)}
        coef = np.zeros((Z.shape[1] + 1, k))
        for a, A, c in zip(weights, models, with_ones(list(columns.values()), Z.shape[1]), strict=True):
            coef[c] += a * A
        self.learner_ = Views(mean, scale, coef[:, np.argsort(sited.classes)], temperature)

    def _columns(self, table: Table) -> dict[str, Ints]:
        """Encoded columns of each view."""
        of = origin(self.encoder_.names_, table.names)
        if self.views is None:
            prefixes = [prefix(n) for n in table.names]
            names = {p: [n for n, q in zip(table.names, prefixes, strict=True) if q == p] for p in prefixes}
        else:
            names = {str(v): [str(c) for c in cols] for v, cols in self.views.items()}
            unknown = [c for cols in names.values() for c in cols if c not in table.names]
            if unknown or not names:
                raise InputError(f"views must name columns of X: {', '.join(unknown) or 'none'} is not one.")
        made = {v: np.flatnonzero(np.isin(of, cols)) for v, cols in names.items()}
        made = {v: c for v, c in made.items() if len(c)}
        return made or {"all": np.arange(len(of))}

    def _source(self, sited: Sited, Z: Floats, aim: Floats, columns: list[Ints]) -> list[Floats]:
        """Mean over the sources of their models (p_k + 1, K), by patients."""
        rows, count = sited.rows, 0
        total: list[Any] = [0.0] * len(columns)
        for site in sited.sources:
            mean, scale = standard(Z[sited.site == site], rows.weight[sited.site == site])
            at = sited.of_site(site)
            X = np.column_stack([(Z[at] - mean) / scale, np.ones(at.sum())])
            patients = len(np.unique(rows.units[at]))
            for v, c in enumerate(with_ones(columns, Z.shape[1])):
                code = rows.y[at].astype(np.intp)
                view = View.of(X[:, c], aim[at], rows.weight[at], code, self.random_state)
                total[v] = total[v] + patients * source_model(X[:, c], aim[at], rows.weight[at], view)
            count += patients
        return [np.asarray(t / count) for t in total]

    def _choose(
        self,
        X: Floats,
        aim: Floats,
        code: Ints,
        w: Floats,
        units: Ints,
        views: list[Ints],
        start: list[Floats],
    ) -> tuple[tuple[float, float, float], float]:
        """Settings of least held-out squared error, and the temperature of least held-out log loss."""
        fold = inner_folds(units, k=FOLDS, seed=self.random_state, stratum=code, weight=w)
        etas = ETAS if len(views) > 1 else ETAS[:1]  # one view has weight one
        grid = [(float(a), float(g), float(e)) for g in GAMMAS for a in LAMBDAS for e in etas]
        out = np.zeros((len(grid), *aim.shape))
        for f in np.unique(fold):
            test = fold == f
            made = [
                View.of(X[~test][:, c], aim[~test], w[~test], code[~test], self.random_state) for c in views
            ]
            for j, setting in enumerate(grid):
                out[j, test] = scores([X[test][:, c] for c in views], *refine(made, start, *setting))
        loss = np.einsum("n,jnk->j", w, (out - aim) ** 2)
        best = int(np.argmax(loss <= loss.min() * (1.0 + 1e-9)))
        return grid[best], temperature(out[best], code, w)


def standard(Z: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Weighted means and standard deviations (1 where nothing varies)."""
    mean = w @ Z / w.sum()
    scale = np.sqrt(w @ (Z - mean) ** 2 / w.sum())
    return mean, np.where(scale > 1e-9, scale, 1.0)


def with_ones(columns: list[Ints], p: int) -> list[Ints]:
    """Each view's columns with the column of ones, which is the last of all."""
    return [np.append(c, p) for c in columns]


def prefix(name: str) -> str:
    """What stands before the first ``__`` or ``.``; the empty word where there is neither.

    Examples
    --------
    >>> prefix("eeg__alpha"), prefix("lab.na"), prefix("age")
    ('eeg', 'lab', '')
    """
    ends = [i for i in (name.find("__"), name.find(".")) if i > 0]
    return name[: min(ends)] if ends else ""


def origin(encoded: list[str], names: list[str]) -> NDArray[Any]:
    """Name of the column that each encoded column was made from."""
    longest = sorted(names, key=len, reverse=True)
    return np.array(
        [
            e
            if e in names
            else next((n for n in longest if e == f"{n} is missing" or e.startswith(f"{n}=")), "")
            for e in encoded
        ]
    )


def temperature(out: Floats, code: Ints, w: Floats) -> float:
    """Divisor of the scores with the least log loss."""

    def loss(log_t: float) -> float:
        s = out / np.exp(log_t)
        return float(w @ (logsumexp(s, axis=1) - s[np.arange(len(s)), code]))

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 3.0), method="bounded").x))
