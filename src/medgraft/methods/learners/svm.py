"""Support vector machine with a Gaussian kernel, which keeps no support vector."""

from __future__ import annotations

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.fourier import directions, features
from medgraft.methods.learners.margins import calibrate, calibrated, plain
from medgraft.methods.learners.registry import learner
from medgraft.methods.logistic import Rotation
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

COSTS = (0.1, 1.0, 10.0, 100.0)
WIDTHS = (0.25, 1.0, 4.0)  # times 1/(2p), at which two rows at the mean distance have kernel 1/e
TUNED_ON = 2000
BLOCK = 5000  # rows of a Hessian at once
EPSILON = 0.1  # standard deviations of y


@learner(
    "svm",
    refs=(
        "Cortes and Vapnik 1995, doi:10.1007/BF00994018",
        "Chapelle 2007, doi:10.1162/neco.2007.19.5.1155",
        "Rahimi and Recht 2007",
    ),
)
class SVMLearner(TaskLearner):
    r"""Support vector machine with a Gaussian kernel; width and cost chosen on patient-wise inner splits.

    Use it where borders are curved and patients number some hundreds or thousands. Not for features without
    scale, nor where every column is noise but a few: a kernel weighs all alike.

    On standardised rows, with :math:`k(x, z) = e^{-\gamma \|x - z\|^2}`, it minimises for each class (one for
    two classes, with :math:`y = \pm 1`)

    .. math:: \tfrac12 \|f\|_k^2 + C \sum_i w_i \max(0, 1 - y_i (f(x_i) + b))^2,

    or for values :math:`\max(0, |y_i - f(x_i) - b| - 0.1)^2`, y standardised. A machine of support vectors is
    made of patients' rows, which a graft must not hold; so the kernel is the inner product of `features`
    orthogonal random Fourier features, and what is kept is one coefficient for each. Probabilities are a
    sigmoid (softmax for several classes) of the margins, fitted on margins of held-out patients.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws the features.
    C : float, optional
        Cost of a violated margin; default chosen among 0.1, 1, 10, 100.
    gamma : float, optional
        1 / (squared distance of standardised rows); default chosen among 1/8, 1/2 and 2 over the number of
        features.
    features : int
        Number of Fourier features, even; the kernel is wrong by about the inverse root of it.
    folds : int
        Inner splits.

    Attributes
    ----------
    C_, gamma_ : float
        Chosen: those of least held-out log loss after calibration, or squared error.
    frequencies_ : array (p, features / 2)
        Of the Fourier features.
    coef_ : array (features + 1, m)
        Coefficients and, last, intercepts.
    sigmoid_ : array (m, m + 1)
        Slopes and intercepts of the probabilities; the margins themselves where a class has too few patients
        to hold some out.

    Raises
    ------
    InputError
        `C` or `gamma` is not positive, or `features` is not even.

    Notes
    -----
    The loss is the squared hinge, solved to the end by Newton's method. Settings are chosen on at most some
    2,000 rows. Cost O(n f min(n, f)) for f features and each of some ten Newton steps.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X**2).sum(axis=1) < 1  # a disc: no line can cut it out
    >>> m = SVMLearner().fit(X, y)
    >>> m.predict([[0.0, 0.0], [2.0, 0.0], [0.0, -2.0]]).tolist()
    [True, False, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        C: float | None = None,
        gamma: float | None = None,
        features: int = 512,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.C = C
        self.gamma = gamma
        self.features = features
        self.folds = folds
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name, value in (("C", self.C), ("gamma", self.gamma)):
            if value is not None and not value > 0:
                raise InputError(f"{name} must be more than 0, not {value!r}.")
        if self.features < 2 or self.features % 2:
            raise InputError(f"features must be an even number from 2, not {self.features!r}.")
        p = lesson.Z.shape[1]
        base = directions(p, self.features // 2, self.random_state)
        costs = COSTS if self.C is None else (self.C,)
        gammas = tuple(w / (2.0 * p) for w in WIDTHS) if self.gamma is None else (self.gamma,)
        part = lesson.some(TUNED_ON, self.random_state)
        fold = part.folds(self.folds, self.random_state)
        self.C_, self.gamma_ = self.C or 1.0, self.gamma or 1.0 / (2.0 * p)
        self.sigmoid_ = plain(1 if lesson.k < 3 else lesson.k)
        best = np.inf
        for gamma in gammas if fold is not None else ():
            F = Rotation.of(features(part.Z, base * np.sqrt(2.0 * gamma))).Z
            starts: list[Floats | None] = [None] * self.folds
            for C in costs:
                M = np.zeros((len(F), len(signs(part).T)))
                for f in range(self.folds):
                    weight = np.where(fold == f, 0.0, part.weight)
                    coef = solve(F, signs(part), C * weight, not lesson.k, starts[f], tol=1e-6)
                    M[fold == f] = margins(F[fold == f], coef)
                    starts[f] = coef
                if lesson.k:
                    sigmoid, loss = calibrate(M, part.y, part.weight, lesson.k)
                else:
                    loss = float(part.weight @ (part.y - M[:, 0]) ** 2 / part.weight.sum())
                if loss < best * (1.0 - 1e-9):
                    best, self.C_, self.gamma_ = loss, C, gamma
                    self.sigmoid_ = sigmoid if lesson.k else self.sigmoid_
        self.frequencies_ = base * np.sqrt(2.0 * self.gamma_)
        F = features(lesson.Z, self.frequencies_)
        turned = Rotation.of(F) if F.shape[0] < F.shape[1] else None  # fewer coordinates, the same optimum
        Z = F if turned is None else turned.Z
        coef = solve(Z, signs(lesson), self.C_ * lesson.weight, not lesson.k)
        self.coef_ = coef if turned is None else np.vstack([turned.V @ coef[:-1], coef[-1:]])

    def _output(self, Z: Floats) -> Floats:
        M = margins(features(Z, self.frequencies_), self.coef_)
        return M[:, 0] if self.task == "regression" else calibrated(M, self.sigmoid_)


def signs(lesson: Lesson) -> Floats:
    """Targets (n, m): -1 or 1 a class (the second one alone of two), or the values."""
    T = lesson.targets
    return T if not lesson.k else 2.0 * (T[:, 1:] if lesson.k == 2 else T) - 1.0


def margins(F: Floats, coef: Floats) -> Floats:
    """Margins (n, m) of features F (n, r) with coefficients (r + 1, m)."""
    return np.asarray(F @ coef[:-1] + coef[-1])


def residual(M: Floats, T: Floats, values: bool) -> Floats:
    """How far each margin is on the wrong side, with its sign; 0 where it is right."""
    d = M - T
    if values:
        return np.asarray(np.sign(d) * np.maximum(np.abs(d) - EPSILON, 0.0))
    return np.where(T * M < 1.0, d, 0.0)


def solve(
    F: Floats, T: Floats, cost: Floats, values: bool, start: Floats | None = None, tol: float = 1e-14
) -> Floats:
    """Minimise |v|^2 / 2 + sum_i cost_i residual_i^2 over v (r, m) and free intercepts, by Newton's method.

    Parameters
    ----------
    F : array (n, r)
    T : array (n, m)
        See `signs`; the m problems are independent.
    cost : array (n,)
        C times the weights.
    values : bool
        Whether T holds values.
    start : array (r + 1, m), optional
    tol : float
        Where the Newton decrement, relative to the total cost, ends the search.

    Returns
    -------
    array (r + 1, m)
    """
    F1 = np.column_stack([F, np.ones(len(F))])[cost > 0]
    T, cost = T[cost > 0], cost[cost > 0]
    pen = np.append(np.ones(F.shape[1]), 0.0)
    out = np.zeros((F1.shape[1], T.shape[1])) if start is None else start.copy()

    def value(v: Floats, t: Floats) -> tuple[float, Floats]:
        d = residual(F1 @ v, t, values)
        return 0.5 * float(pen @ v**2) + float(cost @ d**2), d

    for j in range(T.shape[1]):
        t, v = T[:, j], out[:, j]
        now, d = value(v, t)
        for _ in range(100):
            grad = pen * v + 2.0 * F1.T @ (cost * d)
            on = d != 0
            H = np.diag(pen)
            for block in np.array_split(np.flatnonzero(on), len(F1) // BLOCK + 1):
                H += (F1[block].T * (2.0 * cost[block])) @ F1[block]
            H[-1, -1] += 1e-10 * cost.sum()  # no row active: the intercept is free
            step = np.linalg.solve(H, grad)
            size = 1.0
            after, d_after = value(v - step, t)
            while after > now and size > 1e-12:
                size /= 2
                after, d_after = value(v - size * step, t)
            if after > now:
                break
            v, now, d = v - size * step, after, d_after
            if float(grad @ step) <= tol * cost.sum():
                break
        out[:, j] = v
    return out
