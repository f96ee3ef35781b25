"""A hospital whose classes weigh the same, for `TransBalance`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.messages import Message
from medgraft.methods.federated.proximal import NOBODY
from medgraft.methods.federated.site import FOLDS, NO_FOLD, Site
from medgraft.methods.model.lasso import SHARES, L1Problem, fit_l1, solve_l1
from medgraft.methods.prepare.balance import Sample
from medgraft.methods.prepare.rose import Rose
from medgraft.methods.rows import Mask
from medgraft.methods.sites import fewest_patients
from medgraft.methods.splits import Floats, inner_folds, number_again

ONLY = 100  # added to a fold that the target alone holds out


class BalancedSite(Site):
    """A site whose classes weigh the same, by weights at first, by drawn rows once asked to ``balance``.

    Held-out patients are always real. It answers ``classes`` (weights of the classes) besides what a `Site`
    does.

    Attributes
    ----------
    here : bool
        Whether it is the target: only then does it hold out folds from 100 upwards.
    """

    here = False

    def prepare(self, encoder: TableEncoder) -> None:
        """Take the shared encoder."""
        super().prepare(encoder)
        Z, y, w = super()._rows()
        total = self._classes({})["real"]
        even = w.sum() / 2 / np.maximum(total, 1e-300) if total.all() else np.ones(2)
        self._real = self._used = Z, y, w * even[y.astype(np.intp)]
        self._real_fold = self._fold

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        return {**super()._known(), "balance": self._balance, "classes": self._classes}

    def _rows(self) -> tuple[Floats, Floats, Floats]:
        super()._rows()
        return self._used

    def _gradients(self, message: Message) -> dict[str, NDArray[Any]]:
        return super()._gradients(self._held_here(message))

    def _held_out(self, message: Message) -> dict[str, NDArray[Any]]:
        return super()._held_out(self._held_here(message))

    def _held_here(self, message: Message) -> Message:
        out = message["out"]
        return {**message, "out": np.where(out >= ONLY, out - ONLY if self.here else NOBODY, out)}

    def _classes(self, message: Message) -> dict[str, NDArray[Any]]:
        y, w = self._y[self._labelled], self._w[self._labelled]
        return {"real": np.bincount(y.astype(np.intp), w, minlength=2)}

    def _balance(self, message: Message) -> dict[str, NDArray[Any]]:
        """Draw rows around the patients; a site with one class keeps its own."""
        Z, y, w = super()._rows()
        if self._classes({})["real"].all():
            # The draw hangs on the patients, not on the place of the site among others.
            content = int(self._table.keys().sum(dtype=np.uint64))
            rng = np.random.default_rng([int(message["seed"][0]), content])
            sample = Sample(Z[:, :-1], y.astype(np.intp), w, np.arange(len(y)))
            made = Rose(shrink=float(message["shrink"][0]))._balance(sample, rng)
            Z, y, w = np.column_stack([made.Z, np.ones(len(made.y))]), made.y.astype(float), made.weight
        self._used, self._fold = (Z, y, w), np.full(len(y), NO_FOLD, dtype=np.intp)
        return {"drawn": np.bincount(y.astype(np.intp), w, minlength=2)}

    @property
    def enough(self) -> bool:
        """Whether each class has two patients, so that there is something to choose by."""
        code, units = self._real[1].astype(np.intp), number_again(self._units[self._labelled])
        return fewest_patients(code, units) > 1

    def correction(self, pooled: Floats, without: Floats, seed: int) -> Floats:
        """What coefficients (1, p + 1) miss on the drawn rows; the penalty is chosen on real ones.

        `without` (folds, 1, p + 1) are the coefficients of fits without each fold of real patients.
        """
        Z, y, w = self._real
        code, units = y.astype(np.intp), number_again(self._units[self._labelled])
        fold = self._real_fold
        if (fold == NO_FOLD).all():
            fold = inner_folds(units, k=FOLDS, seed=seed, stratum=code, weight=w)
        parts = [
            (L1Problem(Z[:, :-1], code, 2, Z @ without[f].T), np.where(fold == f, 0.0, w), fold == f)
            for f in np.unique(fold)
        ]
        share = chosen_share(parts, w)
        Z, y, w = self._used
        drawn = L1Problem(Z[:, :-1], y.astype(np.intp), 2, Z @ pooled.T)
        return fit_l1(drawn, w, share * drawn.largest(w))


def chosen_share(parts: list[tuple[L1Problem, Floats, Mask]], w: Floats) -> float:
    """Penalty of least held-out loss, as a share of the one at which no feature enters in any fold.

    Parameters
    ----------
    parts : list of (L1Problem, array (n,), array (n,) of bool)
        For each fold the problem with its own offset, the weights to learn from, and the rows held out.
    w : array (n,)
        Weights of the rows held out.
    """
    top = max(problem.largest(train) for problem, train, _ in parts)
    loss = np.zeros(len(SHARES))
    for problem, train, test in parts:
        beta: Floats | None = None
        for i, share in enumerate(SHARES):
            beta = solve_l1(problem, train[None, :], share * top, beta, 1e-5, max_iter=2000)
            loss[i] += w[test] @ problem.loss(problem.scores(beta[0]))[test]
    return float(SHARES[np.flatnonzero(loss <= loss.min() * (1.0 + 1e-9))[0]])
