"""The two ways of ``medgraft explain``: by a map over each sample, or by its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import typer

from medgraft.evidence.compare import FEWEST

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.methods.explain.deletion import Faithfulness
    from medgraft.methods.explain.randomise import Sanity

ALIKE = (0.3, 0.7)  # rank correlations below which maps are another, and from which they are the same
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
    """Return facts and pictures of samples that a network reads."""
    from medgraft.methods.explain.attribute import attribute
    from medgraft.methods.explain.deletion import deletion
    from medgraft.methods.explain.draw import draw, place_in_words
    from medgraft.methods.explain.frame import opened
    from medgraft.methods.explain.randomise import randomise
    from medgraft.methods.explain.registry import explanations
    from medgraft.methods.explain.scores import scores_of

    scores = scores_of(model)
    if method == "auto":
        method = scores.usual
    if faithful:
        _few(some)
    way = explanations[method]
    paths = [str(path) for path in model.input(some)[scores.kind]]
    found = attribute(model, paths, method=method, target=target)
    table = model.table(some) if not model.aggregates(some) else None
    facts: dict[str, Any] = {"method": method, "samples": [], "notes": []}
    pictures: dict[str, bytes] = {}
    for i, (path, name, one) in enumerate(zip(paths, names, found, strict=True)):
        about = f"'{one.target}'" if one.target is not None else "the value"
        caption = f"{name}\n{way.title} for {about} (score {one.score:.3g})"
        sample, shape = opened(scores, path), one.values.shape
        file = f"sample-{i + 1}.png"
        pictures[file] = draw(scores, sample, one, caption, way.unit)
        at = tuple(int(k) for k in np.unravel_index(int(np.argmax(one.values)), shape))
        where = place_in_words(scores, sample, at, shape)
        sentence = f"{way.title} for {about}: the strongest place is {where}."
        told = {
            "sample": name,
            "target": one.target,
            "score": one.score,
            "strongest": list(at),
            "facts": one.facts,
            "picture": file,
            "sentence": sentence if one.values.max() > 0 else f"{way.title}: nothing spoke for {about}.",
        }
        if table is not None:
            told["prediction"] = table["prediction"].tolist()[i]
        facts["samples"].append(told)
    if scores.shown == "omics":
        features = scores.preprocess.given.features
        rows = [
            pd.DataFrame({"sample": n, "column": features, "value": one.values})
            for n, one in zip(names, found, strict=True)
        ]
        pictures["values.csv"] = pd.concat(rows).to_csv(index=False).encode()
    if faithful:
        group = None if some.group is None else some.groups
        tested = deletion(model, paths, {method: found}, group=group)[method]
        sanity = randomise(model, paths, method=method, target=target)
        facts["faithfulness"], facts["sanity"] = tested.to_dict(), sanity.to_dict()
        facts["notes"] += _tested(tested, sanity, sum(not np.ptp(one.grid) for one in found))
    facts["notes"].append("A map shows what the model looked at, not whether it was right to.")
    return facts, pictures


def _few(some: Cohort) -> None:
    """Say beforehand that so few patients give no verdict: the test takes minutes."""
    n = some.n if some.group is None else len(np.unique(some.groups))
    if n < FEWEST:
        typer.echo(
            f"medgraft: --faithful gives no verdict on {n} of the {FEWEST} patients that it needs: name more "
            "with --sample, or read its figures as those of an example.",
            err=True,
        )


def _tested(tested: Faithfulness, sanity: Sanity, empty: int) -> list[str]:
    """Say what deletion and a network that forgot found."""
    facts, d = tested.to_dict(), tested.deletion
    words = {
        "helps": "what the map calls important matters more to the model than random places",
        "harms": "what the map calls important matters less to the model than random places",
        "inconclusive": "whether the map is better than random places is open",
    }
    span = f" (95 % interval {d.lo:+.3f} to {d.hi:+.3f})" if np.isfinite([d.lo, d.hi]).all() else ""
    told = words[d.verdict] if d.n_differ >= FEWEST else f"no verdict is possible under {FEWEST} patients"
    said = (
        f"Deletion: as the strongest places are taken away the area under the model's score is "
        f"{facts['deletion_area']:.3f}, and {facts['random_deletion_area']:.3f} for random places; the "
        f"difference is {d.difference:+.3f}{span}, below 0 where the map is right. Of "
        f"{d.n_groups} {'patient' if d.n_groups == 1 else 'patients'}: {told}."
    )
    return [said, _forgot(sanity, empty)]


def _forgot(sanity: Sanity, empty: int) -> str:
    """Read the correlation of maps with those of a network that forgot."""
    if empty == sanity.correlation.shape[1]:
        return "Sanity: the maps are empty, so that there is nothing to compare."
    head, whole = (float(sanity.correlation[k].mean()) for k in (0, -1))
    if abs(whole) < ALIKE[0]:
        read = "the map changes as the network forgets, as it should"
    elif abs(whole) < ALIKE[1]:
        read = "part of the map stays when the network has forgotten all: that part is the sample's own"
    else:
        read = (
            "the map hardly changes when the network has forgotten all: it shows the sample, and not what "
            "was learnt"
        )
    return (
        "Sanity: the map's rank correlation with that of a network whose weights were shuffled is "
        f"{head:.2f} (the head alone) and {whole:.2f} (all of it), where 1 is the same map: {read}."
    )


def columns_explained(
    model: Any,
    some: Cohort,
    names: list[str],
    background: Cohort,
    method: str,
    target: str | None,
    given: bool,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return facts and pictures of rows of a table, or of what views make of samples."""
    from medgraft.methods.explain.columns import ColumnModel
    from medgraft.methods.explain.pictures import bars
    from medgraft.methods.explain.registry import explanations

    columns = ColumnModel.of(model)
    group = None if background.group is None else background.groups
    # Views make of an array as many columns as they like: what has no formula is not guessed at for minutes.
    more = {} if columns.views is None else {"estimate": False}
    found = explanations[method].run(model, some, background, target=target, group=group, **more)
    frame = columns.frame(some)
    unit = UNITS[found.unit]
    facts: dict[str, Any] = {"method": method, "way": found.way, "unit": unit, "samples": [], "notes": []}
    pictures, rows = {}, []
    files = set() if model.manifest["kind"] == "table" or columns.views is not None else set(some.media)
    for i, name in enumerate(names):
        shown = [_own(frame, found, i, k, files) for k in range(len(found.columns))]
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


def _own(frame: pd.DataFrame, found: Any, i: int, k: int, files: set[str]) -> str:
    """Return a column with the row's own value: ``age = 63``; of a block, or of files, its name alone."""
    mine = np.flatnonzero(found.block == k)
    if len(mine) > 1 or str(frame.columns[mine[0]]) in files:
        return str(found.columns[k])
    value: Any = frame.iloc[i, int(mine[0])]
    text = "missing" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{found.columns[k]} = {text if len(text) < 40 else text[-38:]}"
