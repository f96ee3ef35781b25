"""Multilayer perceptron, trained to the optimum of a penalised loss."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.perceptron import Perceptron
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

PENALTIES = (100.0, 10.0, 1.0, 0.1)
TUNED_ON = 5000


@learner("mlp", refs=("Rumelhart et al. 1986, doi:10.1038/323533a0",))
class MLPLearner(TaskLearner):
    r"""Perceptron with one hidden layer, its penalty chosen on patient-wise inner splits.

    Use it where a linear learner is too stiff and rows number some hundreds or more. Not with fewer: there
    the penalty that is chosen makes it linear anyway, at a higher price.

    It minimises :math:`\sum_i w_i \ell(y_i, B \tanh(A x_i + a) + b) + \frac{\lambda}{2} (\|A\|^2 + \|B\|^2)`
    from one random start, :math:`\ell` being the log loss of the softmax or half the squared error.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws the start.
    hidden : int
        Hidden units.
    penalty : float, optional
        :math:`\lambda`; default chosen among 100, 10, 1 and 0.1.
    folds : int
        Inner splits.
    iterations : int
        Most steps of L-BFGS.

    Attributes
    ----------
    penalty_ : float
        Chosen; 1 where there was too little to choose by.
    shape_ : tuple
        Inputs, hidden units, outputs, and whether they are probabilities.
    theta_ : array
        Parameters, see `Perceptron`.

    Raises
    ------
    InputError
        `hidden` is less than 1 or `penalty` is negative.

    Notes
    -----
    The penalty is chosen on at most some 5,000 rows. Cost O(n min(n, p) hidden) a step.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = MLPLearner().fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        hidden: int = 16,
        penalty: float | None = None,
        folds: int = 5,
        iterations: int = 300,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.hidden = hidden
        self.penalty = penalty
        self.folds = folds
        self.iterations = iterations
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        if self.hidden < 1:
            raise InputError(f"hidden must be 1 or more, not {self.hidden!r}.")
        if self.penalty is not None and not self.penalty >= 0:
            raise InputError(f"penalty must be 0 or more, not {self.penalty!r}.")
        self.shape_ = (lesson.Z.shape[1], self.hidden, max(lesson.k, 1), bool(lesson.k))
        self.penalty_ = 1.0 if self.penalty is None else self.penalty
        part = lesson.some(TUNED_ON, self.random_state)
        fold = part.folds(self.folds, self.random_state)
        if self.penalty is None and fold is not None:
            losses = np.zeros(len(PENALTIES))
            for f in np.unique(fold):
                learnt, held = part.take(fold != f), part.take(fold == f)
                for j, penalty in enumerate(PENALTIES):
                    theta = self._solve(learnt, penalty)
                    losses[j] += self._net.loss(theta, held.Z, held.targets, held.weight, 0.0)[0]
            least = losses.min() + 1e-9 * np.abs(losses.min())
            self.penalty_ = PENALTIES[int(np.flatnonzero(losses <= least)[0])]  # the strongest on a tie
        self.theta_ = self._solve(lesson, self.penalty_)

    @property
    def _net(self) -> Perceptron:
        return Perceptron(*self.shape_)

    def _solve(self, lesson: Lesson, penalty: float) -> Floats:
        # Never from the answer of a stronger penalty: that may be a saddle, which L-BFGS does not leave.
        theta, net, Z, basis = self._net.start(self.random_state), self._net, lesson.Z, None
        n, p = Z.shape
        if n < p and penalty > 0:
            # At the optimum each hidden unit's weights lie in the span of the rows: what lies outside changes
            # no output and is penalised. In an orthonormal basis of it the penalty is the same.
            basis = np.linalg.qr(Z.T)[0]
            A, B = net.layers(theta)
            net, Z = Perceptron(n, *self.shape_[1:]), Z @ basis
            theta = np.concatenate([(basis.T @ A[:-1]).ravel(), A[-1], B.ravel()])
        args = (Z, lesson.targets, lesson.weight, penalty)
        options = {"maxiter": self.iterations, "maxfun": 2 * self.iterations, "maxcor": 20, "ftol": 1e-12}
        found = minimize(net.loss, theta, args=args, jac=True, method="L-BFGS-B", options=options)
        theta = np.asarray(found.x, dtype=np.float64)
        if basis is not None:
            A, B = net.layers(theta)
            theta = np.concatenate([(basis @ A[:-1]).ravel(), A[-1], B.ravel()])
        return theta

    def _output(self, Z: Floats) -> Floats:
        Q = self._net.outputs(self.theta_, Z)
        return Q[:, 0] if self.task == "regression" else Q
