"""Several perceptrons trained by Adam, which then learn from each other as a particle swarm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medgraft.methods.learners.adam import Adam
from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.lm_mlp import axes
from medgraft.methods.learners.perceptron import Perceptron
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError
from medgraft.search.swarm import velocity

INERTIA, PULL = 0.7, 1.5
FASTEST = 0.5  # of a weight, in one move


@learner(
    "pso-mlp",
    refs=(
        "Siddique et al. 2024, doi:10.1109/ACCESS.2024.3412412",
        "Kennedy and Eberhart 1995, doi:10.1109/ICNN.1995.488968",
        "Kingma and Ba 2015, arXiv:1412.6980",
    ),
)
class PSOMLPLearner(TaskLearner):
    r"""Perceptrons trained by Adam that then move as a particle swarm; the best on held-out patients is kept.

    Use it as a head on frozen features where one run of Adam depends on its start. Not for a few dozen
    patients: a fifth of them is held out, and the best of several networks on so few is mostly luck.

    Each particle is the flat vector :math:`\theta_i` of a network with one layer of tanh units on at most
    `components` principal coordinates of the standardised rows. First each is trained alone from a start of
    its own, by Adam on the log loss (or half the squared error) and :math:`\frac{\lambda}{2} \|\theta\|^2`.
    Then, `rounds` times, with :math:`p_i` the particle's and g the swarm's place of least held-out loss,

    .. math:: v_i \leftarrow 0.7\, v_i + 1.5\, r_1 (p_i - \theta_i) + 1.5\, r_2 (g - \theta_i), \qquad
        \theta_i \leftarrow \theta_i + v_i,

    no element of v beyond 0.5, followed by one pass of Adam from there. The model is g.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws the starts, the order of rows and the swarm's moves.
    hidden : int
        Hidden units.
    components : int
        Most principal coordinates.
    particles : int
        Networks.
    epochs : int
        Passes of Adam alone.
    rounds : int
        Moves of the swarm, a pass of Adam after each; 0: the best of networks that never met.
    lr : float
        Adam's rate.
    batch : int
        Rows a step.
    penalty : float
        :math:`\lambda`; intercepts are free of it.

    Attributes
    ----------
    axes_ : array (p, r)
        Principal axes, divided by the standard deviation along the first.
    shape_ : tuple
        Inputs, hidden units, outputs, and whether they are probabilities.
    theta_ : array
        Parameters of the best network, see `Perceptron`.
    losses_ : list of float
        Least loss so far on held-out patients, after Adam alone and after each round.

    Raises
    ------
    InputError
        `hidden`, `components`, `particles`, `epochs` or `batch` is less than 1, `rounds` or `penalty` is
        negative, or `lr` is not positive.

    Notes
    -----
    Where a class has too few patients to hold some out, all rows teach and judge. The least of many held-out
    losses is too small a figure for new patients: it is no estimate of anything. Cost
    O(particles (epochs + rounds) n r hidden).

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = PSOMLPLearner().fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        hidden: int = 16,
        components: int = 64,
        particles: int = 6,
        epochs: int = 20,
        rounds: int = 20,
        lr: float = 0.02,
        batch: int = 32,
        penalty: float = 0.1,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.hidden = hidden
        self.components = components
        self.particles = particles
        self.epochs = epochs
        self.rounds = rounds
        self.lr = lr
        self.batch = batch
        self.penalty = penalty
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name in ("hidden", "components", "particles", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}.")
        for name in ("rounds", "penalty"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more, not {getattr(self, name)!r}.")
        if not self.lr > 0:
            raise InputError(f"lr must be more than 0, not {self.lr!r}.")
        self.axes_ = axes(lesson, self.components)
        lesson = Lesson(lesson.Z @ self.axes_, lesson.y, lesson.weight, lesson.units, lesson.k)
        self.shape_ = (self.axes_.shape[1], self.hidden, max(lesson.k, 1), bool(lesson.k))
        net = Perceptron(*self.shape_)
        fold = lesson.folds(5, self.random_state)
        learnt = lesson if fold is None else lesson.take(fold != 0)
        held = lesson if fold is None else lesson.take(fold == 0)
        rng = np.random.default_rng(self.random_state)
        starts = np.stack([net.start(int(s)) for s in rng.integers(0, 2**31, self.particles)])
        rules = [Adam(self.lr) for _ in starts]

        def train(i: int, theta: Floats, passes: int) -> Floats:
            return self._passes(net, theta, learnt, rules[i], passes, rng)

        def judge(theta: Floats) -> float:
            return net.loss(theta, held.Z, held.targets, held.weight / held.weight.sum(), 0.0)[0]

        alone = np.stack([train(i, theta, self.epochs) for i, theta in enumerate(starts)])
        self.theta_, self.losses_ = swarm(alone, judge, lambda i, x: train(i, x, 1), self.rounds, rng)

    def _passes(
        self,
        net: Perceptron,
        theta: Floats,
        lesson: Lesson,
        rule: Adam,
        passes: int,
        rng: np.random.Generator,
    ) -> Floats:
        """Return the parameters after passes of Adam over the rows, in steps of `batch` rows."""
        weight, share = lesson.weight / lesson.weight.mean(), self.penalty / lesson.weight.sum()
        for _ in range(passes):
            order = rng.permutation(len(weight))
            for rows in np.split(order, range(self.batch, len(order), self.batch)):
                part = weight[rows] / len(rows)
                theta = rule.step(
                    theta, net.loss(theta, lesson.Z[rows], lesson.targets[rows], part, share)[1]
                )
        return theta

    def _output(self, Z: Floats) -> Floats:
        Q = Perceptron(*self.shape_).outputs(self.theta_, Z @ self.axes_)
        return Q[:, 0] if self.task == "regression" else Q


def swarm(
    X: Floats,
    judge: Callable[[Floats], float],
    train: Callable[[int, Floats], Floats],
    rounds: int,
    rng: np.random.Generator,
) -> tuple[Floats, list[float]]:
    """Move trained particles towards each other's best places, and train each again after every move.

    Parameters
    ----------
    X : array (n, d)
        Places to start from; left as they are.
    judge : callable
        Place (d,) -> loss, of which less is better.
    train : callable
        (particle, place) -> place.
    rounds : int
    rng : Generator
        Draws the moves.

    Returns
    -------
    array (d,)
        The place of least loss.
    list of float
        The least loss so far, at the start and after each round.
    """
    X, V = X.copy(), np.zeros_like(X)
    own, value = X.copy(), np.array([judge(x) for x in X])
    losses = [float(value.min())]
    for _ in range(rounds):
        r = rng.random(X.shape), rng.random(X.shape)
        V = np.clip(velocity(V, X, own, own[value.argmin()], r, INERTIA, PULL), -FASTEST, FASTEST)
        X = np.stack([train(i, x) for i, x in enumerate(X + V)])
        now = np.array([judge(x) for x in X])
        better = now < value
        own[better], value[better] = X[better], now[better]
        losses.append(float(value.min()))
    return own[value.argmin()], losses
