"""Average sparse two-step fits over ever larger sets of sources, the most similar first."""

from __future__ import annotations

import numpy as np

from medgraft.methods.model.trans_glm import TwoStep, in_units, two_steps
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats

HOLD_OUT = 3  # one patient in three judges the candidates


@method(
    "trans-lasso",
    family="model",
    tasks=("regression",),
    needs=("source", "target-labels"),
    cost="O(n p S), S sources",
    refs=(
        "Li, Cai and Li 2022, doi:10.1111/rssb.12479",
        "Dai, Rigollet and Zhang 2012, doi:10.1214/12-AOS1025",
    ),
)
class TransLasso(SiteMethod):
    r"""Average the sparse transfer fits from no source, the best source, the best two, ... by held-out error.

    Use it for values with many features of which few matter, and several sources of unknown worth: the
    average hedges between them. Not for classes, and not with a handful of labelled target patients, a third
    of whom only judge (``trans-glm`` uses all of them).

    Two thirds of the target's patients fit, one third judges. Source k differs by :math:`R_k`, the sum of the
    :math:`n_0 / 3` largest squares of :math:`X_k^\top y_k / n_k - X_0^\top y_0 / n_0`. Candidates are the
    empty set and the sets of the 1, 2, ... most similar sources; each is fitted by the two steps of
    ``trans-glm``. On the judges the candidates :math:`b_k` are mixed by Q-aggregation: starting from
    :math:`\theta_k \propto e^{-r_k / 2}` with :math:`r_k` the sum of squared errors,

    .. math::
        \theta_k \propto \exp(-r_k / 2 + \|\tilde X (b - b_k)\|^2 / 8), \quad
        b = \tfrac14 B \theta + \tfrac34 b

    is repeated ten times.

    Parameters
    ----------
    task : str
        ``"regression"``.
    random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method is about coefficients of a linear model.

    Attributes
    ----------
    ranking_ : list of str
        Sources, the most similar first.
    distances_ : dict of name to float
        :math:`R_k`, values in standard deviations.
    shares_ : array (S + 1,)
        :math:`\theta`: weight of the candidates, the empty set first.
    note_ : str
        Says so when there was no source, or the target has too few labels to judge by.

    Raises
    ------
    InputError
        An `estimator` was given.

    Notes
    -----
    Penalties are chosen by five folds (the paper: a constant times :math:`\sqrt{2 \log p / n}`, the constant
    by folds). Values are divided by their standard deviation, and squared errors by the least mean one of a
    candidate, so that the weights mean the same in all units. With fewer than six labelled target patients
    all sources are pooled and corrected as far as possible.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(360, 5))
    >>> sign = np.repeat([1.0, -1.0, 1.0], [150, 150, 60])
    >>> y = sign * (X @ [1.0, 2.0, 0.0, 0.0, 0.0]) + 0.1 * rng.normal(size=360)
    >>> site = np.repeat(["like", "unlike", "here"], [150, 150, 60])
    >>> TransLasso().fit(X, y, domain=site, target="here").ranking_
    ['like', 'unlike']
    """

    def __init__(self, *, task: str = "regression", estimator: None = None, random_state: int = 0) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)

    def _transfer(self, sited: Sited) -> None:
        steps, centre, scale = two_steps(self, sited)
        sources = sited.sources
        target = sited.of_site(0)
        enough = len(np.unique(sited.rows.units[target])) >= 2 * HOLD_OUT
        judges = target.copy()
        judges[target] = steps.folds(target, HOLD_OUT) == 0 if enough else False
        fitters = target & ~judges
        enough = enough and steps.enough(fitters)
        self.distances_ = {sited.names[k]: _distance(steps, k, fitters) for k in sources} if enough else {}
        order = sorted(sources, key=lambda k: self.distances_.get(sited.names[k], 0.0))
        self.ranking_ = [sited.names[k] for k in order]
        if not enough:
            self.note_ = "The target has too few labels to judge sources by: all of them were pooled with it."
            beta = _oracle(steps, sources, target)
            self.shares_ = np.append(np.zeros(len(sources)), 1.0)
        else:
            fits = np.stack([_oracle(steps, order[:j], fitters)[0] for j in range(len(order) + 1)])
            X1 = np.column_stack([steps.Z[judges], np.ones(judges.sum())])
            self.shares_, b = q_aggregate(
                X1, np.asarray(steps.y[judges], dtype=float), sited.rows.weight[judges], fits
            )
            beta = b[None, :]
        self.learner_ = sited.learner(in_units(beta, centre, scale))


def _oracle(steps: TwoStep, sources: list[int], target: Mask) -> Floats:
    """The two steps on the target and some sources."""
    rows = steps.sited.rows
    pooled = steps.first(target | (np.isin(steps.sited.site, sources) & rows.labelled))
    return np.asarray(pooled + steps.correction(target, pooled))


def _distance(steps: TwoStep, k: int, target: Mask) -> float:
    """The sum of the largest squared differences of correlation between a source and the target."""
    w = steps.sited.rows.weight
    sides = [steps.sited.of_site(k), target]
    moments = [(w[s] * steps.y[s]) @ steps.Z[s] / w[s].sum() for s in sides]
    squares = np.sort((moments[0] - moments[1]) ** 2)[::-1]
    return float(squares[: max(int(target.sum()) // 3, 1)].sum())


def q_aggregate(X: Floats, y: Floats, w: Floats, fits: Floats, sweeps: int = 10) -> tuple[Floats, Floats]:
    """Shares (C,) of the candidates `fits` (C, q) and the mixed coefficients (q,), by Q-aggregation.

    Squared errors are counted in units of the best candidate's mean squared error.

    Examples
    --------
    >>> X, y = np.eye(2), np.array([1.0, 1.0])
    >>> theta, b = q_aggregate(X, y, np.ones(2), np.array([[1.0, 0.9], [-9.0, -9.0]]))
    >>> theta.round(3).tolist(), b.round(3).tolist()
    ([1.0, 0.0], [1.0, 0.9])
    """
    scores = X @ fits.T
    rss = w @ (y[:, None] - scores) ** 2
    unit = max(float(rss.min() / w.sum()), 1e-12)
    theta = _softmax(-rss / (2.0 * unit))
    b = fits.T @ theta
    for _ in range(sweeps):
        spread = w @ ((X @ b)[:, None] - scores) ** 2
        theta = _softmax((-rss / 2.0 + spread / 8.0) / unit)
        b = 0.25 * (fits.T @ theta) + 0.75 * b
    return theta, b


def _softmax(a: Floats) -> Floats:
    e = np.exp(a - a.max())
    return np.asarray(e / e.sum())
