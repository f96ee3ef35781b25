"""Volumes turned so that their axes run to the right, to the front and upwards."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.media import Volume


def canonical(values: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
    """Return a volume in RAS+ by turning and mirroring whole axes; nothing is interpolated.

    Examples
    --------
    >>> v = canonical(np.arange(3.0).reshape(3, 1, 1), np.diag([-2.0, 1, 1, 1]))
    >>> v.values.ravel().tolist(), v.affine[0].tolist()
    ([2.0, 1.0, 0.0], [2.0, 0.0, 0.0, -4.0])
    """
    import nibabel as nib

    turned = nib.as_closest_canonical(nib.Nifti1Image(np.asarray(values, np.float32), affine))
    return Volume(np.ascontiguousarray(turned.dataobj, np.float32), np.asarray(turned.affine, np.float64))
