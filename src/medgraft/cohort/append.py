"""A second cohort as a source: its rows under the target's, column by column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.conventions import same_people
from medgraft.cohort.formats import Say
from medgraft.cohort.labels import is_number, names
from medgraft.cohort.segmentation import SEGMENTATION


def append(target: Cohort, source: Cohort) -> Cohort:
    """Return the target's rows followed by the source's, which become a domain of their own.

    Use it to learn from a second, labelled cohort. Columns are aligned by name and the target decides
    which ones there are: a feature that the source lacks is missing in its rows, one that only the source
    has is dropped; both are told in the warnings. Label, group and image may have other names in the
    source. A patient of the same name in both cohorts is taken for the same person, so that no split
    can have them on both sides.

    Parameters
    ----------
    target : Cohort
        Without a domain column it gets one, ``domain``, whose value is the target's name.
    source : Cohort
        Its rows are of the domain of its name; with domains of its own, of ``name/domain``.

    Returns
    -------
    Cohort
        With the target's name and roles.

    Raises
    ------
    MedgraftError
        One is of images and the other a table, the labels differ, or less than half of the target's
        features are in the source.

    Examples
    --------
    >>> from medgraft.cohort import read
    >>> a = read(pd.DataFrame({"x": [1.0, 2, 3], "ill": [0, 1, 1]}), label="ill")
    >>> b = read(pd.DataFrame({"x": [4.0, 5], "disease": [1, 0]}), label="disease")
    >>> both = append(replace(a, name="here"), replace(b, name="there"))
    >>> both.domains.tolist(), both.y.tolist()
    (['here', 'here', 'here', 'there', 'there'], [0, 1, 1, 1, 0])
    """
    said: list[str] = []
    if target.kind != source.kind:
        raise MedgraftError(
            f"'{target.name}' is of kind {target.kind} and '{source.name}' of kind {source.kind}: a source "
            "cohort must be of the target's kind."
        )
    target, source = same_people(target, source)
    old = target.table
    new: dict[str, Any] = _labels(target, source)
    for kind, column in target.media.items():
        if kind in source.media:
            new[column] = source.table[source.media[kind]]
    domain = target.domain or _free("domain", old)
    if target.domain is None:
        old = old.assign(**{domain: target.name})
    new[domain] = _domains(target, source)
    group = _join_groups(target, source, new, said.append)
    if group is not None and target.group is None:
        old = old.assign(**{group: [f"{target.name}, row {i + 1}" for i in range(target.n)]})
    new |= _features(target, source, said.append)
    for other in (*target.protected, target.time):
        if other is not None and other not in new and other in source.table.columns:
            new[other] = source.table[other]
    below = pd.DataFrame(new, index=range(source.n)).reindex(columns=old.columns)
    # One column at a time: pandas warns about, and may change, how it joins all-missing blocks.
    joined = {c: _concat(old[c], below[c]) for c in old.columns}
    told = (f"{source.name}: {w}" for w in source.warnings)
    return replace(
        target,
        table=pd.DataFrame(joined),
        domain=domain,
        group=group,
        warnings=(*target.warnings, *told, *said),
    )


def _labels(target: Cohort, source: Cohort) -> dict[str, Any]:
    """Return the label of the source's rows, by the target's column; nothing where masks are the label."""
    if SEGMENTATION not in (target.task, source.task):
        label = _check_labels(target, source)
        return {label: _label(target, source, label)}
    if target.task != source.task:
        raise MedgraftError(
            f"The labels differ: '{target.name}' is {target.task}, '{source.name}' is {source.task}; name "
            "masks with --mask for both, or for neither."
        )
    return {}


def _check_labels(target: Cohort, source: Cohort) -> str:
    for cohort in (target, source):
        if cohort.label is None:
            raise MedgraftError(
                f"The cohort '{cohort.name}' has no label: say which column it is with --label."
            )
    ours, theirs = target.classes, source.classes
    apart = {"regression", "multilabel"} & {target.task, source.task}
    if (ours is None) != (theirs is None) or (apart and target.task != source.task):
        raise MedgraftError(
            f"The labels differ: '{target.label}' of '{target.name}' is {target.task}, '{source.label}' of "
            f"'{source.name}' is {source.task}; set --task, or choose a source with the same label."
        )
    if ours is not None and theirs is not None and set(theirs) - set(ours):
        raise MedgraftError(
            f"The labels differ: '{target.name}' has the classes {', '.join(ours)}, '{source.name}' has "
            f"{', '.join(theirs)}; rename the classes so that equal ones have equal names."
        )
    return str(target.label)


def _label(target: Cohort, source: Cohort, label: str) -> pd.Series[Any]:
    values = source.table[str(source.label)]
    if target.levels is None or values.dtype == target.table[label].dtype:
        return values
    # The same classes stored differently (1 and 1.0, 0 and "0"): the target's own values stand for them.
    ours = target.table[label].dropna().drop_duplicates()
    return pd.Series(names(values)).map(dict(zip(names(ours), ours, strict=True)))


def _domains(target: Cohort, source: Cohort) -> NDArray[Any]:
    taken = {target.name} if target.domains is None else set(target.domains.tolist())
    base, k = source.name, 1
    while any(d == base or d.startswith(f"{base}/") for d in taken):
        k += 1
        base = f"{source.name}-{k}"
    if source.domains is None:
        return np.full(source.n, base, dtype=object)
    return np.array([f"{base}/{d}" for d in source.domains], dtype=object)


def _join_groups(target: Cohort, source: Cohort, new: dict[str, Any], say: Say) -> str | None:
    """Put the source's patients into `new` and return the name of the group column."""
    if target.group is None and source.group is None:
        return None
    group = target.group or _free("group", target.table)
    if source.group is None:
        new[group] = np.array([f"{source.name}, row {i + 1}" for i in range(source.n)], dtype=object)
        return group
    new[group] = names(source.table[source.group])
    if target.group is not None:
        both = (set(names(target.table[target.group])) & set(new[group])) - {None}
        if both:
            say(
                f"{len(both)} patients are in both '{target.name}' and '{source.name}' by their name; they "
                "are taken for the same people, so rename them if they are not."
            )
    return group


