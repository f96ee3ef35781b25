"""What a result says must not name a patient or a patient's file: results are made to be sent."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from medgraft.cohort.labels import names

if TYPE_CHECKING:
    from medgraft.cohort import Cohort

WITHHELD = "(withheld)"
_QUOTED = re.compile(r"""(?<!\w)(['"])(.+?)\1(?!\w)""")  # an apostrophe within a word quotes nothing


def withhold(said: Any, data: Cohort) -> Any:
    """Return what was said with every quoted patient, and every quoted file of a sample, withheld.

    Sentences of errors quote what they are about; an arm's error may be about one row.

    Parameters
    ----------
    said : str, or list or dict of such
    data : Cohort

    Examples
    --------
    >>> import pandas as pd
    >>> import medgraft as mg
    >>> table = pd.DataFrame({"who": ["ana", "ben", "cy"], "age": [1, 2, 3], "ill": ["no", "yes", "no"]})
    >>> withhold("'ana' has no 'age'.", mg.read(table, label="ill", group="who"))
    "'(withheld)' has no 'age'."
    """
    return _hide(said, _private(data))


def _private(data: Cohort) -> set[str]:
    columns = [c for c in (data.group, *data.media.values()) if c is not None and c in data.table]
    known: set[str] = set()
    for column in columns:
        known |= {str(v) for v in names(data.table[column]) if v is not None}
        known |= {str(v) for v in data.table[column].dropna()}
    return known | {_last(v) for v in known}


def _last(text: str) -> str:
    return PureWindowsPath(PurePosixPath(text).name).name


def _hide(said: Any, private: set[str]) -> Any:
    if isinstance(said, str):
        return _QUOTED.sub(
            lambda m: f"{m[1]}{WITHHELD}{m[1]}" if m[2] in private or (_last(m[2]) in private) else m[0],
            said,
        )
    if isinstance(said, dict):
        return {k: _hide(v, private) for k, v in said.items()}
    if isinstance(said, list | tuple):
        return [_hide(v, private) for v in said]
    return said
