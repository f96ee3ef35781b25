"""Multilayer perceptron trained by Levenberg and Marquardt's method."""

from __future__ import annotations

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.lm import minimise_squares
from medgraft.methods.learners.perceptron import Perceptron
from medgraft.methods.learners.registry import learner
from medgraft.methods.logistic import Rotation
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

BLOCK = 2_000_000  # numbers of a Jacobian that are held at once
PATIENCE = 8


@learner(
    "lm-mlp",
    refs=(
        "Hagan and Menhaj 1994, doi:10.1109/72.329697",
        "Koshy and Anbarasi 2024, doi:10.1109/ACCESS.2024.3385011",
    ),
)
class LMMLPLearner(TaskLearner):
    r"""Perceptron trained by Levenberg and Marquardt's method, stopped by held-out patients.

    Use it for a small network on a few hundred or thousand rows, where second-order steps reach in tens what
    gradients reach in thousands. Not for many hidden units: a step costs the cube of their
    parameters. Not for the best log loss: it fits squares.

    On at most `components` principal coordinates of the standardised rows, the first of variance 1, it
    minimises :math:`\frac12 \sum_i w_i \|q(x_i) - e_{y_i}\|^2 + \frac{\lambda}{2} \|\theta\|^2`, q being the
    softmax of a network with one layer of tanh units and :math:`e_y` a one in place y; or the squared error
    of values. A step solves
    :math:`(J^\top J + \mu I) d = J^\top r`; :math:`\mu` falls tenfold when the squares fall and rises tenfold
    when they do not. A fifth of the patients is held out, and the parameters at which their squares were
    least are kept.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws the start.
    hidden : int
        Hidden units.
    components : int
        Most principal coordinates.
    penalty : float
        :math:`\lambda`; intercepts are free of it.
    steps : int
        Most accepted steps.

    Attributes
    ----------
    axes_ : array (p, r)
        Principal axes, divided by the standard deviation along the first.
    shape_ : tuple
        Inputs, hidden units, outputs, and whether they are probabilities.
    theta_ : array
        Parameters, see `Perceptron`.
    steps_ : int
        Accepted steps.

    Raises
    ------
    InputError
        `hidden`, `components` or `steps` is less than 1, or `penalty` is negative.

    Notes
    -----
    Where a class has too few patients to hold some out, twenty steps are made. Cost of a step
    O(n K P^2 + P^3) for P = (r + 1) hidden + (hidden + 1) K parameters; rows are taken in blocks.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = LMMLPLearner().fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        hidden: int = 8,
        components: int = 64,
        penalty: float = 0.1,
        steps: int = 100,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.hidden = hidden
        self.components = components
        self.penalty = penalty
        self.steps = steps
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name in ("hidden", "components", "steps"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}.")
        if not self.penalty >= 0:
            raise InputError(f"penalty must be 0 or more, not {self.penalty!r}.")
        self.axes_ = axes(lesson, self.components)
        lesson = Lesson(lesson.Z @ self.axes_, lesson.y, lesson.weight, lesson.units, lesson.k)
        self.shape_ = (self.axes_.shape[1], self.hidden, max(lesson.k, 1), bool(lesson.k))
        net = Perceptron(*self.shape_)
        fold = lesson.folds(5, self.random_state)
        learnt = lesson if fold is None else lesson.take(fold != 0)
        held = None if fold is None else lesson.take(fold == 0)
        start = net.start(self.random_state)
        least, best, at = np.inf if held is None else squares(net, start, held), start, 0
        self.steps_ = 0

        def watch(theta: Floats) -> bool:
            nonlocal least, best, at
            self.steps_ += 1
            now = -float(self.steps_) if held is None else squares(net, theta, held)
            if now < least:
                least, best, at = now, theta, self.steps_
            return self.steps_ - at >= PATIENCE

        minimise_squares(
            lambda v: normal(net, v, learnt, self.penalty),
            lambda v: squares(net, v, learnt, self.penalty),
            start,
            steps=self.steps if held is not None else min(self.steps, 20),
            watch=watch,
        )
        self.theta_ = best

    def _output(self, Z: Floats) -> Floats:
        Q = Perceptron(*self.shape_).outputs(self.theta_, Z @ self.axes_)
        return Q[:, 0] if self.task == "regression" else Q


def axes(lesson: Lesson, most: int) -> Floats:
    """Principal axes (p, r), divided by the standard deviation along the first."""
    turned = Rotation.of(lesson.Z * np.sqrt(lesson.weight / lesson.weight.sum())[:, None])
    V, variance = turned.V[:, ::-1][:, :most], turned.s2[::-1][:most]
    keep = variance > 1e-10 * max(float(variance.max(initial=0.0)), 1e-300)
    V = V[:, keep]
    if not V.shape[1]:  # every column is constant
        return np.zeros((lesson.Z.shape[1], 1))
    V = V * np.sign(V[np.abs(V).argmax(axis=0), np.arange(V.shape[1])])
    return np.asarray(V / np.sqrt(variance[0]))


def squares(net: Perceptron, theta: Floats, lesson: Lesson, penalty: float = 0.0) -> float:
    """Half the weighted sum of squared residuals, and of penalised weights."""
    r = net.outputs(theta, lesson.Z) - lesson.targets
    return 0.5 * float(lesson.weight @ (r**2).sum(axis=1) + penalty * (net.free @ theta**2))


def normal(
    net: Perceptron, theta: Floats, lesson: Lesson, penalty: float = 0.0
) -> tuple[float, Floats, Floats]:
    """Half the sum of squares, J'J and J'r; a penalised weight is a residual of its own."""
    JJ, g = np.diag(penalty * net.free), penalty * net.free * theta
    root, T = np.sqrt(lesson.weight), lesson.targets
    size = max(BLOCK // (net.m * net.size), 1)
    for start in range(0, len(T), size):
        rows = slice(start, start + size)
        scale = root[rows, None]
        r = ((net.outputs(theta, lesson.Z[rows]) - T[rows]) * scale).ravel()
        J = (net.jacobian(theta, lesson.Z[rows]) * scale[:, :, None]).reshape(len(r), net.size)
        JJ += J.T @ J
        g += J.T @ r
    return squares(net, theta, lesson, penalty), JJ, g
