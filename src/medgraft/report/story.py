"""What the page says around the arms: the cohort, the design, the plan, the limits, how to repeat it."""

from __future__ import annotations

from typing import Any

from medgraft.report import words
from medgraft.report.alerts import within_one_site
from medgraft.report.origin import learns_from
from medgraft.report.read import Run
from medgraft.report.view import View
from medgraft.trial.table_one import withheld

Facts = list[tuple[str, str]]

_PLANNED = {
    "load": "Loaded",
    "adapt": "Adapted",
    "freeze": "Frozen",
    "learning_rates": "Learning rates",
    "batchnorm": "BatchNorm",
    "augmentation": "Augmentation",
}


def cohort(run: Run) -> dict[str, Any]:
    """Return the facts of the cohort, and its table of classes by domain (or by training and test)."""
    c = run.result.get("cohort") or {}
    facts: Facts = [("Data", words.plain(c["name"]))] if c.get("name") else []
    groups = c.get("groups")
    facts.append(("Samples", words.count(c.get("rows"))))
    facts.append(("Patients", words.count(groups) if groups is not None else "not given: one sample each"))
    if c.get("features"):
        facts.append(("Features", words.count(c["features"])))
    elif c.get("kind") not in ("table", "omics", None):
        facts.append(("Features", f"{c['kind']}s"))
    if c.get("read_as"):
        facts.append(("Read as", words.plain(c["read_as"])))
    what = words.TASKS.get(run.result["task"], "")
    if run.result["task"] == "binary" and c.get("classes"):
        what += f"; the event is “{c['classes'][-1]}”"
    facts.append(("To predict", f"{words.plain(c.get('label'))} ({what})"))
    if (missing := c.get("missing_fraction")) is not None:
        facts.append(("Missing values", f"{100 * missing:.1f} % of all entries"))
    if c.get("target"):
        facts.append(("Target", words.plain(c["target"])))
    return {"facts": facts, "table": _classes(c, run.result["task"] == "multilabel")}


def sizes(c: dict[str, Any]) -> dict[str, int | None]:
    """Return how many samples each part of a cohort has, None where that is withheld."""
    counts = c.get("class_counts") or {}
    own = c.get("domains") or {part: sum(mine.values()) for part, mine in counts.items()}
    return withheld([{str(k): int(n) for k, n in own.items()}])[0] if own else {}


def _classes(c: dict[str, Any], several: bool) -> dict[str, Any] | None:
    """Return samples of each class by part, held back by the rule of table one."""
    counts, totals = c.get("class_counts") or {}, sizes(c)
    if not totals:
        return None
    classes = [str(k) for k in c.get("classes") or []]
    rows = []
    for part, total in totals.items():
        mine = {} if total is None else _told(counts.get(part) or {}, total, several)
        cells = [_share(mine.get(k), total or 0) for k in classes]
        name = part
        if part in ("training", "test") and not c.get("target"):
            name = "All" if len(totals) == 1 else part.capitalize()
        shown = words.WITHHELD if total is None else words.count(total)
        rows.append({"name": name, "target": part == c.get("target"), "cells": cells, "total": shown})
    return {"classes": classes, "rows": rows}


def _told(counts: dict[str, int], total: int, several: bool) -> dict[str, int | None]:
    """Return the counts that may be told; of several labels each is there or not, by itself."""
    if not counts or not several:
        return withheld([counts])[0] if counts else {}
    return {k: withheld([{"yes": n, "no": total - n}])[0]["yes"] for k, n in counts.items()}


def _share(n: int | None, total: int) -> str:
    if n is None:
        return words.WITHHELD
    return f"{words.count(n)} ({100 * n / total:.0f} %)" if total else words.count(n)


def design(run: Run) -> Facts:
    """Return how the arms were tested, in words."""
    d = run.result.get("design") or {}
    kind = str(d.get("kind") or "")
    how = words.DESIGNS.get(kind, kind).format(folds=d.get("folds") or "several")
    facts: Facts = [("How it was tested", how[:1].upper() + how[1:])] if how else []
    if (repeats := d.get("repeats") or 1) > 1:
        facts.append(("Repeated", f"{repeats} times, each with its own random draw"))
    if labels := d.get("labels_per_class"):
        per = "in all" if run.result["task"] in words.IN_ALL else "of each class"
        given = ", ".join(_budget(n) for n in labels)
        facts.append(("Labels of the target", f"{given} {per}; the others were hidden from every arm"))
    if joined := run.result.get("aggregate"):
        how = words.AGGREGATES.get(str(joined.get("how")), words.plain(joined.get("how")))
        count = words.count(joined.get("rows"))
        facts.append(("One prediction a patient", f"{how[:1].upper()}{how[1:]}; {count} samples were tested"))
    if d.get("grouped") or (run.result.get("cohort") or {}).get("groups") is not None:
        facts.append(("Patients", "All samples of a patient stay on the same side of every split"))
    return facts


