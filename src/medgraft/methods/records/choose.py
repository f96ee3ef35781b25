"""Which penalties to take: those that foretell hidden entries, or that find known pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from medgraft.methods.records.alternate import Fit, Hidden
from medgraft.methods.records.effects import Effects
from medgraft.methods.records.pairs import auc_of
from medgraft.methods.records.problem import Problem
from medgraft.methods.splits import Floats

# Of the mean curvature of the sites; of the least site penalty at which no site effect enters at the start.
RIDGES = (10.0, 3.0, 1.0, 0.3)
LASSOS = (np.inf, 0.5, 0.2, 0.05)
HIDE = 0.1  # share of a site's entries that are hidden
TOL, MAX_ITER = 1e-4, 30  # of fits that only choose

Loss = Callable[[Fit, float, float], float]


def choose(
    problem: Problem,
    ridge: float | None,
    site_penalty: float | None,
    judged: list[int],
    pairs: pd.DataFrame | None,
    seed: int,
) -> pd.DataFrame:
    """Return the penalties tried, ``ridge``, ``site_penalty`` and ``loss``, strongest first.

    `judged` are the sites whose entries count; with pairs it is the one site whose cosines do.
    """
    if pairs is None:
        truth = problem.matrices
        hidden = hide([len(S) for S in truth], judged, seed)
        problem = problem.without(hidden)
    rows = []
    for r in _ridges(problem) if ridge is None else [ridge]:
        for s in _site_penalties(problem) if site_penalty is None else [site_penalty]:
            layout = problem.layout(r, s)
            fit = problem.fit(r, s, tol=TOL, max_iter=MAX_ITER)
            E = fit.left.mean(fit.right).rows(layout)
            if pairs is None:
                loss = _left_out(truth, E, hidden)
            else:
                at = judged[0]
                table = pd.DataFrame(E[at], index=problem.names[problem.codes[at]])
                loss = 1.0 - auc_of(table, pairs, _random_pairs(table.index, pairs, seed))
            rows.append((r, s, loss))
    return pd.DataFrame(rows, columns=["ridge", "site_penalty", "loss"])


def _ridges(problem: Problem) -> list[float]:
    unit = problem.layout(1.0, 1.0).ridge.mean()
    return [float(share * problem.curvature.mean() / unit) for share in RIDGES]


def _site_penalties(problem: Problem) -> list[float]:
    layout = problem.layout(1.0, np.inf)
    rows = Effects.split(problem.start, layout).rows(layout)  # without site effects
    largest = 0.0
    for S, E, here, unit in zip(
        problem.matrices, rows, problem.codes, problem.layout(1.0, 1.0).lasso, strict=True
    ):
        slope = 2 * np.linalg.norm((S - E @ E.T) @ E, axis=1)[layout.common[here]]
        largest = max(largest, float(slope.max(initial=0.0) / unit))
    return [float(share * largest) for share in LASSOS] if largest else [np.inf]


def hide(sizes: list[int], judged: list[int], seed: int) -> Hidden:
    """Pairs of different codes to hide at the judged sites, symmetric."""
    out = [np.zeros((n, n), dtype=bool) for n in sizes]
    for turn, s in enumerate(judged):
        # By turn, not by site: a target's hidden entries are the same whatever other sites take part.
        half = np.triu(np.random.default_rng([seed, turn]).random(out[s].shape) < HIDE, 1)
        out[s] = half | half.T
    return out


def _left_out(truth: list[Floats], E: list[Floats], hidden: Hidden) -> float:
    """Mean squared error of hidden entries, each judged site counting the same."""
    parts = zip(truth, E, hidden, strict=True)
    return float(np.mean([np.square((S - e @ e.T)[gap]).mean() for S, e, gap in parts if gap.any()]))


def _random_pairs(codes: pd.Index, pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """As many pairs of the same codes that are not known, or all where there are fewer."""
    used = codes[codes.isin(pd.unique(pairs[["code", "other"]].to_numpy().ravel()))]
    a, b = np.triu_indices(len(used), 1)
    known = np.zeros((len(used), len(used)), dtype=bool)
    i, j = used.get_indexer(pd.Index(pairs["code"])), used.get_indexer(pd.Index(pairs["other"]))
    known[i, j] = known[j, i] = True
    free = np.flatnonzero(~known[a, b])
    drawn = np.random.default_rng([seed, 1]).permutation(free)[: len(pairs)]
    return pd.DataFrame({"code": used[a[drawn]], "other": used[b[drawn]]})
