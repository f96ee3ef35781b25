"""What must be read before any figure: findings that may make every figure worthless."""

from __future__ import annotations

from typing import Any

from medgraft.report.read import Run

# The first is told however it was graded: a model that reads the site looks good on every metric.
_SITE = ("site-confound", "technical-confound")
_WHOLE = 0.8
_HEADS = {
    "site-confound": "The site explains the label",
    "technical-confound": "How the sample was recorded explains the label",
    "leaking-columns": "A column gives the label away",
    "label-in-text": "A text gives the label away",
    "exact-duplicates": "Copies of samples",
    "near-duplicates": "Near copies of samples",
    "near-equal-rows": "Near copies of rows",
    "same-patient": "The same patient twice",
}


def alerts(run: Run) -> list[dict[str, str]]:
    """Return what the page says before its verdict: the severe findings of the audit, and a telling site.

    Returns
    -------
    list of dict
        ``title``, ``sentence`` and ``advice``, one of each title: the site, then what is severe.
    """
    found = [f for f in run.result.get("audit") or [] if isinstance(f, dict)]
    grave = [
        f
        for f in found
        if f.get("severity") == "severe" or (f.get("check") in _SITE and f.get("severity") == "warning")
    ]
    grave.sort(key=lambda f: (f.get("check") != _SITE[0], f.get("severity") != "severe"))
    told = [
        {
            "title": _head(f),
            "sentence": str(f.get("sentence", "")),
            "advice": str(f.get("advice", "")),
        }
        for f in grave
    ]
    first: dict[str, dict[str, str]] = {}
    for a in told:
        first.setdefault(a["title"], a)  # the gravest of each kind
    return list(first.values())


def _head(finding: dict[str, Any]) -> str:
    """Return the title; less than four fifths of what can be told is a part."""
    head = _HEADS.get(str(finding.get("check")), "Found by the audit")
    numbers = finding.get("numbers") or {}
    told = max((numbers.get(k) or 0.0 for k in ("informedness", "cramers_v")), default=0.0)
    whole = finding.get("severity") == "severe" or told >= _WHOLE
    return head if whole else head.replace("explains", "partly explains")