def _features(target: Cohort, source: Cohort, say: Say) -> dict[str, Any]:
    shared, other_kind = {}, []
    for feature in target.features:
        if feature not in source.table.columns or feature in (source.label, source.group, source.domain):
            continue
        values = source.table[feature]
        if values.notna().any() and is_number(values) != is_number(target.table[feature]):
            other_kind.append(feature)
        else:
            shared[feature] = values
    if other_kind:
        say(
            f"The columns {', '.join(map(repr, other_kind))} hold numbers in one of '{target.name}' and "
            f"'{source.name}' and text in the other; they are missing in the rows of '{source.name}'."
        )
    if 2 * len(shared) < len(target.features):
        lacking = [f for f in target.features if f not in shared]
        shown = ", ".join(map(repr, lacking[:5])) + (", ..." if len(lacking) > 5 else "")
        raise MedgraftError(
            f"'{source.name}' has only {len(shared)} of the {len(target.features)} features of "
            f"'{target.name}' (it lacks {shown}): rename its columns, or choose another source."
        )
    if target.features:
        dropped = [f for f in source.features if f not in target.features]
        more = f"; {len(dropped)} that only it has are not used" if dropped else ""
        ours = f"{len(target.features)} features of '{target.name}'"
        say(f"'{source.name}' has {len(shared)} of the {ours}{more}.")
    return shared


def _concat(above: pd.Series[Any], below: pd.Series[Any]) -> pd.Series[Any]:
    if below.isna().all() and is_number(above):
        return pd.Series(np.r_[above.to_numpy(dtype=float), np.full(len(below), np.nan)])
    if is_number(above) == is_number(below) and above.dtype != object:
        return pd.concat([above, below], ignore_index=True)
    # Kinds differ (a group of numbers under one of text, bools under nothing): text is what both can be.
    text = [np.nan if t is None else t for t in (*names(above), *names(below))]
    return pd.Series(text)


def _free(column: str, table: pd.DataFrame) -> str:
    while column in table.columns:
        column += "_"
    return column
