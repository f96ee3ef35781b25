"""What the delivered model goes by: columns of a table, or, where the user asks, maps over two samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.media import ARRAYS
from medgraft.graft import load
from medgraft.trial.examples import FOLDER
from medgraft.trial.withhold import withhold

if TYPE_CHECKING:
    from medgraft.graft import Graft
    from medgraft.trial.result import Result
    from medgraft.trial.trial import Trial

ROWS, BACKGROUND = 40, 30  # explained, and compared with: seconds, also for a forest
TOP = 15
_TASKS = ("binary", "multiclass", "ordinal", "regression")


def explain(trial: Trial, result: Result, out: Path) -> None:
    """Add to the result what its graft goes by: ``explanation``, and with examples their pictures.

    Of a table, and of what views make of signals, sequences or omics, the mean size of what each column adds
    to the predictions of tested patients (Shapley values). The graft may have learnt from them: this is what
    the model does, not how well. Where it cannot be told, a sentence says why.
    """
    if trial.task not in _TASKS or not (out / "graft").exists():
        return
    kind = trial.design.data.kind
    try:
        if kind == "table" or kind in ARRAYS:
            result.data["explanation"] = _columns(trial, load(out / "graft"))
        elif kind == "image" and trial.examples:
            result.data["examples"] = _maps(trial, result, load(out / "graft"), out)
    except MedgraftError as error:  # a model of another kind, or the extra is not installed
        result.data["explanation"] = {"note": withhold(str(error), trial.design.data)}


def _columns(trial: Trial, graft: Graft) -> dict[str, Any]:
    from medgraft.methods.explain.columns import ColumnModel
    from medgraft.methods.explain.shap_values import shap_values

    if trial.design.data.kind in ARRAYS and ColumnModel.of(graft).views is None:
        raise MedgraftError(
            "The model has no columns to tell: of a network, medgraft explain shows what it saw in a sample."
        )
    data, rng = trial.design.data, np.random.default_rng(trial.design.seed)
    tested = np.unique(trial.design.splits.table.query("part == 'test'")["row"].to_numpy())
    first = np.unique(data.groups[tested], return_index=True)[1]  # one row a patient
    own = rng.permutation(tested[first])
    rows, others = own[:ROWS], own[ROWS : ROWS + BACKGROUND]
    if len(others) < 5:
        others = own[:BACKGROUND]
    target = data.classes[-1] if trial.task == "binary" and data.classes else None
    found = shap_values(graft, data.select(rows), data.select(others), target=target, estimate=False)
    size = np.abs(found.values)
    order = np.argsort(-size.mean(axis=0), kind="stable")[:TOP]
    half = 1.96 * size.std(axis=0) / np.sqrt(max(len(rows) - 1, 1))
    told = [(found.columns[k], float(size[:, k].mean()), float(half[k])) for k in order]
    return {
        "columns": [{"name": name, "size": mean, "half": h} for name, mean, h in told],
        "more": max(0, len(found.columns) - TOP),
        "unit": found.unit,
        "way": found.way,
        "patients": len(rows),
        "target": target,
    }


def _maps(trial: Trial, result: Result, graft: Graft, out: Path) -> list[dict[str, Any]]:
    """Draw the surest right and the surest wrong test sample of the delivered arm, each with its map."""
    from medgraft.cohort.images import decode_image
    from medgraft.methods.explain.attribute import attribute
    from medgraft.methods.explain.pictures import over_image

    data, frame = trial.design.data, result.predictions
    own = frame[(frame["arm"] == result.chosen) & (frame["budget"] == trial.design.headline)]
    own = own[own["repeat"] == own["repeat"].min()]
    p = own[[c for c in own.columns if c.startswith("p_")]].to_numpy(dtype=float)
    if not len(p) or p.ndim != 2 or not p.shape[1] or data.classes is None:
        raise MedgraftError("Examples of images show classes, and these have none: leave --examples out.")
    guess, truth = p.argmax(axis=1), own["y_true"].to_numpy()
    shown = []
    for what, which in (("surest right", guess == truth), ("surest wrong", guess != truth)):
        if not which.any():
            continue
        k = int(np.argmax(np.where(which, p.max(axis=1), -1.0)))
        path = str(data.X["image"].iloc[int(own["row"].iloc[k])])
        said = data.classes[guess[k]]
        made = attribute(graft, [path], target=said)[0]
        (out / FOLDER).mkdir(exist_ok=True)
        name = f"{FOLDER}/{what.replace(' ', '-')}.png"
        picture = over_image(decode_image(path), made.values, f"what spoke for '{said}'", "in scores")
        (out / name).write_bytes(picture)
        shown.append(
            {
                "file": name,
                "what": what,
                "arm": result.chosen,
                "predicted": said,
                "true": data.classes[truth[k]],
                "chance": float(p[k].max()),
            }
        )
    return shown
