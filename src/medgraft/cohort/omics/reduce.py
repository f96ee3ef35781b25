"""From hundreds of thousands of features to some dozens, learnt from training rows only."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.omics.base import Matrix, fill_values, filled, missing_rate, variance
from medgraft.cohort.omics.rows import as_matrix

METHODS = ("pca", "variance")
_MAX_ROWS = 20_000  # the Gram matrix of more takes over 3 GiB


class OmicsReducer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Principal components, or the most variable features, of a matrix that is too wide for memory.

    Use it inside the training part of a split. Not for tables of a few hundred columns: scikit-learn's own
    tools do that. Everything is learnt in `fit`: which features are measured often enough, what replaces
    missing values, means, and components.

    With the centred, imputed training rows :math:`X` (n, p) and n much smaller than p, the components come
    from
    the Gram matrix, summed over blocks of columns, exactly as from the whole:

    .. math:: G = \sum_b X_b X_b^\top = U \Lambda U^\top, \qquad V = X^\top U \Lambda^{-1/2}

    Parameters
    ----------
    k : int, default 50
        Number of columns; fewer where the rows have a lower rank, with a warning.
    method : {"pca", "variance"}
        Scores on the first `k` principal components, or the `k` features of largest variance as they are.
    max_missing : float, default 0.2
        Features missing in a larger share of the training rows are not used.
    impute : {"median", "mean"}
        What replaces a missing value: the feature's median or mean over the training rows.
    block : int, default 4096
        Columns in memory at a time; the result does not depend on it.

    Attributes
    ----------
    features_ : ndarray of str
        Used features; for ``"variance"`` the chosen ones, most variable first.
    fill_, mean_ : ndarray, (features,)
    components_ : ndarray of float32, (k, features)
        ``"pca"`` only; the largest entry of each component is positive.
    explained_variance_, explained_variance_ratio_ : ndarray, (k,)
        ``"pca"`` only; the ratio is of the variance of all used features.

    Raises
    ------
    MedgraftError
        Fewer than two training rows or more than 20,000, no feature left, or new data that lack more than
        half of
        the features.

    Notes
    -----
    Cost of ``"pca"``: :math:`O(n^2 p)` time, two passes over the matrix; memory n x block + n x n + k x p.
    The same
    as scikit-learn's ``PCA(svd_solver="full")`` up to signs and rounding.

    Examples
    --------
    >>> X = np.array([[1.0, 0, 5], [2, 0, np.nan], [3, 0, 9]])
    >>> OmicsReducer(1, "variance", max_missing=0.5).fit_transform(X)["2"].tolist()
    [5.0, 7.0, 9.0]
    """

    def __init__(
        self,
        k: int = 50,
        method: str = "pca",
        *,
        max_missing: float = 0.2,
        impute: str = "median",
        block: int = 4096,
    ) -> None:
        self.k = k
        self.method = method
        self.max_missing = max_missing
        self.impute = impute
        self.block = block

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from training rows.

        Parameters
        ----------
        X : Omics, numbers (n, p), or references (n,)
            A cohort's omics column, or a matrix. Samples without a reference are passed over.
        """
        self._check()
        matrix, _, _ = as_matrix(X)
        if not 2 <= matrix.n <= _MAX_ROWS:
            raise MedgraftError(f"Omics are reduced on 2 to {_MAX_ROWS:,} training rows, not {matrix.n}.")
        spread = variance(matrix)
        good = (missing_rate(matrix) <= self.max_missing) & (np.nan_to_num(spread) > 0)
        if not good.any():
            raise MedgraftError(
                f"None of the {len(good)} features is measured in {100 * (1 - self.max_missing):.0f} % of "
                "the "
                "training rows and varies there: raise max_missing."
            )
        places = np.flatnonzero(good)
        if self.method == "variance":
            self._cut(len(places), "features that vary")
            order = np.argsort(-spread[places], kind="stable")[: self.k]
            places = places[order]
        used = matrix.at(places)
        self.features_ = used.features
        if self.method == "pca":
            self._fit_pca(used)
        else:
            self.fill_ = np.concatenate([fill_values(b, self.impute) for _, b in used.blocks(self.block)])
        self.n_features_in_ = int(matrix.shape[1])
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the k columns for every row of X; a row without a reference gets the training rows' centre.

        Features are found by name, where X has names; absent ones are filled in.
        """
        check_is_fitted(self, "features_")
        matrix, places, n = as_matrix(X)
        there, here = self._align(matrix)
        k = len(self.get_feature_names_out())
        pca = self.method == "pca"
        out = np.zeros((n, k)) if pca else np.tile(self.fill_, (n, 1))
        if pca:
            # What an absent feature gives every row: its fill value in place of its mean.
            gone = np.setdiff1d(np.arange(len(self.features_)), there)
            out += (self.fill_[gone] - self.mean_[gone]) @ self.components_[:, gone].T.astype(np.float64)
        for block, values in here.blocks(self.block):
            to = there[block]
            full = filled(values, self.fill_[to])
            if pca:
                out[places] += (full - self.mean_[to]) @ self.components_[:, to].T.astype(np.float64)
            else:
                out[np.ix_(places, to)] = full
        if pca and len(places) < n:
            absent = np.setdiff1d(np.arange(n), places)
            out[absent] = (self.fill_ - self.mean_) @ self.components_.T.astype(np.float64)
        index = X.index if isinstance(X, pd.Series | pd.DataFrame) else None
        return pd.DataFrame(out, index=index, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return ``pc1``, ``pc2``, ... or the names of the chosen features."""
        check_is_fitted(self, "features_")
        if self.method == "variance":
            return self.features_
        return np.array([f"pc{i + 1}" for i in range(len(self.components_))], dtype=object)

    def _check(self) -> None:
        for value, options, what in (
            (self.method, METHODS, "method"),
            (self.impute, ("median", "mean"), "impute"),
        ):
            if value not in options:
                near = did_you_mean(str(value), options)
                raise MedgraftError(f"{what} is one of {' and '.join(options)}, not '{value}'.{near}")
        if not isinstance(self.k, int | np.integer) or self.k < 1:
            raise MedgraftError(f"k is a number of columns, 1 or more, not {self.k}.")
        if not 0 <= self.max_missing <= 1:
            raise MedgraftError(f"max_missing is a share between 0 and 1, not {self.max_missing}.")

    def _cut(self, most: int, of_what: str) -> None:
        if self.k > most:
            warnings.warn(f"There are only {most} {of_what}, not {self.k}.", UserWarning, stacklevel=3)

    def _fit_pca(self, matrix: Matrix) -> None:
        n, p = matrix.shape
        gram = np.zeros((n, n))
        self.fill_, self.mean_ = np.empty(p), np.empty(p)
        for place, values in matrix.blocks(self.block):
            self.fill_[place] = fill_values(values, self.impute)
            full = filled(values, self.fill_[place])
            self.mean_[place] = full.mean(axis=0)
            full -= self.mean_[place]
            gram += full @ full.T
        size, vectors = np.linalg.eigh(gram)
        size, vectors = size[::-1], vectors[:, ::-1]
        # The centred rows have rank n - 1 at most; what is left beyond is rounding.
        rank = max(1, int((size[: n - 1] > size[0] * n * np.finfo(float).eps).sum()))
        self._cut(rank, f"principal components of {n} training rows")
        k = min(int(self.k), rank)
        turn = vectors[:, :k] / np.sqrt(size[:k])
        self.components_ = np.empty((k, p), np.float32)
        for place, values in matrix.blocks(self.block):
            centred = filled(values, self.fill_[place]) - self.mean_[place]
            self.components_[:, place] = (centred.T @ turn).T
        largest = np.abs(self.components_).argmax(axis=1)
        self.components_ *= np.sign(self.components_[np.arange(k), largest])[:, None]
        self.explained_variance_ = size[:k] / (n - 1)
        self.explained_variance_ratio_ = size[:k] / np.trace(gram)

    def _align(self, matrix: Matrix) -> tuple[NDArray[np.int64], Matrix]:
        """Return which of the learnt features a matrix has, and the matrix of these."""
        found = pd.Index(matrix.features).get_indexer(pd.Index(self.features_))
        there = np.flatnonzero(found >= 0)
        if 2 * len(there) < len(found):
            raise MedgraftError(
                f"The new samples have {len(there)} of the {len(found)} features that were learnt from: they "
                "were "
                "measured differently."
            )
        if len(there) < len(found):
            warnings.warn(
                f"{len(found) - len(there)} of {len(found)} features are absent in the new samples and are "
                "filled "
                "with the training rows' typical values.",
                UserWarning,
                stacklevel=3,
            )
        return there, matrix.at(found[there].astype(np.int64))
