"""One fit: an arm on one split. Its predictions are the atoms of a trial and what resuming keeps."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from medgraft.cohort import Split
from medgraft.methods import Guarded
from medgraft.trial.outlines import figures


@dataclass
class Outcome:
    """What one fit gave: predictions on the test rows, what it cost, what it has to say.

    Of masks `p` holds the figures that `medgraft.trial.outlines.columns` names, (n, m).
    """

    rows: np.ndarray
    p: np.ndarray
    cpu_seconds: float
    wall_seconds: float
    facts: dict[str, Any] = field(default_factory=dict)
    masks: list[np.ndarray] | None = None  # predicted, where examples are to be drawn

    def write(self, path: Path) -> None:
        """Write to `path` in one step, so that a kill leaves either all of it or nothing."""
        meta = json.dumps({"cpu": self.cpu_seconds, "wall": self.wall_seconds, "facts": self.facts})
        partial = path.with_suffix(f".{os.getpid()}.tmp")
        with partial.open("wb") as file:
            save = np.savez if self.masks is None else np.savez_compressed
            masks: dict[str, Any] = {f"mask_{i}": mask for i, mask in enumerate(self.masks or ())}
            save(file, rows=self.rows, p=self.p, meta=np.array(meta), **masks)
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read what :meth:`write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(str(file["meta"]))
            masks = [file[f"mask_{i}"] for i in range(len(file["rows"]))] if "mask_0" in file else None
            return cls(file["rows"], file["p"], meta["cpu"], meta["wall"], meta["facts"], masks)


@dataclass(frozen=True)
class TrainingData:
    """The arrays that every fit of a trial slices."""

    X: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray | None  # patients, where they are known; else methods keep copies of a row together
    domains: np.ndarray | None
    target: str | None
    n_classes: int | None
    protected: pd.DataFrame | None = None  # attributes for the guard, which no arm learns from
    outlines: tuple[int, ...] | None = None  # values of the masks, where these are the label
    blocks: np.ndarray | None = None  # of a time-ordered trial: what inner splits may not tear apart
    keep_masks: bool = False  # the predicted ones, to draw examples of

    def target_of(self, split: Split) -> str | None:
        """Return the target domain of a split; in a time-ordered trial the patient whose records it tests."""
        if self.blocks is None or self.domains is None:
            return self.target
        own = split.test if len(split.test) else split.labelled
        return str(self.domains[own[0]])


def seed_of(seed: int, *parts: object) -> int:
    """Return a seed that depends on the parts alone, the same on every machine and in every order."""
    text = json.dumps([seed, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % (2**31)


def fit(estimator: Any, data: TrainingData, split: Split, threads: int | None = None) -> Any:
    """Fit on the training part of a split; labels that may not be used are not handed over.

    The label of an unlabelled row is replaced by that of a labelled one before the method sees it,
    so that even a method that wrongly read it would learn nothing.
    """
    rows = np.concatenate([split.labelled, split.unlabelled]).astype(int)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    labelled = np.concatenate([np.ones(len(split.labelled), bool), np.zeros(len(split.unlabelled), bool)])[
        order
    ]
    y = data.y[rows].copy()
    if not labelled.all() and labelled.any():
        y[~labelled] = y[labelled][0]
    keywords: dict[str, Any] = {"labelled": labelled}
    if data.groups is not None:
        keywords["groups"] = data.groups[rows]
    target = data.target_of(split)
    if data.domains is not None and target is not None:
        keywords |= {"domain": data.domains[rows], "target": target}
        if data.blocks is not None and data.groups is not None:
            # The target is one patient, whose stretches of time stand for patients.
            own = data.domains[rows] == target
            keywords["groups"] = np.where(own, -1 - data.blocks[rows], data.groups[rows])
    if data.protected is not None and isinstance(estimator, Guarded):
        keywords["subgroups"] = data.protected.iloc[rows]
    with threadpool_limits(threads):
        return estimator.fit(data.X.iloc[rows], y, **keywords)


def predict(
    estimator: Any, data: TrainingData, rows: np.ndarray, masks: list[np.ndarray] | None = None
) -> np.ndarray:
    """Return probabilities (n, K) over all classes of the trial, values (n,), or figures of masks (n, m).

    `masks` takes the predicted masks, where it is given.
    """
    X = data.X.iloc[rows]
    if data.outlines is not None:
        return figures(estimator, X, data.y[rows].tolist(), data.outlines, masks)
    if data.n_classes is None:
        return np.asarray(estimator.predict(X), dtype=float)
    known = np.asarray(estimator.predict_proba(X), dtype=float)
    if data.y.ndim == 2:  # a probability for each of several labels
        return known
    p = np.zeros((len(rows), data.n_classes))
    p[:, np.asarray(estimator.classes_, dtype=int)] = known  # a class absent from training keeps 0
    return p


def run_task(
    estimator: Any, data: TrainingData, split: Split, threads: int | None = None
) -> tuple[Outcome, Any]:
    """Fit, predict the test rows, and measure both.

    Parameters
    ----------
    threads : int, optional
        Threads of the linear algebra libraries; a fixed number makes figures independent of how
        many jobs run side by side.

    Returns
    -------
    outcome : Outcome
    estimator
        Fitted.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    fitted = fit(estimator, data, split, threads)
    masks: list[np.ndarray] | None = [] if data.keep_masks else None
    with threadpool_limits(threads):
        p = predict(fitted, data, split.test, masks)
    outcome = Outcome(
        split.test, p, time.process_time() - cpu, time.perf_counter() - wall, facts(fitted), masks
    )
    return outcome, fitted


def facts(fitted: Any) -> dict[str, Any]:
    """Return what a fitted estimator reports of itself, for the report (JSON-able)."""
    said = dict(getattr(fitted, "report_", {}))
    note = getattr(fitted, "note_", "")
    return said | ({"notes": [note]} if note else {})
