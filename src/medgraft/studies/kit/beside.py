"""Arms of one trial beside each other: a second question to it, or the arm that its test rows like best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medgraft.evidence import Interval
from medgraft.studies.kit import account
from medgraft.studies.kit.paired import paired
from medgraft.studies.kit.run import Run

if TYPE_CHECKING:
    from medgraft.trial import Result


def against(run: Run, title: str, result: Result, method: str, other: str, *, first: bool = False) -> None:
    """Record what one arm of a trial differs from another of its arms, paired on the same test rows.

    Use it for a study's own question where that is not transfer: good images or many, cleansed or not.

    Parameters
    ----------
    run : Run
    title : str
        Of the experiment that is added.
    result : Result
        Of ``run.trial``.
    method, other : str
        Names of arms; `other` takes the place of the control.
    first : bool, default False
        Make it the headline, where the trial's own control differs from the method in more than transfer.
    """
    gap = paired(result, method, other, run.seed)
    own = {a["name"]: a for a in result.arms}
    run.record(
        title,
        str(result.data["metric"]),
        {arm: account.interval_of(own[arm]) for arm in (method, other)},
        method=method,
        control=other,
        difference=Interval(gap.difference, gap.lo, gap.hi),
        n=int(result.data["n"]),
        unit="rows",
        patients=int(result.data.get("n_patients") or result.data["n"]),
        greater_is_better=result.data["better"] == "higher",
        verdict=gap.verdict,
        why=gap.note,
    )
    if first:
        run.experiments.insert(0, run.experiments.pop())


def best_on_test(run: Run, result: Result, arms: Sequence[str]) -> str:
    """Make the arm that did best on the test rows the study's own of the last trial, and return it.

    That is the leak of a sweep whose winner is told with the figure that it won by: only under
    ``as_published``. An honest choice is that of ``+tuned``, made on inner splits.

    Parameters
    ----------
    run : Run
        Whose last experiment is that of `result`.
    result : Result
    arms : sequence of str
        Those of the sweep.
    """
    sign = 1 if result.data["better"] == "higher" else -1
    value = {a["name"]: sign * a["value"] for a in result.arms if a["value"] is not None}
    best = max((arm for arm in arms if arm in value), key=value.__getitem__)
    last = run.experiments[-1]
    run.experiments[-1] = last | account.of_trial(last["title"], Path(last["folder"]), result, best, run.seed)
    return best
