"""What a trial says of itself: its question, its cohort, its limits, its versions."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.cohort.media import SEEN
from medgraft.cohort.segmentation import SEGMENTATION
from medgraft.trial.flow import flow
from medgraft.trial.parts import words
from medgraft.trial.several import class_counts
from medgraft.trial.table_one import table_one

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial


def question(trial: Trial) -> str:
    """Return the question that a trial answers, as a sentence."""
    d = trial.design
    label = d.data.label
    if d.kind == "time-ordered":
        return (
            f"Does transfer from other patients help to forecast '{label}' from a patient's earlier records?"
        )
    where = f" in '{d.target}'" if d.target is not None else ""
    if d.target is not None and d.data.domains is not None:
        others = sorted(set(d.data.domains.tolist()) - {d.target})
        origin = "from " + ", ".join(map(repr, others)) if others else ""
    else:
        origin = ""
    if trial.bench.parts:
        origin = f"{origin} and {words(trial.bench.parts)}" if origin else f"from {words(trial.bench.parts)}"
    aim = f"predict '{label}'"
    if trial.task == SEGMENTATION:
        aim = f"outline the {d.data.kind}s of '{d.data.name}'"
    labels = ""
    if d.labels_per_class:
        n = d.headline
        what = (
            "labels in all"
            if trial.task in ("regression", SEGMENTATION)
            else ("label" if n == 1 else "labels") + " per class"
        )
        labels = f" with {n} {what}" if n else " with no target labels"
    if not origin:
        return f"Which method is the best to {aim}{where}{labels}?"
    return f"Does transfer {origin} help to {aim}{where}{labels}?"


def describe_cohort(trial: Trial) -> dict[str, Any]:
    """Return what the report shows of the cohort: counts, classes, domains, missing values; no row."""
    data = trial.design.data
    tested = np.unique(trial.design.splits.table.query("part == 'test'")["row"].to_numpy())
    part = np.where(np.isin(np.arange(data.n), tested), "test", "training")
    if data.domains is not None and trial.design.kind != "time-ordered":  # there domains are patients' names
        part = data.domains
    counts: dict[str, dict[str, int]] = {}
    sizes = {str(k): int(v) for k, v in zip(*np.unique(part, return_counts=True), strict=True)}
    if data.classes is not None:
        for name in sizes:
            counts[name] = class_counts(data.y[part == name], data.classes)
    media = data.kind in SEEN or data.task == SEGMENTATION
    missing = None if media else float(data.X.isna().to_numpy().mean())
    return {
        "name": data.name,
        "kind": data.kind,
        "rows": data.n,
        "features": 0 if media else data.X.shape[1],
        **read_as(trial),
        "label": data.label or data.mask,
        "classes": data.classes,
        "class_counts": counts,
        "domains": sizes,
        "target": trial.design.target,
        "groups": None if data.group is None else len(np.unique(data.groups)),
        "missing_fraction": missing,
        "table_one": table_one(data, part, trial.design.target),
        "flow": flow(trial),
        "tested": _fingerprint(trial, tested),
    }


def read_as(trial: Trial) -> dict[str, str]:
    """Return how signals, sequences and omics were read, in a sentence, as ``read_as``; nothing of others."""
    said = [reading.words() for reading in trial.readings.values()]
    names = [name for view in trial._views.values() for name in view.names]
    if names:
        said.append(f"views for methods of tables: {', '.join(names)}")
    return {"read_as": "; ".join(said)} if said else {}


def _fingerprint(trial: Trial, tested: np.ndarray) -> str:
    """Return a SHA-256 of what was tested, content and truth: runs of equal ones can be paired."""
    data = trial.design.data
    h = hashlib.sha256("\0".join(data.content()[tested].tolist()).encode())
    h.update(np.asarray(data.y[tested]).astype(str).tobytes())
    return h.hexdigest()


def warnings_of(trial: Trial, skipped: list[str]) -> list[str]:
    """Return what limits the figures of this trial, in sentences."""
    d = trial.design
    said = [f"The arm '{name}' was left out: the budget did not allow for it." for name in skipped]
    if d.data.group is None:
        said.append(
            "No patient column was given, so each row counts as one patient; if patients have several "
            "rows, give --group, or the intervals are too narrow and the splits leak."
        )
    if d.data.protected:
        if not any(a.entry.family == "guard" for a in trial.arms):
            said.append(
                "No arm looked at subgroups of the protected attributes: "
                "it is the arm 'guarded' that looks at them."
            )
        elif d.kind == "time-ordered":
            said.append(
                "The guard could not look at subgroups of the protected attributes: with --folds time it "
                "chooses for one patient at a time."
            )
        elif d.headline == 0:
            said.append(
                "The guard could not look at subgroups of the protected attributes: no target patient has a "
                "label."
            )
    if copies := _copies(trial):
        said.append(
            f"{copies} tested samples are exact copies of training samples: figures may be too good; remove "
            "them, or say with --group which patient a sample belongs to."
        )
    if d.kind == "external test" and d.repeats == 1:
        said.append("Each model was trained once: the intervals do not cover the luck of training.")
    if d.headline >= 0 and d.repeats == 1:
        said.append("The labelled patients were drawn once; --repeats 10 shows how much depends on the draw.")
    return said


def _copies(trial: Trial) -> int:
    """Count tested samples whose content also stands in the training part of their split."""
    content = trial.design.data.content()
    copies = [np.isin(content[s.test], content[np.r_[s.labelled, s.unlabelled]]) for s in trial.splits]
    rows = [s.test[c] for s, c in zip(trial.splits, copies, strict=True)]
    return len(np.unique(np.concatenate(rows)))


def versions_of(kind: str) -> dict[str, str]:
    """Return the versions of what a trial on this kind of data runs on."""
    import medgraft

    packages = ["numpy", "scipy", "pandas", "scikit-learn"]
    if kind in SEEN:
        packages += ["pillow", "torch", "torchvision", "timm", "lightning"]
    found = {"medgraft": medgraft.__version__, "python": platform.python_version()}
    return found | {package: version(package) for package in packages}
