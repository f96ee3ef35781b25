"""Two runs side by side, and a paired difference where the same patients were tested in the same folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medgraft.base import MedgraftError
from medgraft.evidence import Comparison, as_metric, compare, sentence
from medgraft.report import story, words
from medgraft.report.html import environment, style, write
from medgraft.report.plots import Plot, Row, forest
from medgraft.report.read import read_run
from medgraft.report.sections.arrays import Arrays, arrays
from medgraft.report.view import View, ends


def build_versus(first: str | Path, second: str | Path) -> Path:
    """Write a page that lays two runs side by side.

    Use it to ask whether another source, more labels or another setting changed anything. Not to pick the
    best of many runs: its interval knows nothing of the others.

    Parameters
    ----------
    first, second : path
        Two run folders of the same task. The difference is the second's delivered arm minus the first's.

    Returns
    -------
    Path
        ``comparison.html`` in the second folder.

    Raises
    ------
    MedgraftError
        A folder holds no finished run, or the tasks or metrics differ.

    Examples
    --------
    >>> build_versus("no-such-run", "another")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: There is no folder 'no-such-run': give a folder that a trial wrote.
    """
    folders = Path(first), Path(second)
    views = [View(read_run(f)) for f in folders]
    names = _names(folders)
    for key in ("task", "metric"):
        a, b = (v.data[key] for v in views)
        if a != b:
            raise MedgraftError(
                f"The runs cannot be compared: the {key} of '{names[0]}' is {a}, that of '{names[1]}' {b}; "
                "run one of them again."
            )
    paired, why = _paired(views)
    page = (
        environment()
        .get_template("versus.html.j2")
        .render(
            css=style(),
            names=names,
            rows=_differing(views),
            plot=_values(views, names),
            paired=_told(paired, names, views) if paired else "",
            why=why,
        )
    )
    path = folders[1] / "comparison.html"
    write(path, page)
    return path


def _names(folders: tuple[Path, Path]) -> list[str]:
    whole = [f.resolve() for f in folders]
    short = [f.name for f in whole]
    return short if short[0] != short[1] else [f"{f.parent.name}/{f.name}" for f in whole]


def _paired(views: list[View]) -> tuple[Comparison | None, str]:
    """Return the second's delivered arm minus the first's, or why there is no such difference."""
    one, two = (arrays(v.run, v.delivered) for v in views)
    if one is None or two is None:
        return None, "A run lacks its predictions."
    marks = [(v.data.get("cohort") or {}).get("tested") for v in views]
    if None in marks or marks[0] != marks[1]:
        return None, "They did not test the same patients: the figures stand side by side, that is all."
    if not _same_places(one, two):
        return None, "They tested the same patients in other folds or repeats: give both the same --seed."
    metric = as_metric(views[0].data["metric"])
    return compare(metric, one.y, two.p, one.p, **one.where), ""


def _same_places(one: Arrays, two: Arrays) -> bool:
    """Whether the rows stand in the same order: source rows before the target's shift numbers, not ranks."""
    ranks = [np.unique(a.group, return_inverse=True)[1] for a in (one, two)]
    pairs = [(one.repeat, two.repeat), (one.fold, two.fold), (one.y, two.y), (ranks[0], ranks[1])]
    return all(np.array_equal(a, b) for a, b in pairs)


def _told(c: Comparison, names: list[str], views: list[View]) -> str:
    arms = [f"{v.delivered} of {n}" for v, n in zip(views, names, strict=True)]
    return sentence(arms[1], c, as_metric(views[0].data["metric"]), c.n_groups, control=arms[0])


def _differing(views: list[View]) -> list[tuple[str, str, str, bool]]:
    """Return (what, first, second, whether they differ) of questions, designs and verdicts."""
    facts = [
        {
            "Question": str(v.data.get("question") or ""),
            "Verdict": str(v.data["verdict"]),
            "Delivered": v.delivered,
            "Patients tested": words.count(v.data.get("n_patients") or v.data.get("n")),
            **dict(story.design(v.run)),
            "Command": str(v.data.get("command") or ""),
            "medgraft": str((v.data.get("versions") or {}).get("medgraft", "")),
        }
        for v in views
    ]
    keys = dict.fromkeys([*facts[0], *facts[1]])
    return [(k, a, b, a != b) for k in keys for a, b in [(facts[0].get(k, ""), facts[1].get(k, ""))]]


def _values(views: list[View], names: list[str]) -> Plot:
    rows = []
    for view, name in zip(views, names, strict=True):
        for a in view.data["arms"]:
            lo, hi = ends(a)
            marks = {view.data["control"]: "control", view.delivered: "delivered"}
            mark = marks.get(a["name"], "arm")
            text = f"{words.number(a.get('value'), view.places[0])}  ({words.span((lo, hi), view.places[0])})"
            rows.append(Row(f"{name}: {a['name']}", a.get("value"), lo, hi, text, mark, mark == "delivered"))
    label = views[0].metric["label"]
    spoken = "; ".join(f"{r.name}: {r.text}" for r in rows)
    return forest(
        "versus",
        f"Forest plot of {label} with 95 % intervals, of two runs. {spoken}.",
        rows,
        xlabel=f"{label} ({views[0].metric['better']} is better)",
        reference=None,
        reference_label="",
    )
