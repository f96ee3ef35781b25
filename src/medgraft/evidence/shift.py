"""How unlike source and target are: features, labels, and how much of what teaches is source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist, squareform
from scipy.special import ndtri
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medgraft.base import MedgraftError
from medgraft.evidence.decision.rates import rate
from medgraft.evidence.fairness.mover import mover
from medgraft.evidence.interval import Interval, interval, jsonable
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.paired.difference import patients

FEWEST = 10
MOST = 500  # patients of either side in the MMD: its kernel matrix must stay small
PERMUTATIONS = 500


@dataclass(frozen=True)
class Shift:
    """Measures of how unlike source and target patients are.

    Attributes
    ----------
    discriminability : Interval
        AUROC of a classifier that tells target from source by the features; 0.5 where they are alike.
    mmd2 : float
        Squared maximum mean discrepancy of the features, unbiased: around 0 where they are alike.
    mmd_p : float
        Its permutation p-value.
    label : Interval or None
        Target minus source: share of the class `label_of`, or difference of mean labels in standard
        deviations where `label_of` is "".
    label_of : str
        The class whose share differs most.
    n_source, n_target : int
        Patients.
    """

    discriminability: Interval
    mmd2: float
    mmd_p: float
    label: Interval | None
    label_of: str
    n_source: int
    n_target: int

    @property
    def source_share(self) -> float:
        """Share of the patients that are source."""
        return self.n_source / (self.n_source + self.n_target)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "discriminability": self.discriminability.to_dict(),
            "mmd2": jsonable(self.mmd2),
            "mmd_p": jsonable(self.mmd_p),
            "label": None if self.label is None else self.label.to_dict(),
            "label_of": self.label_of,
            "n_source": self.n_source,
            "n_target": self.n_target,
            "source_share": self.source_share,
        }

    def sentences(self) -> list[str]:
        """Say each measure in a sentence, without claiming that it caused anything."""
        d = self.discriminability
        level = f"{100 * d.level:g} % interval"
        alike = "the features differ" if d.lo > 0.5 else "that the features differ is not shown"
        out = [
            f"A classifier tells target from source patients with an AUROC of {d.value:.2f} ({level} "
            f"{d.lo:.2f} to {d.hi:.2f}): {alike}.",
            f"The squared MMD of the features is {self.mmd2:.3f} (permutation p = {self.mmd_p:.3f}).",
        ]
        x = self.label
        if x is not None:
            known = "" if x.lo > 0 or x.hi < 0 else ", which may be chance"
            way = "more" if x.value > 0 else "less"
            if self.label_of:
                said = f"'{self.label_of}' is {abs(100 * x.value):.0f} points {way} frequent in the target"
                span = f"{100 * x.lo:+.0f} to {100 * x.hi:+.0f}"
            else:
                higher = "higher" if x.value > 0 else "lower"
                said = f"The mean label is {abs(x.value):.2f} standard deviations {higher} in the target"
                span = f"{x.lo:+.2f} to {x.hi:+.2f}"
            out.append(f"{said} ({level} {span}){known}.")
        out.append(
            f"{self.n_source} of the {self.n_source + self.n_target} patients ({self.source_share:.0%}) are "
            f"source."
        )
        return out


def shift(
    X_source: ArrayLike,
    X_target: ArrayLike,
    y_source: ArrayLike | None = None,
    y_target: ArrayLike | None = None,
    *,
    group_source: ArrayLike | None = None,
    group_target: ArrayLike | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Shift:
    r"""Measure how unlike source and target patients are, in features and in labels.

    Use it beside a transfer that harmed (or helped), to know what went with it. Not as a reason: a large
    shift often does no harm, and what does (the same features meaning another label) shows in none of these
    measures. Not to decide whether to transfer: ask a trial.

    Of each patient one row is drawn, so that rows of one patient are neither counted nor recognised again.

    - *Discriminability*: the AUROC, over five folds, of a logistic regression on standardised features (with
      their gaps filled and marked) that tells target from source.
    - *MMD*: :math:`E k(s, s') + E k(t, t') - 2 E k(s, t)`, pairs of different patients, with a Gaussian
      kernel of the median distance on standardised features; at most 500 patients of either side. Its
      p-value is the share of 500 exchanges of patients that reach it.
    - *Labels*: for classes the difference of the shares of the class that differs most, at a level adjusted
      for their number; for values the difference of the means in standard deviations.

    Parameters
    ----------
    X_source, X_target : (n, p), (m, p) array
        Features as numbers; NaN where missing.
    y_source, y_target : (n,), (m,) array, optional
        Labels; missing ones are left out. Numbers with more than ten distinct values are values.
    group_source, group_target : (n,), (m,) array, default every row its own
        Patients.
    n_boot, seed, level
        As in `interval`.

    Returns
    -------
    Shift

    Raises
    ------
    MedgraftError
        The features do not fit each other, or a side has fewer than ten patients.

    Notes
    -----
    Cost O(n p) for the classifier, and 1000^2 (p + 500) at most for the MMD: under a second.

    References
    ----------
    Gretton et al. 2012, Journal of Machine Learning Research 13, 723-773. Lopez-Paz and Oquab 2017,
    arXiv:1610.06545 (classifier two-sample tests).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> got = shift(rng.normal(size=(80, 3)), rng.normal(size=(40, 3)) + 3, n_boot=100)
    >>> got.discriminability.value > 0.99, got.mmd_p < 0.01
    (True, True)
    """
    sides = [np.asarray(x, dtype=float) for x in (X_source, X_target)]
    if any(x.ndim != 2 for x in sides) or sides[0].shape[1] != sides[1].shape[1]:
        raise MedgraftError(
            f"Source and target need the same features: shapes {sides[0].shape} and {sides[1].shape}."
        )
    who = [patients(g, len(x)) for g, x in zip((group_source, group_target), sides, strict=True)]
    rng = np.random.default_rng(seed)
    rows = [_one_row_each(g, rng) for g in who]
    n_source, n_target = (len(r) for r in rows)
    if min(n_source, n_target) < FEWEST:
        raise MedgraftError(
            f"There are {n_source} source and {n_target} target patients: a shift needs {FEWEST} of either."
        )
    X = np.vstack([x[r] for x, r in zip(sides, rows, strict=True)])
    target = np.repeat([0, 1], [n_source, n_target])
    fold, p = _told_apart(X, target, seed)
    found = interval("auroc", target, p, fold=fold, n_boot=n_boot, seed=seed, level=level)
    mmd2, mmd_p = _mmd(X, target, rng)
    label, of = None, ""
    if y_source is not None and y_target is not None:
        label, of = _labels([np.asarray(y_source), np.asarray(y_target)], who, rows, level)
    return Shift(found, mmd2, mmd_p, label, of, n_source, n_target)


def _one_row_each(group: Ints, rng: np.random.Generator) -> Ints:
    mixed = rng.permutation(len(group))
    return np.asarray(mixed[np.unique(group[mixed], return_index=True)[1]], dtype=np.int64)


def _told_apart(X: Floats, target: Ints, seed: int) -> tuple[Ints, Floats]:
    """Return the fold of each row, and the probability of being target by a model of the other folds."""
    fold, p = np.zeros(len(X), dtype=np.int64), np.zeros((len(X), 2))
    parts = StratifiedKFold(5, shuffle=True, random_state=seed)
    for k, (train, test) in enumerate(parts.split(X, target)):
        model = make_pipeline(_filled(), StandardScaler(), LogisticRegression(max_iter=1000))
        fold[test], p[test] = k, model.fit(X[train], target[train]).predict_proba(X[test])
    return fold, p


def _filled() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _mmd(X: Floats, target: Ints, rng: np.random.Generator) -> tuple[float, float]:
    kept = np.concatenate([rng.permutation(np.flatnonzero(target == k))[:MOST] for k in (0, 1)])
    Z = StandardScaler().fit_transform(_filled().fit_transform(X[kept]))
    apart = squareform(pdist(Z))
    width = float(np.median(apart[np.triu_indices(len(Z), 1)])) or 1.0
    K = np.exp(-((apart / width) ** 2) / 2)
    np.fill_diagonal(K, 0.0)
    t = target[kept].astype(float)
    mixed = np.stack([t, *(rng.permutation(t) for _ in range(PERMUTATIONS))], axis=1)
    m, n = t.sum(), (1 - t).sum()
    within = np.einsum("ib,ib->b", mixed, K @ mixed) / (m * (m - 1))
    across = np.einsum("ib,ib->b", 1 - mixed, K @ mixed) / (m * n)
    other = np.einsum("ib,ib->b", 1 - mixed, K @ (1 - mixed)) / (n * (n - 1))
    value = within + other - 2 * across
    return float(value[0]), float((value >= value[0] - 1e-12).mean())


def _labels(y: list[Any], who: list[Ints], rows: list[Ints], level: float) -> tuple[Interval | None, str]:
    """Return the difference of the labels, target minus source, and the class it is of."""
    columns = [pd.Series(v) for v in y]
    if any(len(c) != len(g) for c, g in zip(columns, who, strict=True)):
        raise MedgraftError("Labels need one entry for each row of features, in source and in target.")
    known = [c.notna().to_numpy() for c in columns]
    if not all(k.any() for k in known):
        return None, ""
    both = pd.concat([c[k] for c, k in zip(columns, known, strict=True)], ignore_index=True)
    if pd.api.types.is_numeric_dtype(both) and both.nunique() > 10:
        a, b = (c.to_numpy(dtype=float)[r][k[r]] for c, r, k in zip(columns, rows, known, strict=True))
        return _standardised(a, b, level), ""
    classes = sorted(both.unique(), key=str)
    strict = level if len(classes) == 2 else 1 - (1 - level) / len(classes)
    best, of = None, ""
    for name in classes[1:] if len(classes) == 2 else classes:
        source, target = (
            rate((c == name).to_numpy(dtype=bool), k, g, strict)
            for c, k, g in zip(columns, known, who, strict=True)
        )
        gap = mover(target, source)
        if best is None or abs(gap.value) > abs(best.value):
            best, of = Interval(gap.value, gap.lo, gap.hi, level), str(name)
    return best, of


def _standardised(source: Floats, target: Floats, level: float) -> Interval | None:
    """Return the difference of means in pooled standard deviations, with its large-sample interval."""
    n, m = len(source), len(target)
    if min(n, m) < 2:
        return None
    pooled = math.sqrt(((n - 1) * source.var(ddof=1) + (m - 1) * target.var(ddof=1)) / (n + m - 2))
    if pooled == 0:
        return None
    d = float((target.mean() - source.mean()) / pooled)
    half = float(ndtri((1 + level) / 2)) * math.sqrt(1 / n + 1 / m + d * d / (2 * (n + m)))
    return Interval(d, d - half, d + half, level)
