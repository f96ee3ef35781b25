"""The setting that does best on the test rows, reported as if it had been known: a leak, done on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medgraft.cohort import Cohort
from medgraft.studies.kit import account
from medgraft.studies.kit.run import Run
from medgraft.trial import Result


def best_on_test(
    run: Run, title: str, cohort: Cohort, arms: Sequence[str], among: Sequence[str], **settings: Any
) -> Result:
    """Run a trial and record as the study's method that arm which did best on the rows that are reported.

    Use it only under ``as_published``: the best of several figures is too rosy. An honest choice is that of
    ``+tuned``, made on inner splits.

    Parameters
    ----------
    run : Run
    title : str
    cohort : Cohort
    arms : sequence of str
        All arms.
    among : sequence of str
        Those to choose from.
    **settings
        Of `Run.trial`.
    """
    result = run.trial(title, cohort, arms, method=among[0], **settings)
    told = run.experiments[-1]
    value = {a["name"]: a["value"] for a in told["arms"] if a["name"] in among}
    best = (max if account.better(told["metric"]) else min)(value, key=value.__getitem__)
    run.experiments[-1] = account.of_trial(title, Path(told["folder"]), result, best)
    return result
