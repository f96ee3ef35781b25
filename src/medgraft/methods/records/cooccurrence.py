"""Which clinical codes stand together in patients' records, and how much more often than by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from medgraft.base import MedgraftError


def cooccurrence(records: pd.DataFrame, window_days: float) -> tuple[sparse.csr_array, NDArray[Any]]:
    r"""Count in how many windows of patients two codes stand together.

    Use it inside a hospital, so that only counts of codes leave it. Not to publish as it is: an entry of a
    few windows may be about a single patient.

    Each patient's time is cut into windows of `window_days`, from the patient's first record on. A pair of
    different codes counts once for every window that has both, however often each is written in it:

    .. math:: C_{ij} = \#\{(p, k) : i, j \text{ in window } k \text{ of patient } p\}, \quad i \ne j

    A code makes no pair with itself: the diagonal is zero.

    Parameters
    ----------
    records : DataFrame
        ``patient``, ``time`` (dates, or numbers of days) and ``code``, one row for each code written.
    window_days : float
        Length of a window; ``inf`` takes each patient's whole record.

    Returns
    -------
    csr_array (n, n) of int
        Symmetric counts.
    ndarray (n,)
        The codes, sorted.

    Raises
    ------
    MedgraftError
        A column or a value is missing, or the window has no length.

    Notes
    -----
    Cost O(R log R + sum over windows of (codes in it)^2) for R records; memory as many entries as pairs that
    occur. Time windows: Finlayson, LePendu and Shah (2014), doi:10.1038/sdata.2014.32.

    Examples
    --------
    >>> records = pd.DataFrame(
    ...     {"patient": [1, 1, 1, 2, 2], "time": [0, 3, 40, 5, 6], "code": ["a", "b", "c", "a", "b"]}
    ... )
    >>> C, codes = cooccurrence(records, 30)
    >>> codes.tolist(), C.toarray().tolist()
    (['a', 'b', 'c'], [[0, 2, 0], [2, 0, 0], [0, 0, 0]])
    """
    for column in ("patient", "time", "code"):
        if column not in records:
            raise MedgraftError(f"The records have no column '{column}': name it so.")
        if records[column].isna().any():
            raise MedgraftError(f"Column '{column}' of the records has gaps: leave these records out.")
    if not window_days > 0:
        raise MedgraftError(f"window_days must be above zero, not {window_days}.")
    time = records["time"]
    if pd.api.types.is_datetime64_any_dtype(time):
        time = (time - time.min()) / pd.Timedelta(days=1)
    elif not pd.api.types.is_numeric_dtype(time):
        raise MedgraftError("Column 'time' of the records must hold dates or numbers of days.")
    patient = pd.factorize(records["patient"])[0]
    days = (time - time.groupby(patient).transform("min")).to_numpy(float)
    window = np.floor(days / window_days).astype(np.int64)
    codes, code = np.unique(records["code"].to_numpy(), return_inverse=True)
    _, place = np.unique(np.column_stack([patient, window]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    seen = sparse.csr_array(
        (np.ones(len(code), dtype=np.int64), (place, code)), shape=(place.max(initial=-1) + 1, len(codes))
    )
    seen.data[:] = 1  # repeats have been summed: a code is in a window, or not
    C = (seen.T @ seen).tocsr()
    C.setdiag(0)
    C.eliminate_zeros()
    return C, codes


def pmi(C: sparse.sparray | NDArray[Any]) -> sparse.csr_array:
    r"""Return how much more often than by chance two codes stand together, where they ever do.

    .. math:: \mathrm{PMI}_{ij} = \log \frac{C_{ij}\, C_{\cdot\cdot}}{C_{i\cdot}\, C_{\cdot j}}

    the pointwise mutual information, in nats (Church and Hanks 1990). Use it to look at single pairs. Not
    to factorise: where a count is zero it is minus infinity, which the sparse result cannot say (`sppmi`).

    Parameters
    ----------
    C : array (n, n), sparse or dense
        Symmetric counts, none below zero.

    Returns
    -------
    csr_array (n, n)
        Stored for the pairs that occur; among these an explicit 0 is a pair as frequent as by chance.

    Raises
    ------
    MedgraftError
        The counts are not symmetric, or below zero.

    Notes
    -----
    Cost O(number of pairs that occur).

    Examples
    --------
    >>> C = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
    >>> pmi(C).toarray().round(3).tolist()  # log(3 * 8 / (4 * 3)) and log(1 * 8 / (4 * 1))
    [[0.0, 0.693, 0.693], [0.693, 0.0, 0.0], [0.693, 0.0, 0.0]]
    """
    counts = sparse.coo_array(C, dtype=float)
    counts.eliminate_zeros()
    if counts.shape[0] != counts.shape[1] or (counts != counts.T).nnz:
        raise MedgraftError("Counts of pairs must be a symmetric matrix: one row and one column a code.")
    if (counts.data < 0).any():
        raise MedgraftError("Counts of pairs cannot be below zero.")
    margin = np.asarray(counts.sum(axis=1)).reshape(-1)
    i, j = counts.coords
    value = np.log(counts.data) + np.log(margin.sum()) - np.log(margin[i]) - np.log(margin[j])
    return sparse.csr_array((value, (i, j)), shape=counts.shape)


def sppmi(C: sparse.sparray | NDArray[Any], *, shift: float = 1.0) -> sparse.csr_array:
    r"""Return the shifted positive PMI, the matrix whose factors are embeddings of codes.

    .. math:: S_{ij} = \max(\mathrm{PMI}_{ij} - \log k,\ 0)

    Use it before `svd_embedding` and `MUGS`. A shift k above 1 keeps only pairs that are more than k
    times as frequent as by chance. Not with a shift below 1, which would tell pairs rarer than by chance from
    those that never occur.

    Parameters
    ----------
    C : array (n, n), sparse or dense
        Symmetric counts.
    shift : float, default 1
        k, at least 1: the number of negative samples of the neural model that this factorises.

    Returns
    -------
    csr_array (n, n)

    Raises
    ------
    MedgraftError
        A shift below 1, or counts that `pmi` refuses.

    Notes
    -----
    Cost O(number of pairs that occur). Levy and Goldberg (2014), "Neural word embedding as implicit matrix
    factorization", NeurIPS 27.

    Examples
    --------
    >>> C = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
    >>> sppmi(C, shift=2.0).nnz
    0
    """
    if not shift >= 1:
        raise MedgraftError(f"shift must be 1 or more, not {shift}.")
    S = pmi(C)
    # Rounding must not leave a pair that is exactly as frequent as the shift asks.
    S.data = np.where(S.data - np.log(shift) > 1e-12, S.data - np.log(shift), 0.0)
    S.eliminate_zeros()
    return S
