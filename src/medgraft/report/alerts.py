"""What must be read before any figure: findings that may make every figure worthless."""

from __future__ import annotations

from typing import Any

from medgraft.report.read import Run

_SITE = "site-confound"
_WHOLE = 0.8


def alerts(run: Run) -> list[dict[str, str]]:
    """Return what the page says before its verdict: severe findings, and warnings that concern every figure.

    What is said of a check is the check's own affair: see `medgraft.cohort.audit.registry.Check`.

    Returns
    -------
    list of dict
        ``title``, ``sentence`` and ``advice``, one of each title: the run's own caution, the
        site, then what is severe.
    """
    from medgraft.cohort.audit import registered

    found = [f for f in run.result.get("audit") or [] if isinstance(f, dict) and f.get("check")]
    known = {name: registered[name] for name in {str(f["check"]) for f in found} if name in registered}
    plain = {name: c.alert for name, c in known.items()}
    grave = [
        f
        for f in found
        if f.get("severity") == "severe"
        or (f.get("severity") == "warning" and plain.get(f["check"]) and not within_one_site(run, f))
    ]
    grave.sort(key=lambda f: (f["check"] != _SITE, f.get("severity") != "severe"))
    first: dict[str, dict[str, str]] = {}
    for f in grave:
        name = str(f["check"])
        title = _head(f, known[name].title if name in known else "Found by the audit")
        own = {"sentence": str(f.get("sentence", "")), "advice": str(f.get("advice", ""))}
        told = {"sentence": plain[name], "advice": ""} if plain.get(name) else own
        first.setdefault(title, {"title": title, **told})  # the gravest of each kind
    caution = run.result.get("caution")
    own_words = [{"title": "What this run is", "sentence": str(caution), "advice": ""}] if caution else []
    return [*own_words, *first.values()]


def within_one_site(run: Run, finding: dict[str, Any]) -> bool:
    """Whether a finding is about sites, of which one alone is tested: there the site lifts no figure.

    Where it is severe, sources may have one class only, and what they teach may be the site.
    """
    one = (run.result.get("cohort") or {}).get("target") is not None
    return one and finding.get("check") == _SITE and finding.get("severity") == "warning"


def _head(finding: dict[str, Any], title: str) -> str:
    """Return the title; less than four fifths of what can be told is a part."""
    numbers = finding.get("numbers") or {}
    told = max((numbers.get(k) or 0.0 for k in ("informedness", "cramers_v")), default=0.0)
    whole = finding.get("severity") == "severe" or told >= _WHOLE
    return title if whole else title.replace("explains", "partly explains")
