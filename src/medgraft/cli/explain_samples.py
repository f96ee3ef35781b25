"""The two ways of ``medgraft explain``: by a map over each sample, or by its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medgraft.cli.explain import WORDS

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.methods.explain.deletion import Faithfulness
    from medgraft.methods.explain.randomise import Sanity

TOP = 15  # columns that are told in words and in JSON; all are in values.csv
UNITS = {
    "log-odds": "log-odds",
    "score": "score before the softmax",
    "chance": "probability",
    "value": "units of the label",
}


def maps_explained(
    model: Any, some: Cohort, names: list[str], method: str, target: str | None, faithful: bool
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return facts and pictures of images or volumes."""
    from medgraft.methods.explain.attribute import attribute
    from medgraft.methods.explain.deletion import deletion
    from medgraft.methods.explain.frame import opened
    from medgraft.methods.explain.pictures import over_image, over_volume
    from medgraft.methods.explain.randomise import randomise
    from medgraft.methods.explain.scores import scores_of

    scores = scores_of(model)
    if method == "auto":
        method = "occlusion" if scores.rough else "grad-cam"
    paths = [str(path) for path in model.input(some)[scores.kind]]
    found = attribute(model, paths, method=method, target=target)
    table = model.table(some) if not model.aggregates(some) else None
    facts: dict[str, Any] = {"method": method, "samples": [], "notes": []}
    pictures: dict[str, bytes] = {}
    for i, (path, name, one) in enumerate(zip(paths, names, found, strict=True)):
        about = f"'{one.target}'" if one.target is not None else "the value"
        caption = f"{name}\n{WORDS[method]} for {about} (score {one.score:.3g})"
        unit = "share of attention" if method == "rollout" else "what spoke for it, in scores"
        draw: Any = over_image if scores.kind == "image" else over_volume
        file = f"sample-{i + 1}.png"
        pictures[file] = draw(opened(scores.kind, path), one.values, caption, unit)
        at = np.unravel_index(int(np.argmax(one.values)), one.values.shape)
        sentence = f"{WORDS[method]} for {about}: the strongest place is {_place(at, one.values.shape)}."
        told = {
            "sample": name,
            "target": one.target,
            "score": one.score,
            "strongest": [int(a) for a in at],
            "facts": one.facts,
            "picture": file,
            "sentence": sentence if one.values.max() > 0 else f"{WORDS[method]}: nothing spoke for {about}.",
        }
        if table is not None:
            told["prediction"] = table["prediction"].tolist()[i]
        facts["samples"].append(told)
    if faithful:
        group = None if some.group is None else some.groups
        tested = deletion(model, paths, {method: found}, group=group)[method]
        sanity = randomise(model, paths, method=method, target=target)
        facts["faithfulness"], facts["sanity"] = tested.to_dict(), sanity.to_dict()
        facts["notes"] += _tested(tested, sanity)
    facts["notes"].append("A map shows what the model looked at, not whether it was right to.")
    return facts, pictures


def _tested(tested: Faithfulness, sanity: Sanity) -> list[str]:
    """Say what deletion and a network that forgot found."""
    facts, d = tested.to_dict(), tested.deletion
    words = {"helps": "the map is better", "harms": "the map is worse", "inconclusive": "inconclusive"}
    head, whole = (float(sanity.correlation[k].mean()) for k in (0, -1))
    return [
        f"Deletion: the area under the curve is {facts['deletion_area']:.3f}, and "
        f"{facts['random_deletion_area']:.3f} in random order; difference {d.difference:+.3f} (95 % interval "
        f"{d.lo:+.3f} to {d.hi:+.3f}, {d.n_groups} patients): {words[d.verdict]}. {d.note}".rstrip(),
        f"Sanity: with the network randomised the map's rank correlation with itself is {head:.2f} (head "
        f"alone) and {whole:.2f} (all of it).",
    ]


def _place(at: Any, shape: tuple[int, ...]) -> str:
    """Say where a place is, in words for an image and as a voxel in a volume."""
    if len(shape) == 3:
        return f"voxel {tuple(int(a) for a in at)}"
    words = (("upper", "middle", "lower"), ("left", "middle", "right"))
    row, column = (words[k][min(2, int(3 * at[k] / shape[k]))] for k in range(2))
    where = "the middle" if row == column == "middle" else f"{row} {column}"
    return f"{where} (pixel {int(at[1])} from the left, {int(at[0])} from the top)"


def columns_explained(
    model: Any, some: Cohort, names: list[str], background: Cohort, target: str | None, given: bool
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return facts and pictures of rows of a table."""
    from medgraft.methods.explain.pictures import bars
    from medgraft.methods.explain.shap_values import shap_values

    group = None if background.group is None else background.groups
    found = shap_values(model, some, background, target=target, group=group)
    frame = model.input(some)
    unit = UNITS[found.unit]
    facts: dict[str, Any] = {"method": "shap", "way": found.way, "unit": unit, "samples": [], "notes": []}
    pictures, rows = {}, []
    for i, name in enumerate(names):
        shown = [_own(frame, found, i, k) for k in range(len(found.columns))]
        about = f"'{found.targets[i]}'" if found.targets[i] is not None else "the value"
        file = f"sample-{i + 1}.png"
        caption = f"{name}: what moved {about} from {found.base[i]:.3g} to {found.score[i]:.3g} ({unit})"
        pictures[file] = bars(shown, found.values[i], caption, unit)
        order = np.argsort(-np.abs(found.values[i]), kind="stable")
        top = [{"column": found.columns[k], "value": float(found.values[i, k])} for k in order[:TOP]]
        words = ", ".join(f"{shown[k]} ({found.values[i, k]:+.3g})" for k in order[:3])
        facts["samples"].append(
            {
                "sample": name,
                "target": found.targets[i],
                "score": float(found.score[i]),
                "base": float(found.base[i]),
                "columns": top,
                "picture": file,
                "sentence": f"{about} is moved most by {words}.",
            }
        )
        rows.append(
            pd.DataFrame(
                {"sample": name, "column": found.columns, "value": found.values[i], "error": found.error[i]}
            )
        )
    pictures["values.csv"] = pd.concat(rows).to_csv(index=False).encode()
    whose = "the patients of --cohort" if given else "the patients of DATA (give others with --cohort)"
    facts["notes"] += [
        f"Columns are compared with {whose}; values are exact."
        if found.way != "orders"
        else f"Columns are compared with {whose}; values are estimates over random orders.",
        "They tell how the model came to its prediction, not what would happen if a column were changed.",
    ]
    return facts, pictures


def _own(frame: pd.DataFrame, found: Any, i: int, k: int) -> str:
    """Return a column with the row's own value: ``age = 63``; of a block its name alone."""
    mine = np.flatnonzero(found.block == k)
    if len(mine) > 1:
        return str(found.columns[k])
    value: Any = frame.iloc[i, int(mine[0])]
    text = "missing" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{found.columns[k]} = {text if len(text) < 40 else text[-38:]}"
