"""MATLAB files of version 7.3, which are HDF5: one array of numbers at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import first_line


def library() -> Any:
    """Return h5py.

    Raises
    ------
    MedgraftError
        It is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MedgraftError(
            "MATLAB files of version 7.3 need h5py: pip install 'medgraft[omics]'."
        ) from error
    return h5py


def numbers(path: Path, name: str) -> NDArray[Any]:
    """Return an array of numbers of a file, in MATLAB's order of dimensions.

    Use it for a variable or for a field of a struct. Not for cells, strings of classes, or arrays of structs,
    whose fields are references.

    Parameters
    ----------
    path : path
    name : str
        Of the variable; for a field of a struct ``"variable/field"``.

    Raises
    ------
    MedgraftError
        h5py is not installed, the file is damaged, has no such array, or promises absurdly much.

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(Path(folder) / "a.mat", "w") as file:
    ...         file["record/x"] = [[1, 2, 3]]  # as MATLAB stores three rows of one column
    ...     numbers(Path(folder) / "a.mat", "record/x").tolist()
    [[1], [2], [3]]
    """
    h5py = library()
    try:
        with h5py.File(path, "r") as file:
            item = file
            for step in name.split("/"):
                # Links lead to other files, as external and virtual data do: a file may only show its own.
                there = isinstance(item, h5py.Group) and item.get(step, getlink=True)
                if not isinstance(there, h5py.HardLink):
                    raise MedgraftError(f"The MATLAB file '{path}' has no '{name}': is it another layout?")
                item = item[step]
            if not is_numbers(item):
                raise MedgraftError(f"'{name}' of the MATLAB file '{path}' is no array of numbers.")
            check_size(int(item.size), path)
            return np.asarray(item[()]).T  # MATLAB counts columns first, HDF5 rows
    except MedgraftError:
        raise
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        raise unreadable(path, error) from error


def is_numbers(item: Any) -> bool:
    """Whether what a file holds is an array of numbers that lies in the file itself."""
    plain = isinstance(item, library().Dataset) and item.dtype.kind in "iuf" and bool(item.shape)
    return plain and not (item.external or item.is_virtual)


def unreadable(path: Path, error: Exception) -> MedgraftError:
    """Return the sentence that a MATLAB file cannot be read."""
    reason = "it does not exist" if isinstance(error, FileNotFoundError) else first_line(error)
    return MedgraftError(f"The MATLAB file '{path}' cannot be read ({reason}): is it damaged?")
