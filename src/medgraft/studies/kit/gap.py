"""By how much a model does better on the rows that it learnt from: overfitting, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort import Cohort
from medgraft.cohort.split import kfold_splits
from medgraft.evidence import Interval
from medgraft.evidence.bootstrap import counts
from medgraft.studies.kit.run import Run
from medgraft.trial.arms import Workbench, arm, build

DRAWS = 2000


def overfitting(
    run: Run, title: str, cohort: Cohort, arms: Sequence[str], sources: Sequence[Any], folds: int = 5
) -> None:
    r"""Record each arm's accuracy on its training rows less that on held-out patients, from one split.

    With c_i whether row i is predicted rightly, an arm's figure is :math:`\bar c_{train} - \bar c_{held}`;
    0 is no overfitting, and less is better. Intervals are percentiles over patients drawn anew in both parts;
    they hold for the models as fitted.

    Parameters
    ----------
    run : Run
    title : str
    cohort : Cohort
        Of images, of classes, without domains.
    arms : sequence of str
        Two: the study's, and the control.
    sources : sequence of Pretrained
        Networks that the arms name.
    folds : int
        One part in so many is held out.
    """
    split = next(iter(kfold_splits(cohort, folds=folds, seed=run.seed)))
    bench = Workbench(cohort.task, cohort.kind, sources[0], parts=tuple(sources))
    groups = np.arange(cohort.n) if cohort.group is None else cohort.groups
    rows = np.concatenate([split.labelled, split.test])
    taught = np.isin(rows, split.labelled)
    right = {}
    for name in arms:
        model = build(arm(name), bench, run.seed)
        X, y = cohort.X, cohort.y
        model.fit(X.iloc[split.labelled], y[split.labelled], groups=groups[split.labelled])
        right[name] = (model.predict(X.iloc[rows]) == y[rows]).astype(float)
    own, control = arms
    run.record(
        title,
        "training less held-out accuracy",
        {name: gap(right[name], taught, groups[rows], run.seed) for name in arms},
        method=own,
        control=control,
        difference=gap(right[own] - right[control], taught, groups[rows], run.seed),
        n=len(rows),
        unit="rows",
        greater_is_better=False,
    )


def gap(values: NDArray[Any], taught: NDArray[np.bool_], groups: NDArray[Any], seed: int) -> Interval:
    """Return the mean of the rows that taught less that of the others, with its interval over patients.

    Examples
    --------
    >>> found = gap(np.array([1.0, 1, 1, 0]), np.array([True, True, False, False]), np.arange(4), seed=0)
    >>> found.value, found.hi <= 1.0
    (0.5, True)
    """
    parts = []
    for k, part in enumerate((taught, ~taught)):
        _, code = np.unique(groups[part], return_inverse=True)
        total, n = np.bincount(code, values[part]), np.bincount(code).astype(float)
        C = counts(np.random.default_rng([seed, k]), len(n), DRAWS)
        parts.append((values[part].mean(), (total @ C) / (n @ C), len(n)))
    (a, A, _), (b, B, _) = parts
    lo, hi = np.percentile(A - B, [2.5, 97.5])
    # Where all patients of a part are alike, drawing them anew shows no spread: the rule of three has some.
    for _, draws, patients in parts:
        if np.ptp(draws) == 0:
            lo, hi = lo - 3 / patients, hi + 3 / patients
    most = 1.0 if values.min() >= 0 else 2.0  # of shares, or of differences of two arms
    lo, hi = np.clip([lo, hi], -most, most)
    return Interval(float(a - b), float(lo), float(hi))
