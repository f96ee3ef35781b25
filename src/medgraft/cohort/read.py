"""From a path to a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.formats import Say, load
from medgraft.cohort.labels import TASKS, choose_positive, infer_task, names, sort_names
from medgraft.cohort.paths import resolve
from medgraft.cohort.roles import Roles, as_tuple, check, check_group, choose_features
from medgraft.cohort.tidy import tidy


def read(
    path: str | Path | pd.DataFrame,
    *,
    label: str | None = None,
    positive: object = None,
    group: str | None = None,
    domain: str | None = None,
    time: str | None = None,
    protected: str | Sequence[str] = (),
    image: str | None = None,
    features: str | Sequence[str] | None = None,
    task: str = "auto",
    skip_unreadable: bool = False,
    require_label: bool = True,
) -> Cohort:
    """Read patients from a table, a manifest of images, or a folder with one folder of images per class.

    Use it for everything that a trial or a graft is given. Not for DICOM series, volumes or signals.

    Parameters
    ----------
    path : path or DataFrame
        ``.csv`` and ``.tsv`` (comma, semicolon or tab; UTF-8, UTF-16 or Latin-1; ``?``, ``NA`` and the
        like are missing), ``.parquet``, ``.arff``, ``.xlsx`` (first sheet), or a folder of class folders.
    label : str, optional
        The column to predict. Folders of class folders have the column ``label``.
    positive : optional
        The class that is the event (binary). By default the class that is not named as an absence
        (``no``, ``healthy``, ``benign``, ``not...``); failing that the larger number, or the last name of
        the alphabet.
    group : str, optional
        The column of patients.
    domain : str, optional
        The column of sites, scanners or batches.
    time : str, optional
        The column of times.
    protected : str or sequence of str
        Columns for fairness; they are not features unless `features` names them.
    image : str, optional
        The column with paths of images, relative to the table's folder (to the working directory for a
        DataFrame) or absolute.
    features : sequence of str, optional
        The columns to learn from. By default all that have no other role and do not identify patients.
    task : {"auto", "binary", "multiclass", "regression"}
        By default: two values are binary; numbers with more than 20 distinct values (more than 5 if some
        are not whole) are regression; everything else is multiclass.
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
    frame, where, folder, in_folder = _load(path, warnings.append)
    frame = tidy(frame, where, warnings.append)
    if in_folder:
        if image not in (None, "image"):
            raise MedgraftError(
                f"'{path}' is a folder of images: --image names a column of a manifest table."
            )
        image = "image"
        label = label or ("label" if "label" in frame.columns else None)
    if label is not None and label not in frame.columns and not require_label:
        label = None
    roles = Roles(
        label,
        group,
        domain,
        time,
        image,
        as_tuple(protected),
        None if features is None else as_tuple(features),
    )
    check(frame, roles, where)
    if label is None and require_label:
        raise MedgraftError(_no_label(frame, where, in_folder))
    if label is not None and require_label:
        frame = _drop_unlabelled(frame, label, warnings.append)
    if image is not None and not in_folder:
        frame = resolve(frame, image, folder, where, skip_unreadable, warnings.append)
    task, levels, event = _label_facts(frame, label, task, positive, require_label, warnings.append)
    if levels is not None and require_label:
        check_group(frame, roles)
    for role, column in (("group", group), ("domain", domain)):
        gaps = 0 if column is None else int(frame[column].isna().sum())
        if gaps:
            taken = "a patient of its own" if role == "group" else "of the domain 'missing'"
            warnings.append(f"The {role} '{column}' is missing in {gaps} rows; each is taken to be {taken}.")
    chosen = choose_features(frame, roles, warnings.append)
    if not chosen and image is None and require_label:
        why = next((w for w in warnings if "not used as a feature" in w), "")
        raise MedgraftError(
            f"'{where}' has no column left to learn from: name some with features=[...]. {why}".strip()
        )
    stem = where if isinstance(path, pd.DataFrame) else _stem(Path(path))
    return Cohort(
        frame,
        label,
        chosen,
        image,
        group,
        domain,
        time,
        roles.protected,
        event,
        task,
        stem,
        tuple(warnings),
        levels,
    )


def _load(path: str | Path | pd.DataFrame, say: Say) -> tuple[pd.DataFrame, str, Path, bool]:
    if isinstance(path, pd.DataFrame):
        if len(path) == 0 or path.shape[1] == 0:
            raise MedgraftError("The table is empty: it needs columns and rows.")
        return path, "table", Path.cwd(), False
    place = Path(path)
    frame, entry = load(place, say)
    return frame, str(path), place.parent, entry.name == "image_folder"


def _stem(path: Path) -> str:
    return path.stem if path.is_file() else path.absolute().name or "cohort"


def _no_label(frame: pd.DataFrame, where: str, in_folder: bool) -> str:
    if in_folder:
        return (
            f"The images of '{where}' lie directly in it: put them into one folder per class, or give a "
            "manifest table with --image and --label."
        )
    columns = list(frame.columns)
    shown = ", ".join(columns[:12]) + (f", ... ({len(columns)} in all)" if len(columns) > 12 else "")
    return f"Which column of '{where}' is the label? Say it with --label; there are {shown}."


def _drop_unlabelled(frame: pd.DataFrame, label: str, say: Say) -> pd.DataFrame:
    missing = frame[label].isna()
    if missing.all():
        raise MedgraftError(f"The label '{label}' is missing in every row: choose another column.")
    if missing.any():
        say(f"{int(missing.sum())} of {len(frame)} rows have no label '{label}' and were left out.")
        return frame[~missing].reset_index(drop=True)
    return frame


def _label_facts(
    frame: pd.DataFrame, label: str | None, task: str, positive: object, require: bool, say: Say
) -> tuple[str, tuple[str, ...] | None, str | None]:
    """Return the task, the classes in order, and the event."""
    if label is None:
        if task not in ("auto", *TASKS):
            infer_task(pd.Series(dtype=float), "", task)  # raises
        return ("unlabelled" if task == "auto" else task), None, None
    values: pd.Series[Any] = frame[label].dropna()
    if pd.api.types.is_datetime64_any_dtype(values):
        raise MedgraftError(
            f"The label '{label}' holds dates, which medgraft cannot predict: choose another column."
        )
    found = infer_task(values, label, task)
    if require and values.nunique() < 2:
        what = "class" if found != "regression" else "value"
        raise MedgraftError(
            f"The label '{label}' has one {what} only ('{names(values)[0]}' in all {len(values)} rows): "
            "nothing can be learnt from it, so add patients of another class or choose another column."
        )
    if positive is not None and found != "binary":
        raise MedgraftError(
            f"--positive names the event of a label with two values, but '{label}' makes a {found} task: "
            "leave it out."
        )
    if found == "regression":
        return found, None, None
    levels = sort_names(set(names(values)))
    if found == "multiclass" or not levels:
        return found, tuple(levels), None
    event = choose_positive(levels, label, positive)
    if positive is None and event not in ("1", "True", "yes", "Yes", "YES"):
        say(f"The event of the label '{label}' is taken to be '{event}'; --positive changes it.")
    return found, tuple([level for level in levels if level != event] + [event]), event


__all__ = ["read"]