def _budget(n: int) -> str:
    return "all" if n < 0 else str(n)


def plan(run: Run) -> dict[str, Any]:
    """Return what each arm did: a table for all, and the details of those that load a network."""
    planned = {p["name"]: p for p in run.plan.get("arms") or [] if isinstance(p, dict) and "name" in p}
    rows, networks = [], []
    for a in run.result["arms"]:
        p = planned.get(a["name"], {})
        rows.append(
            {
                "name": a["name"],
                "source": learns_from(a),
                "settings": words.plain(a.get("settings") or {}) or "defaults",
                "fits": words.count(p.get("fits")),
                "predicted": words.duration(p.get("cpu_seconds")),
                "cpu": words.duration(a.get("cpu_seconds")),
                "notes": [str(n) for n in a.get("notes") or []],
            }
        )
        said: Facts = [(title, words.plain(p[key])) for key, title in _PLANNED.items() if p.get(key)]
        if not p.get("load") and a.get("loading"):
            said.insert(0, ("Loaded", words.plain(a["loading"])))
        if said:
            networks.append({"name": a["name"], "facts": said})
    seconds = run.result.get("seconds") or {}
    return {
        "rows": rows,
        "networks": networks,
        "notes": any(r["notes"] for r in rows),
        "cpu": words.duration(seconds.get("cpu")),
        "wall": words.duration(seconds.get("wall")),
    }


def limits(run: Run) -> list[str]:
    """Return what the figures do not show, for the design at hand."""
    d = run.result.get("design") or {}
    kind, repeats, n_arms = d.get("kind"), d.get("repeats") or 1, len(View(run).counted)
    drawn = (
        ", and had other patients been labelled"
        if d.get("labels_per_class")
        else ", and the split been another"
    )
    said = [
        "Every interval is at 95 %. It says how far a figure might move had other patients of the same kind "
        f"been tested{drawn if repeats > 1 else ''}. "
        "It takes the recruitment, the labels and the settings as given."
    ]
    if repeats > 1:
        said.append(
            "Intervals of calibration, decisions and uncertainty are over patients alone: how much they vary "
            "from one repeat to the next is not in them. Calibration is of all repeats together, where "
            "opposite errors cancel; figures at a threshold and of sets are of the first."
        )
    if repeats == 1:
        said.append(
            "The intervals are conditional on the models as trained here: they do not cover the luck of "
            "which patients the models learnt from."
        )
    said.append(
        "“Inconclusive” does not mean “no difference”: with this many patients the trial cannot tell."
    )
    if n_arms > 1:
        said.append(
            f"{n_arms} arms (yardsticks apart) were compared with the control, each at 95 %. In the table "
            "their number is not corrected for: of twenty arms that change nothing, about one is called "
            "helpful or harmful by chance. Below it, “All at once” corrects for it."
        )
    if kind == "external test":
        said.append(
            "The test patients were separate from the training patients. Whether they resemble yours is for "
            "you to judge."
        )
    elif kind == "leave one domain out":
        said.append(
            "Each domain was new to the models that it tested, but every domain comes from the same "
            "collection of data."
        )
    elif kind == "time-ordered":
        said.append(
            "Each patient's later records were forecast from the earlier ones: the figures hold for patients "
            "of whom records with labels are at hand, and not for new patients."
        )
    else:
        said.append(
            "Not externally validated: training and test patients come from the same collection of data."
        )
    if any(within_one_site(run, f) for f in run.result.get("audit") or [] if isinstance(f, dict)):
        said.append(
            "The label is more frequent at some sites than at others. At the one site that was tested this "
            "makes no arm look better, but what the other sites teach may put its probabilities too high or "
            "too low: see the section on calibration."
        )
    said.append(
        "The data were collected before the question was asked. Before a model guides care, test it "
        "prospectively on the patients it is meant for."
    )
    return said


def reproduce(run: Run) -> dict[str, Any]:
    """Return the command, the versions, the seed and the fingerprint of the trial."""
    d = run.result.get("design") or {}
    versions = dict(run.result.get("versions") or {})
    if run.result.get("medgraft") and "medgraft" not in versions:
        versions = {"medgraft": run.result["medgraft"], **versions}
    return {
        "command": run.result.get("command") or "",
        "versions": versions,
        "seed": d.get("seed"),
        "digest": run.plan.get("digest") or "",
    }
