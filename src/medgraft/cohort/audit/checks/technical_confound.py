"""How a sample was made tells the label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, number
from medgraft.cohort.audit.predict import SURE, Agreement, agreement
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.sketches import Sketch

KINDS = ("image", "volume", "signal")
# Informedness from which it is a warning, and severe. Borders show something of the patient, too, and files
# of images with less in them are smaller.
_LIMITS = {"borders": (0.5, 0.9), "corners": (0.5, 0.9), "bytes of the files": (0.6, 0.95)}
_OTHERS = (0.25, 0.7)


@check(
    "technical-confound",
    kinds=KINDS,
    title="How the sample was recorded explains the label",
    alert=(
        "Samples of the classes were recorded, cropped or stored in different ways. A model may learn this "
        "and not the disease: its figures are then too good, and it may fail where all are recorded alike."
    ),
)
def technical_confound(case: Case) -> list[Finding]:
    """The label is predicted by size, file format, borders, grid or recording: by what no disease changes.

    A forest predicts the label of held-out patients from these figures alone. The same for the site, as a
    note: a model that can see the site can use it.
    """
    out = []
    for kind in (k for k in KINDS if k in case.data.media):
        sketch = case.sketch(kind)
        learnt = case.part[sketch.rows] != 1
        rows = sketch.rows[learnt]
        for family, columns in sketch.families.items():
            features = _numbers(sketch, columns)[learnt]
            if features.shape[1] == 0 or len(rows) == 0 or (features == features[0]).all():
                continue
            if len(case.classes) > 1:
                judged = agreement(features, case.codes[rows], case.units[rows])
                out += _of_label(case, kind, family, judged)
            if case.sites is not None:
                names, codes = np.unique(case.sites[rows].astype(str), return_inverse=True)
                judged = agreement(features, codes.reshape(-1), case.units[rows])
                out += _of_site(kind, family, judged, names)
    return out


def _numbers(sketch: Sketch, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return the figures as numbers; names become one column for each frequent one."""
    out = []
    for column in columns:
        values = sketch.stats[column] if column in sketch.stats else pd.Series(dtype=float)
        if len(values) == 0:
            continue
        if pd.api.types.is_numeric_dtype(values):
            out.append(np.nan_to_num(values.to_numpy(dtype=float)))
        else:
            out += [(values == name).to_numpy(float) for name in values.value_counts().index[:20]]
    kept = [values for values in out if (values != values[0]).any()]
    return np.stack(kept, axis=1) if kept else np.zeros((len(sketch.rows), 0))


def _of_label(case: Case, kind: str, family: str, judged: Agreement | None) -> list[Finding]:
    warn, severe = _LIMITS.get(family, _OTHERS)
    if judged is None or judged.z < SURE or judged.informedness < warn:
        return []
    severity: Severity = "severe" if judged.informedness >= severe else "warning"
    best = case.classes[judged.best]
    sentence = (
        f"The {family} of the {kind}s alone predict the label with a balanced accuracy of "
        f"{number(judged.balanced_accuracy)} (chance {number(judged.chance)}); '{best}' is told "
        f"best, with an "
        f"informedness of {number(judged.informedness)}."
    )
    advice = (
        "A model can learn this instead of the disease: find out why the classes differ so (other "
        "devices, other "
        "sites, other cropping), crop and re-save all alike, and test on data of another origin."
    )
    return [
        Finding(
            "technical-confound", severity, sentence, advice, _figures(kind, family, judged) | {"class": best}
        )
    ]


def _of_site(kind: str, family: str, judged: Agreement | None, names: NDArray[np.str_]) -> list[Finding]:
    if judged is None or judged.z < SURE or judged.informedness < 0.5:
        return []
    sentence = (
        f"The {family} of the {kind}s alone tell the site with a balanced accuracy of "
        f"{number(judged.balanced_accuracy)} (chance {number(judged.chance)})."
    )
    advice = "Where classes are spread unevenly over sites, a model can use this; see site-confound."
    numbers = _figures(kind, family, judged) | {"site": str(names[judged.best])}
    return [Finding("technical-confound", "note", sentence, advice, numbers)]


def _figures(kind: str, family: str, judged: Agreement) -> dict[str, object]:
    return {
        "kind": kind,
        "family": family,
        "balanced_accuracy": judged.balanced_accuracy,
        "chance": judged.chance,
        "informedness": judged.informedness,
        "z": judged.z,
        "rows": judged.rows,
    }
