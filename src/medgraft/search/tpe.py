"""Optuna's tree-structured Parzen estimator, if it is installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.search.registry import Found, Meter, Objective, search
from medgraft.search.space import Space


@search("optuna-tpe", refs=("Akiba et al. 2019, doi:10.1145/3292500.3330701",))
def optuna_tpe(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    """Optuna's tree-structured Parzen estimator, on the same unit cube as the others.

    Use it where a call is dear and the budget some tens. It needs the package optuna.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Raises
    ------
    MedgraftError
        Optuna is not installed.
    """
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        raise MedgraftError("optuna-tpe needs optuna: install it with 'pip install optuna'.") from None
    meter = Meter(f, space, budget, start)
    names = [f"u{j}" for j in range(space.d)]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    if meter.start is not None:
        study.enqueue_trial(dict(zip(names, meter.start.tolist(), strict=True)))
    for _ in range(meter.budget):
        trial = study.ask()
        value = meter(np.array([trial.suggest_float(name, 0.0, 1.0) for name in names]))
        study.tell(trial, min(value, 1e300))
    return meter.found()
