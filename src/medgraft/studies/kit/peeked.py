"""A trial whose method is the setting that does best on the test rows: a leak, done on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medgraft.cohort import Cohort
from medgraft.studies.kit import beside
from medgraft.studies.kit.run import Run
from medgraft.trial import Result


def best_on_test(
    run: Run, title: str, cohort: Cohort, arms: Sequence[str], among: Sequence[str], **settings: Any
) -> Result:
    """Run a trial of `arms`, and record the best of `among` as its method; see `beside.best_on_test`."""
    result = run.trial(title, cohort, arms, method=among[0], **settings)
    beside.best_on_test(run, result, among)
    return result
