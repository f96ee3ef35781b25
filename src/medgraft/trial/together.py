"""A trial in several processes that train networks together: one leads and writes, the others follow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from medgraft.methods.finetune import ranks
from medgraft.trial.progress import Progress
from medgraft.trial.result import Result
from medgraft.trial.work import run_tasks

if TYPE_CHECKING:
    from medgraft.trial.plan import Plan
    from medgraft.trial.trial import Trial


def follow(trial: Trial) -> Result:
    """Take part in the training of a trial that the first process leads; write nothing that stays.

    Every call here answers one of the leader's in ``Trial.run``: the plan, whether an earlier run is
    finished, each decision and outcome of `run_tasks`, and the result.
    """
    plan: Plan = ranks.same(None)  # type: ignore[arg-type, assignment]
    if not ranks.same(False):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "partial").mkdir()
            run_tasks(trial, Path(folder), plan, Progress(False))
    result: Result = ranks.same(None)  # type: ignore[arg-type, assignment]
    return result
