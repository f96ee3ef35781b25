"""Alternating least squares: each side of the factorisation in turn, until neither gets better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.records.effects import Effects, Layout
from medgraft.methods.splits import Floats

INNER = 5  # rounds of steps on one side before the other's turn

Hidden = list[NDArray[np.bool_]]


@dataclass
class Fit:
    """Both sides and the objective after each step.

    Parameters
    ----------
    left, right : Effects
    losses : list of float
    converged : bool
    """

    left: Effects
    right: Effects
    losses: list[float]
    converged: bool


def objective(matrices: list[Floats], left: Effects, right: Effects, layout: Layout, ties: Floats) -> float:
    """Squared misfit of all sites, the ties of the sides, and what they cost, over the number of entries."""
    pairs = zip(matrices, left.rows(layout), right.rows(layout), ties, strict=True)
    misfit = sum(float(((S - U @ V.T) ** 2).sum() + tie * ((U - V) ** 2).sum()) for S, U, V, tie in pairs)
    return (misfit + left.penalty(layout) + right.penalty(layout)) / sum(S.size for S in matrices)


def alternate(
    matrices: list[Floats],
    start: Effects,
    layout: Layout,
    ties: Floats,
    *,
    tol: float,
    max_iter: int,
    hidden: Hidden | None = None,
) -> Fit:
    """Improve both sides from the same start; every step lowers the objective, or leaves it.

    Entries that are `hidden` (symmetric) are unknown: before each side's turn they are filled with what the
    model says of them, so that lowering the misfit of all entries lowers that of the known ones.
    """
    filled, size = matrices, sum(S.size for S in matrices)
    sides = [start, start]
    losses: list[float] = []
    converged, before = False, np.inf
    for turn in range(2 * max_iter):
        fixed, moved = sides[turn % 2], sides[1 - turn % 2].copy()
        U = fixed.rows(layout)
        if hidden is not None:
            model = [u @ v.T for u, v in zip(U, moved.rows(layout), strict=True)]
            filled = [np.where(gap, X, S) for S, X, gap in zip(matrices, model, hidden, strict=True)]
        A = np.stack([u.T @ u + tie * np.eye(u.shape[1]) for u, tie in zip(U, ties, strict=True)])
        b = [S.T @ u + tie * u for S, u, tie in zip(filled, U, ties, strict=True)]
        stays = fixed.penalty(layout) + sum(float((S**2).sum()) for S in filled)
        stays += sum(tie * float((u**2).sum()) for u, tie in zip(U, ties, strict=True))
        for inner in range(INNER):
            for step in (moved.fit_shared, moved.fit_sites):
                step(A, b, layout)
                own = _misfit(A, b, moved.rows(layout)) + moved.penalty(layout)
                losses.append((stays + own) / size)
            if inner and losses[-3] - losses[-1] <= tol * losses[-1]:
                break
        sides[1 - turn % 2] = moved
        if turn % 2:
            converged = before - losses[-1] <= tol * losses[-1]
            before = losses[-1]
            if converged:
                break
    return Fit(sides[0], sides[1], losses, converged)


def _misfit(A: Floats, b: list[Floats], rows: list[Floats]) -> float:
    """Squared misfit and tie without the parts that the moving side cannot change."""
    return sum(
        float(((V @ a) * V).sum() - 2 * (target * V).sum()) for a, target, V in zip(A, b, rows, strict=True)
    )
