"""Look at a cohort before anything is trained on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.base.scrub import scrub
from medgraft.cohort.audit.case import Case, Progress
from medgraft.cohort.audit.finding import SEVERITIES, Finding, Severity, worst
from medgraft.cohort.audit.registry import Check, registered
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.conventions import same_people


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    findings : list of Finding
        Severe ones first.
    checks : tuple of str
        The checks that ran.
    parts : list of dict
        ``part``, ``rows`` and ``kind`` of everything that was looked at.
    """

    findings: list[Finding]
    checks: tuple[str, ...]
    parts: list[dict[str, Any]]

    @property
    def worst(self) -> Severity | None:
        """The worst severity; None where nothing was found."""
        return worst(self.findings)

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(f.severity == severity for f in self.findings)

    def to_dict(self, show_files: bool = False) -> dict[str, Any]:
        """Return it ready for JSON.

        Parameters
        ----------
        show_files : bool, default False
            Keep the names of files; they may tell who a patient is.
        """
        found = {
            "parts": self.parts,
            "worst": self.worst,
            "counts": {s: self.count(s) for s in SEVERITIES},
            "checks": list(self.checks),
            "findings": [f.to_dict(show_files) for f in self.findings],
        }
        cut: dict[str, Any] = scrub(found)  # names of sites and values may be paths, too
        return cut

    def write(self, folder: str | Path, show_files: bool = False) -> Path:
        """Write ``audit.json`` into a folder, which is made where it is absent, and return its path.

        Raises
        ------
        MedgraftError
            The folder cannot be written to.
        """
        path = Path(folder) / "audit.json"
        partial = path.with_name("audit.json.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(
                json.dumps(self.to_dict(show_files), indent=1, ensure_ascii=True, allow_nan=False) + "\n",
                encoding="utf-8",
            )
            partial.replace(path)
        except OSError as error:
            raise MedgraftError(
                f"'{path}' cannot be written ({error.strerror}): choose another folder."
            ) from None
        return path

    def __str__(self) -> str:
        rows = ", ".join(f"{p['part']} {p['rows']:,} rows" for p in self.parts)
        if not self.findings:
            return f"{len(self.checks)} checks of {rows}: nothing found."
        counts = ", ".join(f"{n} {s}" for s in SEVERITIES if (n := self.count(s)))
        lines = [f"{len(self.checks)} checks of {rows}: {counts}."]
        for finding in self.findings:
            lines += ["", f"{finding.severity.upper()} ({finding.check}): {finding.sentence}"]
            lines += [f"  {finding.advice}"] if finding.advice else []
        return "\n".join(lines)


def audit(
    cohort: Cohort,
    *,
    test: Cohort | None = None,
    sources: Sequence[Cohort] = (),
    folds: int = 5,
    progress: Progress | None = None,
    only: Sequence[str] | None = None,
) -> Audit:
    """Find leaks, duplicates, confounds and damaged data in a cohort, before a model is trained on it.

    Use it on every cohort, with the test data and the sources it is going to meet; a trial does so by
    itself. Nothing is changed. It finds what the data show: a confound that leaves no trace in tables,
    images or their borders, and patients under two names, are beyond it.

    Parameters
    ----------
    cohort : Cohort
    test : Cohort, optional
        External test data.
    sources : sequence of Cohort
        Other cohorts to learn from; each is a site of its own.
    folds : int, default 5
        The number of folds that a trial is going to make, against which classes and sites are counted.
    progress : callable, optional
        Called with (done, total) while samples are opened.
    only : sequence of str, optional
        Names, or glob patterns, of the checks to run; all by default. ``medgraft.cohort.audit.registered``
        lists them.

    Returns
    -------
    Audit

    Raises
    ------
    MedgraftError
        A check has no such name, the cohorts are of different kinds, or `folds` is less than 2.

    Notes
    -----
    Each sample is opened once; a few KB of each are kept. What is predicted (a label from a site, from
    borders, from one column) is predicted for held-out patients, and must differ from chance by 4.5 standard
    errors, with a correction for the number of columns and classes, so that alarms mean something.

    Examples
    --------
    >>> import pandas as pd
    >>> from medgraft.cohort import read
    >>> frame = pd.DataFrame({"age": range(40, 80), "ill": ["no", "yes"] * 20})
    >>> frame["treated"] = frame["ill"] == "yes"
    >>> found = audit(read(frame, label="ill"))
    >>> found.worst, found.findings[0].check
    ('severe', 'leaking-columns')
    """
    if folds < 2:
        raise MedgraftError(f"An audit needs at least 2 folds to count against, not {folds}.")
    if not isinstance(cohort, Cohort):
        raise MedgraftError("An audit takes a cohort: read the file with mg.read first.")
    if test is not None:
        cohort, test = same_people(cohort, test)
    joined = []
    for source in sources:
        cohort, source = same_people(cohort, source)
        joined.append(source)
    sources = joined
    case = Case(cohort, test, sources, folds, progress)
    chosen = _chosen(case, only)
    findings = [finding for check in chosen for finding in _run(check, case)]
    findings.sort(key=lambda f: SEVERITIES.index(f.severity))  # stable: checks keep their order
    parts = [
        {"part": case.name_of(part), "name": c.name, "rows": c.n, "kind": c.kind}
        for part, c in case.cohorts.items()
    ]
    return Audit(findings, tuple(c.name for c in chosen), parts)


def _run(check: Check, case: Case) -> list[Finding]:
    """Run a check; one that fails is a finding of its own, and stops neither the others nor a trial."""
    try:
        return list(check.run(case))
    except MedgraftError:
        raise
    except Exception as error:
        return [
            Finding(
                check.name,
                "warning",
                f"The check '{check.name}' failed ({type(error).__name__}), which says nothing of the data.",
                "Report it to the developers of medgraft.",
            )
        ]


def _chosen(case: Case, only: Sequence[str] | None) -> list[Check]:
    names = list(registered)
    if only is not None:
        wanted: list[str] = []
        for pattern in [only] if isinstance(only, str) else only:
            wanted += registered.list(pattern) or [registered[pattern].name]
        names = [n for n in names if n in wanted]
    kinds = {kind for cohort in case.cohorts.values() for kind in (*cohort.kinds, *cohort.media)}
    return [c for c in (registered[n] for n in names) if not c.kinds or kinds & set(c.kinds)]
