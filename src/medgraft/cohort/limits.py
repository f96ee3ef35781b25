"""How much a file may ask for: headers are promises of strangers."""

from __future__ import annotations

from pathlib import Path

from medgraft.base import MedgraftError

MAX_PIXELS = 2**28  # values in one decoded sample: 1 GiB of float32, a CT of 512 x 512 x 1024
MAX_UNPACKED = 2**33  # bytes that an archive, or one compressed member, may unpack to


def check_size(values: int, where: str | Path) -> None:
    """Refuse a sample whose header promises more values than a sample can have, before memory is taken.

    Parameters
    ----------
    values : int
        Pixels, voxels or samples of all channels together.
    where : path
        The file, for the message.

    Raises
    ------
    MedgraftError
        There would be more than 2**28 values, or fewer than one.
    """
    if values < 1:
        raise MedgraftError(f"The header of '{where}' says that nothing is in it: is it damaged?")
    if values > MAX_PIXELS:
        raise MedgraftError(
            f"The header of '{where}' promises {values:,} values, more than the {MAX_PIXELS:,} that one "
            "sample may have: is it damaged? If not, cut it into smaller files."
        )
