"""One period after the other: each starts from the coefficients of the last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.logistic import Problem, row_loss, solve
from medgraft.methods.model.l2sp import PULLS, _all_classes
from medgraft.methods.notes import SOURCE_KEPT
from medgraft.methods.registry import method
from medgraft.methods.ridge import RidgePath
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited, SiteMethod, fewest_patients
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError

FOLDS = 5


@method(
    "sequential",
    family="model",
    needs=("source", "target-labels"),
    cost="O(T n p^2), T periods",
    refs=(
        "Amiri et al. 2024, doi:10.7717/peerj-cs.2321 (models of earlier variants go on to later ones)",
        "Evgeniou and Pontil 2004, doi:10.1145/1014052.1014067",
    ),
)
class Sequential(SiteMethod):
    r"""Hand coefficients on from period to period, each pulled towards those of the period before.

    Use it when domains are periods (variants of a virus, versions of a device, years) and the rule drifts:
    the last period is then most like the target. Not when domains have no order (``l2sp``, ``trans-glm``).

    The first period has the default learner's coefficients. Period t then minimises over its own rows

    .. math:: \sum_i w_i \ell(y_i, x_i^\top b) + \frac{\lambda_t}{2} \|b - b_{t-1}\|^2

    (for values :math:`\sum_i w_i (y_i - x_i^\top b)^2 + \lambda_t \|b - b_{t-1}\|^2`), the intercept
    included; the target is the last. :math:`\lambda_t`, from 1e-2 to 1e4 and infinity (the coefficients
    stay), foretells the held-out patients of period t best. Patients are held out of all periods at
    once: who comes again later is not foretold by coefficients that know him.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method is about coefficients of a linear model.
    order : str or sequence of str, optional
        Names of the source periods, oldest first, as in ``"alpha|beta|delta"``. Default: all sources are one
        period, before the target.

    Attributes
    ----------
    periods_ : list of str
        Periods with labelled rows, oldest first; sources without an order are one, ``""``.
    pulls_ : array (T - 1,)
        :math:`\lambda_t` of each period after the first; ``inf`` also where a period has too few patients.
    path_ : array (T, m, p + 1)
        Coefficients of each period in encoded features, the intercept last: how the rule drifts.
    note_ : str
        Says so when there was no source, or no or too few target labels.

    Raises
    ------
    InputError
        An `estimator` was given, or an order that does not name each source once.

    Notes
    -----
    The study transfers networks; the chain of linear models is ours. On generated drift the chain ends nearer
    to a target without labels than pooled sources do; with 8 or 20 labelled target patients it was not to be
    told from ``l2sp``, and where nothing drifts, pooling all rows was better than either.
    Imputing and scaling come from all periods, so that a coefficient means the same in all. Each period is
    fitted for 5 folds of patients and 14 strengths.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, period = rng.normal(size=(120, 2)), np.repeat(["first", "second", "now"], 40)
    >>> slope = np.repeat([1.0, 2.0, 3.0], 40)
    >>> m = Sequential(task="regression", order="first|second")
    >>> m.fit(X, slope * X[:, 0], domain=period, target="now").periods_
    ['first', 'second', 'now']
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        order: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.order = order

    def _fit(self, rows: Rows) -> None:
        self.periods_: list[str] = []
        self.pulls_, self.path_ = np.empty(0), np.empty((0, 0, 0))
        super()._fit(rows)

    def _transfer(self, sited: Sited) -> None:
        rows, labelled = sited.rows, sited.rows.labelled
        self.encoder_ = rows.encoder()
        Z1 = np.column_stack([self.encoder_.transform(rows.table), np.ones(len(rows.y))])
        chain = _Chain(Z1[labelled], rows, self.random_state)
        periods = [
            (name, np.isin(sited.site, sites)[labelled])
            for name, sites in self._periods(sited)
            if (np.isin(sited.site, sites) & labelled).any()
        ]
        betas = [chain.first(periods[0][1] & known) for known in chain.known]
        pulls, path = [], [betas[0]]
        for _, here in periods[1:]:
            pulls.append(chain.choose(betas, here))
            betas = [
                chain.step(b, here & known, pulls[-1]) for b, known in zip(betas, chain.known, strict=True)
            ]
            path.append(betas[0])
        self.path_ = np.stack([_coefficients(sited.learner(beta)) for beta in path])
        self.periods_, self.pulls_ = [name for name, _ in periods], np.array(pulls)
        self.learner_ = sited.learner(betas[0])
        own = sited.of_site(0)
        if not own.any():
            self.note_ = SOURCE_KEPT
        elif chain.too_few((sited.site == 0)[labelled]):
            self.note_ = (
                "The target has too few labelled patients to choose by: the last period's model was kept."
            )

    def _periods(self, sited: Sited) -> list[tuple[str, list[int]]]:
        """Names and sites of the periods, the target last."""
        names = sited.names
        here = (names[0], [0])
        if self.order is None:
            return [("", list(range(1, len(names)))), here]
        told = self.order.split("|") if isinstance(self.order, str) else [str(name) for name in self.order]
        told = [name.strip() for name in told]
        if len(set(told)) < len(told) or set(told) != set(names[1:]):
            raise InputError(
                f"order names {', '.join(told)}, but must name each source once: "
                f"{', '.join(sorted(names[1:]))}."
            )
        return [*((name, [names.index(name, 1)]) for name in told), here]


