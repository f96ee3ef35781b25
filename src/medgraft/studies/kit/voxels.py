"""Volumes as a table of voxels on a small grid, for learners of arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort


def voxels(cohort: Cohort, side: int, window: str = "own") -> Cohort:
    """Return a table of the volumes' voxels on a grid of ``side`` a side, with all other roles.

    No leak by itself: each volume is squeezed to the grid and scaled by its own values (or a window).

    Parameters
    ----------
    cohort : Cohort
        Of volumes.
    side : int
        8 or more.
    window : str
        As in `medgraft.sources.volumes.VolumeInput`.
    """
    from medgraft.sources.volume_preprocess import VolumePreprocess
    from medgraft.sources.volumes import VolumeInput

    prepare = VolumePreprocess(VolumeInput(size=side, window=window), side)
    rows = [prepare(cohort.open("volume", i)).numpy().ravel() for i in range(cohort.n)]
    frame = pd.DataFrame(np.array(rows, dtype=np.float64), columns=[f"v{j}" for j in range(side**3)])
    table = pd.concat([cohort.table.drop(columns=list(cohort.features)), frame], axis=1)
    return replace(cohort, table=table, features=tuple(frame.columns), volume=None, mask=None)
