"""The work of a trial: every arm on every split, in processes, within a budget, kept as it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.cohort import Split
from medgraft.methods.finetune import ranks
from medgraft.trial.arms import Arm, trains_network
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
            over = ranks.same(trial.budget is not None and spent + predicted[a.name] > trial.budget)
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
    """Yield the outcome of each split; of arms without networks the first process does all the work."""
    if ranks.world() == 1 or _trains(trial, a):
        yield from _outcomes(trial, number, a, out, progress, jobs if ranks.world() == 1 else 1)
        return
    own = _outcomes(trial, number, a, out, progress, jobs)
    for _ in trial.splits:
        done = None
        if ranks.rank() == 0:
            with ranks.alone():
                done = next(own)
        yield ranks.same(done)  # type: ignore[misc]


def _trains(trial: Trial, a: Arm) -> bool:
    """Whether a fit of the arm may train a network."""
    nests = trial.bench.kind != "table" and a.entry.family in ("guard", "ensemble")
    return trains_network(a) or a.entry.family == "segment" or nests


def _outcomes(
    trial: Trial, number: int, a: Arm, out: Path, progress: Progress, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    places = {s: out / "partial" / f"{number:02d}-{s:04d}.npz" for s in range(len(trial.splits))}
    done = ranks.same({s: Outcome.read(path) for s, path in places.items() if path.exists()})
    yield from done.items()
    todo = [(s, path) for s, path in places.items() if s not in done]
    single = len(trial.splits) == 1
    # Networks need memory: their splits are spread only where a number of processes is named.
    if (jobs > 1 or (jobs != 1 and trial.bench.kind == "table")) and len(todo) > 1:
        paths = dict(todo)
        for s, outcome in _spread(trial, a, list(paths), progress, jobs):
            outcome.write(paths[s])
            yield s, outcome
        return
    for s, path in todo:
        estimator = trial.build(a, trial.splits[s])
        progress.attach(estimator)
        outcome, fitted = run_task(estimator, trial.arrays, trial.splits[s], trial.threads)
        if single and ranks.rank() == 0:  # the very model that is scored here is the one delivered
            keep(trial, kept(out, number), a, fitted, all_rows=False)
        outcome.write(path)
        yield s, outcome


def _spread(
    trial: Trial, a: Arm, todo: list[int], progress: Progress, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    """Fit an arm's splits in processes, which joblib's backend may have on other computers."""
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    before, cores = 0.0, None
    if trial.bench.kind != "table":
        import torch

        # As many threads as here, since what adapts its BatchNorm sums in an order that depends on them.
        before, cores = _features_first(trial, a, progress), torch.get_num_threads()
    unordered = getattr(get_active_backend()[0], "supports_return_generator", False)
    work = (
        delayed(_job)(trial.build(a, trial.splits[s]), trial.arrays, trial.splits[s], s, trial.threads, cores)
        for s in todo
    )
    for s, outcome in Parallel(n_jobs=jobs, return_as="generator_unordered" if unordered else "list")(work):
        outcome.cpu_seconds += before  # the features are paid for once
        before = 0.0
        yield s, outcome


def _features_first(trial: Trial, a: Arm, progress: Progress) -> float:
    """Put the frozen features that an arm reads into the store, by one process; return its CPU seconds."""
    if trial.network is None or a.method in ("scratch", "majority") or a.entry.family == "segment":
        return 0.0
    from medgraft.methods.finetune.features import BackboneFeatures

    start = time.process_time()
    featuriser = BackboneFeatures(trial.network, device=trial.bench.device)
    progress.attach(featuriser)
    rows = np.unique(np.concatenate([np.r_[s.labelled, s.unlabelled, s.test] for s in trial.splits]))
    featuriser.transform(trial.arrays.X.iloc[rows.astype(int)])
    return time.process_time() - start


def _job(
    estimator: Any, data: TrainingData, split: Split, s: int, threads: int | None, cores: int | None
) -> tuple[int, Outcome]:
    if cores is not None:
        import torch

        torch.set_num_threads(cores)
    return s, run_task(estimator, data, split, threads)[0]
