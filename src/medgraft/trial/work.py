"""The work of a trial: every arm on every split, in processes, within a budget, kept as it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.cohort import Split
from medgraft.trial.arms import Arm
from medgraft.trial.deliver import keep, kept
from medgraft.trial.plan import Plan
from medgraft.trial.progress import Progress
from medgraft.trial.tasks import Outcome, TrainingData, run_task

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial

ALONE = 5.0  # CPU seconds of an arm that one process does as soon as several have started


def run_tasks(
    trial: Trial, out: Path, plan: Plan, progress: Progress
) -> tuple[dict[tuple[str, int], Outcome], list[str]]:
    """Run what is not yet done; return outcomes by (arm, split number) and the arms left out."""
    outcomes: dict[tuple[str, int], Outcome] = {}
    skipped: list[str] = []
    spent = 0.0
    predicted = {row["name"]: row["cpu_seconds"] for row in plan.arms}
    with (
        progress.bar("Arms", len(trial.arms) * len(trial.splits)) as step,
        (out / "log.jsonl").open("a") as log,
    ):
        for number, a in enumerate(trial.arms):
            over = trial.budget is not None and spent + predicted[a.name] > trial.budget
            if over and a.name != trial.control:
                skipped.append(a.name)
                continue
            jobs = trial.jobs if predicted[a.name] > ALONE else 1
            for s, outcome in _arm_outcomes(trial, number, a, out, progress, jobs):
                outcomes[a.name, s] = outcome
                spent += outcome.cpu_seconds
                split = trial.splits[s]
                event = {
                    "arm": a.name,
                    "repeat": split.repeat,
                    "fold": split.fold,
                    "budget": split.budget,
                }
                log.write(json.dumps(event | {"cpu_seconds": round(outcome.cpu_seconds, 4)}) + "\n")
                log.flush()
                step(a.name)
    return outcomes, skipped


def _arm_outcomes(
    trial: Trial, number: int, a: Arm, out: Path, progress: Progress, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    todo = []
    for s in range(len(trial.splits)):
        path = out / "partial" / f"{number:02d}-{s:04d}.npz"
        if path.exists():
            yield s, Outcome.read(path)
        else:
            todo.append((s, path))
    single = len(trial.splits) == 1
    if trial.bench.kind == "table" and jobs != 1 and len(todo) > 1:
        from joblib import Parallel, delayed

        work = (
            delayed(_job)(trial.build(a, trial.splits[s]), trial.arrays, trial.splits[s], s) for s, _ in todo
        )
        paths = dict(todo)
        for s, outcome in Parallel(n_jobs=jobs, return_as="generator_unordered")(work):
            outcome.write(paths[s])
            yield s, outcome
        return
    for s, path in todo:
        estimator = trial.build(a, trial.splits[s])
        progress.attach(estimator)
        outcome, fitted = run_task(estimator, trial.arrays, trial.splits[s], trial.threads)
        if single:  # the very model that is scored here is the one delivered
            keep(trial, kept(out, number), a, fitted, all_rows=False)
        outcome.write(path)
        yield s, outcome


def _job(estimator: Any, data: TrainingData, split: Split, s: int) -> tuple[int, Outcome]:
    return s, run_task(estimator, data, split, threads=1)[0]
