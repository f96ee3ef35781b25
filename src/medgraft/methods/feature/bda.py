"""Learn on components in which the domains agree, balanced between overall and within each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.feature.conditional import ConditionalKernelMethod
from medgraft.methods.feature.kernel_space import drawn
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.suit import proxy_a_distance
from medgraft.methods.table import InputError

MOST = 1000  # rows of each side that a distance looks at
FEWEST = 5  # rows of a class on a side for its distance to count


@method(
    "bda",
    family="feature",
    tasks=("classification",),
    needs=("source", "target-rows"),
    cost="O(T n m (p + m) + T m^3)",
    refs=(
        "Wang, Chen, Hao, Feng and Shen 2017, IEEE Int. Conf. Data Mining, 1129-1134, arXiv:1807.00516",
        "Ben-David, Blitzer, Crammer and Pereira 2007, Advances in Neural Information Processing Systems 19",
    ),
)
class BDA(ConditionalKernelMethod):
    r"""Learn on components that lose the domain, balanced between all patients and those of each class.

    Use it as ``jda``, when it is not known whether the domains differ in who comes (marginal) or in how a
    class looks (conditional). Not where a model of the source is wrong for many target patients. Not for
    numbers as outcomes.

    With the gaps :math:`s_0` and :math:`s_c` of ``jda`` and a balance :math:`b` between 0 and 1,

    .. math:: \min_W\; \mathrm{tr}\,W^\top K \Big[(1 - b)\, s_0 s_0^\top + b \sum_{c=1}^{C} s_c s_c^\top\Big]
              K W + \mu\, \mathrm{tr}\, W^\top W \quad\text{subject to}\quad W^\top K H K W = I,

    solved in rounds of pseudo-labels as ``jda``. Balance 0 is ``tca``; one half is ``jda`` with twice the
    penalty. If not given, it is :math:`b = d_c / (d_0 + d_c)` in each round, with :math:`d_0` the proxy
    A-distance of the two domains and :math:`d_c` the mean of those within classes, on held-out patients.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    n_components, penalty, width, n_landmarks
        See `TCA`.
    max_rounds : int
        Rounds T, at most.
    balance : float in [0, 1], optional
        b; estimated if not given.

    Attributes
    ----------
    balance_ : float
        The balance of the last round.
    rounds_, n_components_, eigenvalues_, width_, landmarks_, projection_, note_
        See `JDA`.

    Raises
    ------
    InputError
        A setting that is not a positive number, or a balance outside 0 to 1.

    Notes
    -----
    Distances look at 1000 rows of each side at most; classes with fewer than five different rows on a side
    are left out of them; where nothing differs, b is one half. Memory as ``tca``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(400) < 0.5
    >>> X = rng.normal(size=(400, 2)) + np.outer(y, [4.0, 0.0])
    >>> X[:200] += [0.5, 3.0]
    >>> site = np.repeat(["a", "b"], 200)
    >>> m = BDA(n_components=3).fit(X, y, domain=site, target="b", labelled=site == "a")
    >>> m.predict([[0.0, 0.0], [4.0, 0.0]]).tolist()
    [False, True]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        n_components: int = 10,
        penalty: float = 1.0,
        width: float | None = None,
        n_landmarks: int = 300,
        max_rounds: int = 10,
        balance: float | None = None,
    ) -> None:
        super().__init__(
            task=task,
            estimator=estimator,
            random_state=random_state,
            n_components=n_components,
            penalty=penalty,
            width=width,
            n_landmarks=n_landmarks,
            max_rounds=max_rounds,
        )
        self.balance = balance

    def _check(self) -> None:
        super()._check()
        b = self.balance
        if b is not None and not (isinstance(b, int | float) and 0 <= b <= 1):
            raise InputError(f"balance must be between 0 and 1, not {b!r}.")

    def _fit(self, rows: Rows) -> None:
        self.balance_ = float("nan")
        super()._fit(rows)

    def _share(self, Z: Floats, rows: Rows, label: Ints) -> tuple[float, float]:
        self.balance_ = self._estimated(Z, rows, label) if self.balance is None else float(self.balance)
        return 1.0 - self.balance_, self.balance_

    def _estimated(self, Z: Floats, rows: Rows, label: Ints) -> float:
        everyone = self._distance(Z, rows, np.ones(len(Z), dtype=bool))
        within = [self._distance(Z, rows, label == c) for c in range(rows.k)]
        known = [d for d in within if d is not None]
        if everyone is None or not known:
            return 0.5
        conditional = float(np.mean(known))
        total = everyone + conditional
        return conditional / total if total > 0 else 0.5

    def _distance(self, Z: Floats, rows: Rows, where: Mask) -> float | None:
        """Proxy A-distance of the two sides among some rows; None where they are too few."""
        s, t = (drawn(rows, side & where, MOST, self.random_state) for side in (rows.source, rows.target))
        if min(len(s), len(t)) < FEWEST:
            return None
        both = np.r_[s, t]
        side = np.repeat([False, True], [len(s), len(t)])
        return proxy_a_distance(Z[both], side, rows.units[both], self.random_state)
