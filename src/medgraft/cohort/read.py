"""From a path to a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import conventions
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.conventions import threshold
from medgraft.cohort.formats import Say, load
from medgraft.cohort.label_column import as_levels, drop_unlabelled, label_facts, no_label
from medgraft.cohort.multilabel import columns_of, join_columns, tidy_lists
from medgraft.cohort.paths import resolve
from medgraft.cohort.roles import Roles, as_tuple, check, check_group, choose_features
from medgraft.cohort.segmentation import SEGMENTATION, drop_without, is_segmentation
from medgraft.cohort.tidy import tidy


def read(
    path: str | Path | pd.DataFrame,
    *,
    label: str | Sequence[str] | None = None,
    positive: object = None,
    group: str | None = None,
    domain: str | None = None,
    time: str | None = None,
    protected: str | Sequence[str] = (),
    image: str | None = None,
    volume: str | None = None,
    signal: str | None = None,
    sequence: str | None = None,
    omics: str | None = None,
    mask: str | None = None,
    features: str | Sequence[str] | None = None,
    task: str = "auto",
    levels: str | Sequence[object] | None = None,
    columns: Sequence[str] | None = None,
    kind: str | None = None,
    skip_unreadable: bool = False,
    require_label: bool = True,
) -> Cohort:
    """Read patients from a table, a manifest that points to files, or a file or folder of any known format.

    Use it for everything that a trial, an audit or a graft is given. Nothing is decoded here: samples are
    opened one at a time, by `Cohort.open`.

    Parameters
    ----------
    path : path or DataFrame
        A table, a folder of class folders, or whatever else ``medgraft.cohort.formats`` lists: DICOM, NIfTI,
        EDF, WFDB, FASTA, GEO, .h5ad, MedMNIST, VOC, COCO, FHIR. The content decides, then the suffix. In
        text tables ``?``, ``NA`` and the like are missing.
    label : str or sequence of str, optional
        The column to predict, or a threshold such as ``"num > 0"``, which makes a yes/no label. Folders of
        class folders have the column ``label``. Several columns of yes and no (``"a,b,c"``) are several
        labels of each row; an empty cell is a label that is not known.
    positive : optional
        The class that is the event (binary). By default the class that is not named as an absence
        (``no``, ``healthy``, ``benign``, ``not...``); failing that the larger number, or the last name of
        the alphabet.
    group : str, optional
        The column of patients. By default a column that is named so (``PatientID``, ``subject``) and has
        patients with several rows; ``"none"`` for no such column.
    domain : str, optional
        The column of sites, scanners or batches; ``"auto"`` takes the format's (the manufacturer of DICOM),
        or one that is named so.
    time : str, optional
        The column of times.
    protected : str or sequence of str
        Columns for fairness; they are not features unless `features` names them. ``"auto"``: sex, age and
        the like.
    image, volume, signal, mask : str, optional
        The column with paths of such files, relative to the table's folder (to the working directory for
        a DataFrame) or absolute. A name without folder or suffix is looked for below the table's folder.
        Where a cohort has several kinds, each may be missing for some patients. Masks beside images or
        volumes are the label where no other is named (the task ``"segmentation"``).
    sequence : str, optional
        The column that holds sequences.
    omics : str, optional
        The column with references to rows of a matrix, or the file of a matrix (samples by features or the
        reverse) whose sample names are in the table.
    features : sequence of str, optional
        The columns to learn from. By default all that have no other role and do not identify patients.
    task : {"auto", "binary", "multiclass", "regression", "ordinal", "multilabel", "segmentation"}
        By default: two values are binary; numbers with more than 20 distinct values (more than 5 if some
        are not whole) are regression; everything else is multiclass. ``"ordinal"``: classes in order, such
        as stages. ``"multilabel"``: a column of lists, ``"effusion|nodule"`` or with ``;``.
    levels : sequence, optional
        Of an ordinal label, from the least to the most; by default numbers by value, and words by the number
        or Roman numeral at their end. Of a column of lists, the labels to use; default all.
    columns : sequence of str, optional
        Names of the columns of a table without a header line.
    kind : str, optional
        What to read where a format has several: ``"image"`` reads each slice of a DICOM series.
    skip_unreadable : bool, default False
        Leave out rows whose image does not exist instead of raising. Nothing is decoded here:
        :func:`check_images` does that.
    require_label : bool, default True
        False for data to predict on: the label may be absent or missing, and every row is kept.

    Returns
    -------
    Cohort
        Its ``warnings`` tell what was left out and why.

    Raises
    ------
    MedgraftError
        Nothing is there, the file cannot be read, a column is absent, the label has one value only, or
        the group is the label.

    Notes
    -----
    The whole table is in memory; images are not touched.

    Examples
    --------
    >>> frame = pd.DataFrame({"site": ["a", "a", "b", "b"], "bmi": [21.0, None, 30, 35], "ill": [0, 0, 1, 1]})
    >>> cohort = read(frame, label="ill", domain="site")
    >>> cohort.features, cohort.classes, cohort.domains.tolist()
    (('bmi',), ['0', '1'], ['a', 'a', 'b', 'b'])
    """
    warnings: list[str] = []
    say = warnings.append
    frame, where, folder, known = _load(path, kind, say)
    frame = tidy(frame, where, say)
    if columns is not None:
        frame = rename(frame, columns, where)
    if omics is not None and omics not in frame.columns:
        frame, omics = _attach(frame, omics, folder, where, say)
    label = label if label is None or isinstance(label, str) else ",".join(label)
    frame, label = threshold(frame, label)
    if task != SEGMENTATION:
        label = label or known.get("label")
    ordered = as_levels(levels, task)
    if several := columns_of(frame, label) if task in ("auto", "multilabel") and require_label else []:
        frame, label = join_columns(frame, str(label), several, where)
        task, ordered = "multilabel", tuple(several)
    if label is not None and label not in frame.columns and not require_label:
        label = None
    given = {"image": image, "volume": volume, "signal": signal, "sequence": sequence, "mask": mask}
    roles = Roles(
        label,
        group,
        domain,
        time or known.get("time"),
        protected=as_tuple(protected),
        features=None if features is None else as_tuple(features),
        omics=omics or known.get("omics"),
        **{role: column or known.get(role) for role, column in given.items()},
    )
    roles = conventions.apply(frame, roles, known, say)
    group, domain = roles.group, roles.domain
    check(frame, roles, where)
    if label is not None and task == "multilabel" and not several:
        frame, ordered = tidy_lists(frame, label, ordered)
    outlines = is_segmentation(frame, roles, task, where)
    if outlines:
        task = SEGMENTATION
        frame = drop_without(frame, roles, require_label, say)
    elif label is None and require_label:
        raise MedgraftError(no_label(frame, where, known))
    if label is not None and require_label:
        frame = drop_unlabelled(frame, label, say)
    frame = _resolve(frame, roles, known, folder, where, skip_unreadable, say)
    task, classes, event = label_facts(frame, label, task, positive, require_label, say, ordered)
    if classes is not None and require_label:
        check_group(frame, roles)
    for role, column in (("group", group), ("domain", domain)):
        gaps = 0 if column is None else int(frame[column].isna().sum())
        if gaps:
            taken = "a patient of its own" if role == "group" else "of the domain 'missing'"
            warnings.append(f"The {role} '{column}' is missing in {gaps} rows; each is taken to be {taken}.")
    chosen = choose_features(frame, roles, say)
    if not chosen and not roles.media and require_label:
        why = next((w for w in warnings if "not used as a feature" in w), "")
        raise MedgraftError(
            f"'{where}' has no column left to learn from: name some with features=[...]. {why}".strip()
        )
    stem = where if isinstance(path, pd.DataFrame) else _stem(Path(path))
    return Cohort(
        frame,
        label,
        chosen,
        group=group,
        domain=domain,
        time=roles.time,
        protected=roles.protected,
        positive=event,
        task=task,
        name=stem,
        warnings=tuple(warnings),
        levels=classes,
        **roles.media,
    )


def _load(
    path: str | Path | pd.DataFrame, kind: str | None, say: Say
) -> tuple[pd.DataFrame, str, Path, dict[str, str]]:
    """Return the table, its name, its folder, and the roles that its format knows."""
    if isinstance(path, pd.DataFrame):
        if len(path) == 0 or path.shape[1] == 0:
            raise MedgraftError("The table is empty: it needs columns and rows.")
        return path, "table", Path.cwd(), {}
    place = Path(path)
    frame, entry = load(place, say, kind)
    return frame, str(path), place.parent, {r: c for r, c in entry.roles.items() if c in frame.columns}


def rename(frame: pd.DataFrame, columns: Sequence[str], where: str) -> pd.DataFrame:
    """Return the table with the names that the user gave to its columns.

    Raises
    ------
    MedgraftError
        There are more or fewer names than columns; a last column that the reader added may be left unnamed.
    """
    named = list(as_tuple(columns))
    rest = list(frame.columns[len(named) :])
    if len(named) > frame.shape[1] or (rest and rest != ["file"]):
        raise MedgraftError(f"{len(named)} names were given for the {frame.shape[1]} columns of '{where}'.")
    return frame.set_axis([*named, *rest], axis=1)


def _attach(frame: pd.DataFrame, omics: str, folder: Path, where: str, say: Say) -> tuple[pd.DataFrame, str]:
    """Join a matrix in a file of its own to the table of its samples."""
    places = [place for place in (Path(omics), folder / omics) if place.is_file()]
    if not places:
        shown = ", ".join(map(str, frame.columns[:12]))
        raise MedgraftError(f"'{omics}' is no column of '{where}' ({shown}) and no file: check --omics.")
    from medgraft.cohort.omics import attach

    return attach(frame, places[0], say), "omics"


def _resolve(
    frame: pd.DataFrame,
    roles: Roles,
    known: dict[str, str],
    folder: Path,
    where: str,
    skip: bool,
    say: Say,
) -> pd.DataFrame:
    """Make the references of a manifest absolute; those of other formats are."""
    kinds = [kind for kind in roles.media if kind != "mask"]
    for kind, column in roles.media.items():
        if kind == "sequence" or kind in known:
            continue
        optional = kind == "mask" or len(kinds) > 1 or roles.features is not None
        frame = resolve(frame, column, folder, where, skip, say, optional, kind == "volume")
    if kinds and roles.features is None:
        nothing = frame[[roles.media[kind] for kind in kinds]].isna().all(axis=1)
        if nothing.any() and not all(kind in known for kind in kinds):
            row = int(nothing.to_numpy().argmax()) + 1
            raise MedgraftError(
                f"{int(nothing.sum())} rows of '{where}' have neither {' nor '.join(kinds)}, the first "
                f"being row {row}: remove them."
            )
    return frame


def _stem(path: Path) -> str:
    return path.stem if path.is_file() else path.absolute().name or "cohort"


__all__ = ["read"]
