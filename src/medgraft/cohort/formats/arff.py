"""Weka's attribute-relation files."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.text import clean, decode

# Weka reads "class{a,b}" and '{"a" , "b"}', liac-arff wants a blank before the brace and none before commas.
_ATTRIBUTE = re.compile(
    r"""^\s*@attribute\s+(?:"[^"\n]*"|'[^'\n]*'|[^\s{"']+).*$""", re.IGNORECASE | re.MULTILINE
)


def _spaced(line: re.Match[str]) -> str:
    return re.sub(r"""(["'])\s+,""", r"\1,", line[0].replace("{", " {", 1))


def matches(path: Path) -> bool:
    """Whether a file is ARFF; it is text, so only the suffix tells."""
    return False


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the table, dense or sparse; nominal attributes are text even when their values are digits.

    What a sparse row leaves out is not missing: it is 0, or the first of the nominal values.
    """
    import arff

    text = decode(path.read_bytes())
    try:
        content = arff.loads(_ATTRIBUTE.sub(_spaced, text))
    except arff.BadAttributeType as error:
        raise MedgraftError(
            f"'{path}' has an attribute whose type is not read (dates and relations are not): declare it as "
            "string or numeric."
        ) from error
    attributes = content["attributes"]
    columns = {
        i: pd.Series([row[i] for row in content["data"]], dtype=object) for i in range(len(attributes))
    }
    frame = pd.DataFrame(columns)
    for i, (_, kind) in enumerate(attributes):
        if isinstance(kind, str) and kind.upper() in ("NUMERIC", "REAL", "INTEGER"):
            frame[i] = pd.to_numeric(frame[i])
    frame.columns = pd.Index([name for name, _ in attributes])
    return clean(frame, numbers=False)


FORMAT = register(Format("arff", (".arff",), matches, read))
