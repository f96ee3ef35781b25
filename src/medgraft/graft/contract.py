"""The data contract: which columns a graft was trained on, and whether new data keep it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.labels import names


def check(frame: pd.DataFrame, schema: dict[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    """Return the contract's columns of `frame`, in its order, and warnings.

    Parameters
    ----------
    frame : DataFrame
        New data; more columns than needed are ignored.
    schema : dict
        ``{"columns": [{"name", "kind": "number" | "category", "levels": [...]}]}``.

    Returns
    -------
    frame : DataFrame
    warnings : list of str
        Levels that training never saw, with counts.

    Raises
    ------
    MedgraftError
        A column is absent, or holds text where the training data held numbers.

    Examples
    --------
    >>> schema = {"columns": [{"name": "age", "kind": "number", "levels": None}]}
    >>> check(pd.DataFrame({"age": [50.0], "more": [1]}), schema)[0].columns.tolist()
    ['age']
    """
    columns, warnings = {}, []
    missing = [c["name"] for c in schema["columns"] if c["name"] not in frame.columns]
    if missing:
        hint = did_you_mean(missing[0], map(str, frame.columns))
        raise MedgraftError(
            f"The data lack {len(missing)} of the graft's columns: {', '.join(map(repr, missing))}; "
            f"rename or add them.{hint}"
        )
    for column in schema["columns"]:
        name, values = column["name"], frame[column["name"]]
        if column["kind"] == "number":
            numbers = pd.to_numeric(values, errors="coerce")
            text = numbers.isna() & values.notna()
            if text.any():
                raise MedgraftError(
                    f"The column '{name}' must hold numbers as in training, but {int(text.sum())} of "
                    f"{len(values)} rows do not, for example '{values[text].iloc[0]}'."
                )
            columns[name] = numbers
        else:
            columns[name] = values
            if column.get("levels") is not None:
                new = pd.Series(names(values.dropna()))  # as the reader names them: 1, 1.0 and "1" are one
                new = new[~new.isin(column["levels"])]
                if len(new):
                    warnings.append(
                        f"The column '{name}' has {new.nunique()} values in {len(new)} rows that training "
                        "never saw; they count as unknown."
                    )
    return pd.DataFrame(columns, index=frame.index), warnings
