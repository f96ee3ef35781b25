"""Embeddings of codes from one hospital's matrix, and several hospitals' laid over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from medgraft.base import MedgraftError
from medgraft.methods.splits import Floats

DENSE = 500  # codes up to which all eigenvectors are cheap


def svd_embedding(S: sparse.sparray | NDArray[Any], d: int) -> Floats:
    r"""Return embeddings whose inner products are nearest to a symmetric matrix.

    Use it on the SPPMI matrix of one hospital, or of several pooled. Not on its own for codes that are rare
    there: their rows are noise (`MUGS` borrows from other hospitals and from the code's group).

    It solves :math:`\min_E \|S - E E^\top\|_F^2` over (n, d) matrices: with the d largest eigenvalues
    :math:`\lambda` and their vectors, :math:`E = V \sqrt{\lambda}`. Negative eigenvalues are no inner
    products and are passed over. The sign of a column is such that its largest entry is positive.

    Parameters
    ----------
    S : array (n, n), sparse or dense
        Symmetric.
    d : int
        Length of an embedding.

    Returns
    -------
    ndarray (n, d)

    Raises
    ------
    MedgraftError
        S is not symmetric, or has fewer than d positive eigenvalues.

    Notes
    -----
    Cost O(n^3) up to 500 codes, else O(nnz d) a step of Lanczos' method, started from a fixed vector. Levy
    and Goldberg (2014), NeurIPS 27; Eckart and Young (1936), doi:10.1007/BF02288367.

    Examples
    --------
    >>> E = svd_embedding(np.array([[4.0, 2.0], [2.0, 1.0]]), 1)
    >>> E.round(6).tolist()
    [[2.0], [1.0]]
    """
    n = S.shape[0]
    scale = max(float(abs(S).max()), 1e-300) if n else 1.0
    if S.ndim != 2 or n != S.shape[1] or abs(S - S.T).max() > 1e-8 * scale:
        raise MedgraftError("An embedding needs a symmetric matrix: one row and one column a code.")
    if not 1 <= d <= n:
        raise MedgraftError(
            f"The length of an embedding lies between 1 and the number of codes {n}, not {d}."
        )
    if n <= DENSE or d > n // 3:
        dense = np.asarray(S if isinstance(S, np.ndarray) else S.toarray(), dtype=float)
        values, vectors = np.linalg.eigh(dense)
    else:
        from scipy.sparse.linalg import eigsh

        start = np.random.default_rng(0).normal(size=n)  # as eigsh would draw it, but always the same
        values, vectors = eigsh(S.astype(float), k=d, which="LA", v0=start)
    best = np.argsort(values)[::-1][:d]
    values, vectors = values[best], vectors[:, best]
    found = int((values > 1e-10 * max(float(abs(values).max()), 1e-300)).sum())
    if found < d:
        raise MedgraftError(f"The matrix has {found} positive eigenvalues, fewer than {d}: ask for so many.")
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.sign(vectors[largest, np.arange(d)]) * np.sqrt(values))


def procrustes(A: pd.DataFrame, B: pd.DataFrame, shared: Sequence[str] | None = None) -> Floats:
    r"""Return the rotation that lays one hospital's embeddings over another's.

    Use it because embeddings are known only up to a rotation, which differs between hospitals. Not where
    names agree but meanings do not: every shared code pulls.

    It solves :math:`\min_{W^\top W = I} \|A_C W - B_C\|_F^2` over the shared codes C: with
    :math:`A_C^\top B_C = P \Sigma Q^\top` it is :math:`W = P Q^\top`; a reflection is allowed.

    Parameters
    ----------
    A, B : DataFrame (n, d), (m, d)
        Embeddings, with codes as their index.
    shared : sequence of str, optional
        Codes to go by; default all that both have.

    Returns
    -------
    ndarray (d, d)
        ``A @ W`` is in B's coordinates.

    Raises
    ------
    MedgraftError
        Fewer shared codes than d, a code that one of them lacks, or different lengths.

    Notes
    -----
    Cost O(n d^2 + d^3). Schönemann (1966), doi:10.1007/BF02289451.

    Examples
    --------
    >>> B = pd.DataFrame([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], index=["a", "b", "c"])
    >>> (procrustes(B @ np.array([[0.0, 1.0], [-1.0, 0.0]]), B).round(6) + 0.0).tolist()
    [[0.0, -1.0], [1.0, 0.0]]
    """
    from scipy.linalg import orthogonal_procrustes

    if A.shape[1] != B.shape[1]:
        raise MedgraftError(
            f"Embeddings of lengths {A.shape[1]} and {B.shape[1]} do not lie over each other."
        )
    both = A.index.intersection(B.index, sort=False) if shared is None else pd.Index(shared)
    missing = [code for code in both if code not in A.index or code not in B.index]
    if missing:
        raise MedgraftError(f"Code '{missing[0]}' is not in both embeddings: leave it out of shared.")
    if len(both) < A.shape[1]:
        raise MedgraftError(
            f"{len(both)} shared codes cannot tell a rotation in {A.shape[1]} dimensions: share more codes, "
            "or take shorter embeddings."
        )
    return np.asarray(orthogonal_procrustes(A.loc[both].to_numpy(), B.loc[both].to_numpy())[0])


def align_hospitals(
    embeddings: Mapping[str, pd.DataFrame], reference: str | None = None
) -> dict[str, pd.DataFrame]:
    """Lay the embeddings of all hospitals over those of one.

    Use it to compare codes across hospitals, or to lend embeddings for codes that a hospital lacks. Not to
    make the embeddings better: a rotation changes no cosine within a hospital.

    Parameters
    ----------
    embeddings : dict of site -> DataFrame (n_s, d)
        With codes as their index.
    reference : str, optional
        The site whose coordinates stay; default the first.

    Returns
    -------
    dict of site -> DataFrame (n_s, d)

    Raises
    ------
    MedgraftError
        The reference is not among the sites, or a site shares too few codes with it: see `procrustes`.

    Notes
    -----
    Cost O(S (n d^2 + d^3)) for S sites.

    Examples
    --------
    >>> here = pd.DataFrame([[1.0, 0.0], [0.0, 2.0]], index=["a", "b"])
    >>> there = pd.DataFrame([[0.0, 1.0], [2.0, 0.0], [3.0, 0.0]], index=["a", "b", "new"])
    >>> align_hospitals({"here": here, "there": there})["there"].loc["new"].round(6).tolist()
    [0.0, 3.0]
    """
    names = list(embeddings)
    if reference is None:
        reference = names[0]
    if reference not in embeddings:
        raise MedgraftError(f"There is no site '{reference}' among {', '.join(names)}.")
    fixed = embeddings[reference]
    return {
        site: E.copy() if site == reference else E @ procrustes(E, fixed) for site, E in embeddings.items()
    }
