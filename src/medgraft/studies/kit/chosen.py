"""Settings that were chosen on the rows on which they are then judged: a leak, on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medgraft.cohort import Cohort


def chosen_before(
    cohort: Cohort, arm: str, source: Sequence[Any], *, base: str, metric: str, seed: int = 0
) -> str:
    """Return a fixed arm whose settings were searched on all rows, those among them that figures are of.

    Parameters
    ----------
    cohort : Cohort
    arm : str
        With ranges and ``+tuned``.
    source : sequence
        The networks of the trial.
    base : str
        The arm without ranges, to which the settings that were found are added.
    metric : str
        By which they are chosen: that of the figures.
    seed : int
    """
    from medgraft.trial import Trial

    trial = Trial(cohort, [arm, "majority"], source=source, folds=2, metric=metric, seed=seed)
    made = trial.build(next(a for a in trial.arms if a.name == arm), trial.splits[0])
    rows = trial.arrays
    made.fit(rows.X, rows.y, groups=rows.groups)
    found = ",".join(f"{name}={value!r}" for name, value in made.settings_.items())
    return f"{base}{',' if ':' in base else ':'}{found}"
