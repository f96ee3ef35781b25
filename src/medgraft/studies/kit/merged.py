"""Several sets as one cohort, in which copies of an image are one patient whatever set they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from medgraft.cohort import Cohort, append
from medgraft.cohort.audit import audit
from medgraft.cohort.audit.relatives import clusters, links
from medgraft.cohort.labels import names
from medgraft.studies.kit import leaks
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.names import PATIENT, PERSONS, patients_in_names
from medgraft.studies.kit.run import Run


def given(run: Run, words: Mapping[str, str], levels: tuple[str, ...], *only: str) -> list[Cohort]:
    """Return the sets of a run, in the order of the card, with patients and in the classes of the study.

    Parameters
    ----------
    run : Run
    words, levels
        See `reclassed`.
    *only : str
        Of these sets; default all of the card.
    """
    named = [n for n in only or (*run.study.data, *run.study.stand_ins) if run.data.has(n)]
    cohorts = [replace(run.cohort(name), name=name) for name in named]
    if not only and run.generated and not named:
        cohorts = [run.cohort()]
    for cohort in cohorts:
        for sentence in (s for s in cohort.warnings if "left out" in s):
            run.note(f"Of {cohort.name}: {sentence}")
    known = [patients_in_names(c, PERSONS[c.name]) if c.name in PERSONS else c for c in cohorts]
    for before, after in zip(cohorts, known, strict=True):
        if before.group is None and after.group is not None and len(set(after.groups)) == after.n:
            run.note(f"The names of {after.name} tell no patients: each image counts as one, copies apart.")
    return [reclassed(c, words, levels) for c in known]


def merged(cohorts: Sequence[Cohort]) -> Cohort:
    """Return the rows of several sets, each set a domain, with the patients of all and copies joined.

    Public sets are often made of one another: an image in two of them, or a near copy, would teach and be
    tested. So rows are one patient's when they are so by name in their set, or when their images are copies.

    Parameters
    ----------
    cohorts : sequence of Cohort
        Of images, with the same classes (see `reclassed`); one set alone is also looked through for copies.
    """
    parts = [_told_apart(c) for c in cohorts]
    whole = parts[0]
    for part in parts[1:]:
        whole = append(whole, part)
    copies = leaks.grouped_copies(replace(whole, group=None))
    together = np.concatenate([links(codes) for codes in (whole.groups, copies.groups)])
    owners = [f"o{k}" for k in clusters(whole.n, together)]
    return replace(whole, table=whole.table.assign(**{leaks.GROUP: owners}), group=leaks.GROUP)


def confounds(cohort: Cohort) -> list[str]:
    """Return what the audit says of classes that the sets alone tell apart, in sentences."""
    if cohort.domain is None:
        return []
    return [finding.sentence for finding in audit(cohort, only=["site-confound"]).findings]


def _told_apart(cohort: Cohort) -> Cohort:
    """Return the cohort with patients whose names no other set has."""
    own = np.arange(cohort.n) if cohort.group is None else names(cohort.table[cohort.group])
    who = [f"{cohort.name}, row {i}" if p is None else f"{cohort.name}, {p}" for i, p in enumerate(own)]
    return replace(cohort, table=cohort.table.assign(**{PATIENT: who}), group=PATIENT, domain=None)
