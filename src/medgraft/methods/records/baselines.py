"""What embeddings of several hospitals' codes are compared with: matrices pooled, or embeddings averaged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from medgraft.methods.records.embedding import align_hospitals, svd_embedding


def pooled_embedding(matrices: Mapping[str, pd.DataFrame], d: int) -> pd.DataFrame:
    r"""Return the embedding of the mean of several hospitals' matrices.

    Use it as a baseline beside `MUGS`, and for one hospital as the embedding without transfer. Not where a
    code means different things at two hospitals: the mean is of both.

    :math:`\min_E \|\bar S - E E^\top\|_F^2`, with :math:`\bar S_{ij}` the mean over the hospitals that have
    both codes; 0 where none has.

    Parameters
    ----------
    matrices : dict of site -> DataFrame (n_s, n_s)
        Symmetric, with the names of codes on both axes.
    d : int

    Returns
    -------
    DataFrame (N, d)
        In the order of the codes' names.

    Raises
    ------
    MedgraftError
        As `svd_embedding`.

    Notes
    -----
    Cost O(K N^2 + N^3); memory O(K N^2).

    Examples
    --------
    >>> a = pd.DataFrame([[4.0, 2.0], [2.0, 1.0]], index=["x", "y"], columns=["x", "y"])
    >>> b = pd.DataFrame([[1.0]], index=["y"], columns=["y"])
    >>> pooled_embedding({"a": a, "b": b}, 1)[0].round(6).to_dict()
    {'x': 2.0, 'y': 1.0}
    """
    names = sorted(set().union(*(S.index for S in matrices.values())))
    wide = np.stack([S.reindex(index=names, columns=names).to_numpy(float) for S in matrices.values()])
    seen = (~np.isnan(wide)).sum(axis=0)
    mean = np.nansum(wide, axis=0) / np.maximum(seen, 1)
    return pd.DataFrame(svd_embedding(mean, d), index=names)


def averaged_embedding(matrices: Mapping[str, pd.DataFrame], d: int, target: str) -> pd.DataFrame:
    """Return the mean of the hospitals' own embeddings, each turned onto the target's.

    Use it as a baseline beside `MUGS`. Not where hospitals share fewer than `d` codes with the target.

    Parameters
    ----------
    matrices : dict of site -> DataFrame (n_s, n_s)
    d : int
    target : str

    Returns
    -------
    DataFrame (N, d)
        In the order of the codes' names.

    Raises
    ------
    MedgraftError
        As `svd_embedding` and `align_hospitals`.

    Notes
    -----
    Cost O(sum_s n_s^3), and a turn (`procrustes`) for each hospital.

    Examples
    --------
    >>> a = pd.DataFrame([[4.0, 2.0], [2.0, 1.0]], index=["x", "y"], columns=["x", "y"])
    >>> averaged_embedding({"a": a, "b": a}, 1, "a")[0].round(6).to_dict()
    {'x': 2.0, 'y': 1.0}
    """
    own = {
        site: pd.DataFrame(svd_embedding(S.to_numpy(float), d), index=S.index) for site, S in matrices.items()
    }
    return pd.concat(list(align_hospitals(own, target).values())).groupby(level=0).mean()