def _coefficients(learner: LogisticLearner | RidgeLearner) -> Floats:
    """Coefficients (m, p + 1) of a fitted learner, the intercept last."""
    return np.column_stack([np.atleast_2d(learner.coef_), np.atleast_1d(learner.intercept_)])


class _Chain:
    """Labelled rows, and which of them each of the chains knows: the first all, the others all but a fold."""

    def __init__(self, Z1: Floats, rows: Rows, seed: int) -> None:
        where = rows.labelled
        self.Z1, self.k, self.seed = Z1, rows.k, seed
        self.y, self.w, self.units = rows.y[where], rows.weight[where], rows.units[where]
        stratum = self.y if self.k else None
        self.fold = inner_folds(number_again(self.units), k=FOLDS, seed=seed, stratum=stratum, weight=self.w)
        self.known: list[Mask] = [np.ones(len(self.y), dtype=bool), *(self.fold != f for f in self.folds)]

    @property
    def folds(self) -> Ints:
        return np.unique(self.fold)

    def first(self, at: Mask) -> Floats:
        """Coefficients (m, p + 1) of the default learner; zero without rows."""
        m = self.k if self.k > 2 else 1
        if not at.any():
            return np.zeros((m, self.Z1.shape[1]))
        Z, told = self.Z1[at, :-1], {"sample_weight": self.w[at], "groups": self.units[at]}
        if not self.k:
            return _coefficients(RidgeLearner().fit(Z, self.y[at], **told))
        curve = LogisticLearner(random_state=self.seed).fit(Z, self.y[at], **told)
        _all_classes(curve, self.k, self.w[at].sum())
        return _coefficients(curve)

    def too_few(self, at: Mask) -> bool:
        """Whether some class, or the period, has fewer than two patients."""
        if self.k:
            return fewest_patients(self.y[at], self.units[at]) < 2
        return len(np.unique(self.units[at])) < 2

    def choose(self, betas: list[Floats], here: Mask) -> float:
        """The pull with which each fold's patients are foretold best; the stronger one on a tie."""
        if self.too_few(here):
            return float("inf")
        losses = np.zeros(len(PULLS))
        for f, beta, known in zip(self.folds, betas[1:], self.known[1:], strict=True):
            held = here & (self.fold == f)
            if held.any():
                for j, b in enumerate(self.path(beta, here & known)):
                    losses[j] += self.w[held] @ self.loss(b, held)
        near = losses <= losses.min() * (1.0 + 1e-9) + 1e-300
        return float(PULLS[near].max())

    def loss(self, beta: Floats, at: Mask) -> Floats:
        eta = self.Z1[at] @ beta.T
        return row_loss(eta, self.y[at]) if self.k else (self.y[at] - eta[:, 0]) ** 2

    def step(self, beta: Floats, at: Mask, pull: float, tol: float = 1e-20) -> Floats:
        """Coefficients of the rows `at`, pulled towards `beta`."""
        return self.path(beta, at, [pull], tol)[0]

    def path(self, beta: Floats, at: Mask, pulls: Iterable[float] = PULLS, tol: float = 1e-6) -> list[Floats]:
        """The same for several pulls; one after the other, so that each starts from the last answer."""
        if not at.any():
            return [beta for _ in pulls]
        offset = self.Z1[at] @ beta.T
        if not self.k:
            line = RidgePath.of(self.Z1[at], self.y[at] - offset[:, 0], self.w[at], intercept=False)
            return [beta + (line.coef(pull)[0] if np.isfinite(pull) else 0.0) for pull in pulls]
        problem = Problem(self.Z1[at, :-1], self.y[at], self.k, offset, free_intercept=False)
        out, start = [], None
        for pull in pulls:
            if np.isfinite(pull):
                start = solve(problem, self.w[at][None], pull, start, tol)
            out.append(beta + start[0] if np.isfinite(pull) and start is not None else beta)
        return out
