"""Two test samples with their outlines, as pictures: only where the user asks, since they show patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.media import open_sample

if TYPE_CHECKING:
    from PIL import Image

    from medgraft.trial.assemble import Outcomes
    from medgraft.trial.result import Result
    from medgraft.trial.trial import Trial

FOLDER = "examples"
_TRUE, _PREDICTED = (0, 200, 255), (255, 140, 0)  # blue and orange: told apart by the colour-blind, too
_SIDE = 360  # pixels of the longer side of a panel, at least


def draw_examples(trial: Trial, outcomes: Outcomes, result: Result, out: Path) -> None:
    """Draw the median and the worst test sample of the delivered arm, and say so in the result.

    Of the first repeat and the headline budget, ordered by Dice. A resumed run that was begun without
    examples has no masks of its finished fits; there nothing is drawn.
    """
    head, frame = trial.design.headline, result.predictions
    own = frame[(frame["arm"] == result.chosen) & (frame["budget"] == head)]
    own = own[own["repeat"] == own["repeat"].min()].sort_values(["dice", "row"], kind="stable")
    masks: dict[int, Any] = {}
    for (name, s), o in outcomes.items():
        split = trial.splits[s]
        if name == result.chosen and split.budget == head and split.repeat == own["repeat"].iloc[0]:
            masks |= dict(zip(o.rows.tolist(), o.masks or (), strict=False))
    shown = []
    for what, row in (("median", own.iloc[(len(own) - 1) // 2]), ("worst", own.iloc[0])):
        mask = masks.get(int(row["row"]))
        if mask is None:
            return
        (out / FOLDER).mkdir(exist_ok=True)
        name = f"{FOLDER}/{what}.png"
        picture(trial, int(row["row"]), mask).save(out / name)
        shown.append({"file": name, "what": what, "arm": result.chosen, "dice": float(row["dice"])})
    result.data["examples"] = shown


def picture(trial: Trial, row: int, mask: NDArray[Any]) -> Image.Image:
    """Return a sample beside itself with the true outline (blue) and the predicted one (orange)."""
    from PIL import Image

    data = trial.arrays
    kind = str(data.X.columns[0])
    sample: Any = open_sample(kind, str(data.X[kind].iloc[row]))
    truth: Any = open_sample("mask", data.y[row])
    if kind == "image":
        grey = np.asarray(sample.convert("RGB"))
    else:
        truth, mask, grey = _slice(truth, mask, sample.values)
    times = max(1, -(-_SIDE // max(truth.shape)))
    plain, truth, mask = (
        np.kron(a, np.ones((times, times, 1)[: a.ndim], a.dtype)) for a in (grey, truth, mask)
    )
    drawn = plain.copy()
    for values, colour in ((truth, _TRUE), (mask, _PREDICTED)):
        drawn[_borders(values)] = colour
    gap = np.full((len(plain), 8, 3), 255, np.uint8)
    return Image.fromarray(np.concatenate([plain, gap, drawn], axis=1).astype(np.uint8))


def _slice(truth: NDArray[Any], mask: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Return the axial slice with most to outline, front above: both masks, and grey values (h, w, 3)."""
    area = [np.count_nonzero(m, axis=(0, 1)) for m in (truth, mask)]
    k = int((area[0] if area[0].any() else area[1]).argmax())
    low, high = np.percentile(values[np.isfinite(values)], [0.5, 99.5])
    grey = np.clip((np.nan_to_num(values[..., k]) - low) / ((high - low) or 1), 0, 1) * 255
    shown = (a.T[::-1] for a in (truth[..., k], mask[..., k], np.rint(grey).astype(np.uint8)))
    truth, mask, grey = shown
    return truth, mask, np.repeat(grey[..., None], 3, axis=2)


def _borders(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the two outermost pixels of every class."""
    from scipy.ndimage import binary_erosion

    found = np.zeros(values.shape, bool)
    for k in np.unique(values[values != 0]):
        found |= (values == k) & ~binary_erosion(values == k, iterations=2)
    return found
