"""Parquet matrices, some columns at a time."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.omics.delimited import CLINICAL, orient
from medgraft.cohort.omics.store import Draft, Tell, check_shape

MAGIC = b"PAR1"
_BYTES = 2**26


def read(path: Path, folder: Path, progress: Tell | None, orientation: str, ids: Collection[str]) -> Draft:
    """Read a Parquet table into a draft: its first column of text names the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        n, schema = file.metadata.num_rows, file.schema_arrow
        kinds = {f.name: f.type for f in schema}
        numbers = [k for k, t in kinds.items() if pa.types.is_floating(t) or pa.types.is_integer(t)]
        texts = [k for k, t in kinds.items() if pa.types.is_string(t) or pa.types.is_large_string(t)]
        index = next((k for k in texts if k.startswith("__index") or k == schema.names[0]), None)
        index = index or (texts[0] if texts else None)
        if not numbers:
            raise MedgraftError(
                f"'{path}' holds no column of numbers: it is no matrix of samples and features."
            )
        check_shape(n, len(numbers), path)
        about = (
            file.read(columns=texts).to_pandas(ignore_metadata=True)
            if texts
            else pd.DataFrame(index=range(n))
        )
        step = max(1, _BYTES // (8 * n))
        tell = progress or (lambda done, total: None)
        with (folder / "read.f32").open("wb") as out:
            for start in range(0, len(numbers), step):
                names = numbers[start : start + step]
                for column in file.read(columns=names).select(names).columns:
                    values = column.cast(pa.float32(), safe=False).to_numpy()
                    out.write(
                        np.where(np.isinf(values), np.float32(np.nan), values).astype(np.float32).tobytes()
                    )
                tell(min(start + step, len(numbers)), len(numbers))
    rows = [str(v) for v in about.pop(index)] if index else [f"row {i + 1}" for i in range(n)]
    where = orientation if orientation != "auto" else orient(rows, numbers, ids)
    # Columns were written one after the other: rows of the draft are columns of the table.
    draft = Draft(
        numbers, rows, folder / "read.f32", pd.DataFrame(), "columns" if where == "rows" else "rows", where
    )
    if where == "rows":
        clinical = [name for name in numbers if name.lower() in CLINICAL]
        draft.table = about
        if clinical:
            draft.said.append(
                f"The columns {', '.join(map(repr, clinical))} of '{path}' are among the features: move them "
                "to "
                "a table of samples if they are about the patients."
            )
    return draft
