"""Sites that tell the label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, number, some
from medgraft.cohort.audit.predict import SURE, Levels, agreement
from medgraft.cohort.audit.registry import check


@check(
    "site-confound",
    title="The site explains the label",
    alert=(
        "How often the label is found depends on the site. A model may learn the sites and not the disease: "
        "over several sites together its figures are then too good, and at one site what the others taught "
        "may not hold."
    ),
)
def site_confound(case: Case) -> list[Finding]:
    r"""The label is predicted by the site alone.

    Cramér's V with the correction for chance (Bergsma 2013, doi:10.1016/j.jkss.2012.10.002), and how well a
    class is told from the others by the site of held-out patients. A source counts as a site.
    """
    if case.sites is None or len(case.classes) < 2:
        return []
    rows = np.flatnonzero((case.codes >= 0) & (case.part != 1))
    sites = case.sites[rows].astype(str)
    codes, units = case.codes[rows], case.units[rows]
    judged = agreement(sites[:, None], codes, units, Levels())
    v = cramers_v(sites, codes)
    table = pd.crosstab(sites, codes)
    present = [case.classes[c] for c in np.unique(codes)]
    pure = [
        str(s)
        for s, row in zip(table.index, table.to_numpy(), strict=True)
        if (row > 0).sum() == 1 and row.sum() > 4
    ]
    if judged is None or judged.z < SURE or (judged.informedness < 0.2 and v < 0.2):
        return []
    severe = judged.informedness >= 0.9 or v >= 0.9
    worrying = judged.informedness >= 0.4 or v >= 0.4
    severity: Severity = "severe" if severe else "warning" if worrying else "note"
    best = case.classes[judged.best]
    sentence = (
        f"The site alone predicts the label with a balanced accuracy of "
        f"{number(judged.balanced_accuracy)} (chance "
        f"{number(judged.chance)}); Cramér's V is {number(v)}. '{best}' is told best, with an "
        f"informedness of "
        f"{number(judged.informedness)}."
    )
    if pure:
        sentence += f" {len(pure)} of {len(table)} sites have one class only: {some(pure)}."
    advice = (
        "A model can learn the site instead of the disease: get both classes from every site, or "
        "test on a site "
        "that was not learnt from (--folds domain)."
    )
    numbers = {
        "cramers_v": v,
        "balanced_accuracy": judged.balanced_accuracy,
        "chance": judged.chance,
        "informedness": judged.informedness,
        "z": judged.z,
        "class": best,
        "sites_of_one_class": len(pure),
        "counts": {
            str(s): dict(zip(present, row.tolist(), strict=True))
            for s, row in zip(table.index[:50], table.to_numpy(), strict=False)
        },
    }
    return [Finding("site-confound", severity, sentence, advice, numbers)]


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Return Cramér's V of two columns of names, corrected for chance: 0 is none, 1 means one tells
    the other.

    Examples
    --------
    >>> cramers_v(np.repeat(["x", "y"], 50), np.repeat([0, 1], 50)).__round__(6)
    1.0
    >>> cramers_v(np.tile(["x", "y"], 50), np.repeat([0, 1], 50))
    0.0
    """
    table = pd.crosstab(pd.Series(a), pd.Series(b)).to_numpy(dtype=float)
    n = table.sum()
    r, k = table.shape
    if min(r, k) < 2 or n < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = ((table - expected) ** 2 / expected).sum() / n
    phi = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    most = min(rows, columns) - 1
    return float(min(1.0, np.sqrt(phi / most))) if most > 0 else 0.0
