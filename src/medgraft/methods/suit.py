"""Which source suits a target: how far its patients are, and how well its rule does there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from medgraft.evidence import default_metric, interval
from medgraft.methods.learner import LogisticLearner, default_learner
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError, Table

MOST = 1000  # rows of each side that the kernel distance looks at


@dataclass(frozen=True)
class Suitability:
    """How one source stands to the target.

    Attributes
    ----------
    name : str
    rows, patients : int
    value, low, high : float or None
        The metric of the source's own model on the labelled target rows, with its 95 % interval over
        patients; None without labels on either side.
    a_distance : float
        Proxy A-distance, 0 (the sides cannot be told apart) to 2 (always), see `proxy_a_distance`.
    mmd2 : float
        Squared kernel distance of the features, see `mmd2`; about 0 for equal distributions.
    label_distance : float or None
        Total variation between class shares (0 to 1); values: difference of means in standard deviations of
        the target.
    class_distance : float or None
        Squared kernel distance within a class, averaged over the target's classes; None for values.
    """

    name: str
    rows: int
    patients: int
    value: float | None
    low: float | None
    high: float | None
    a_distance: float
    mmd2: float
    label_distance: float | None
    class_distance: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return asdict(self)


def proxy_a_distance(Z: Floats, side: Mask, units: Ints, seed: int = 0) -> float:
    r"""Return how well a linear classifier tells two sides apart on held-out patients.

    With :math:`\epsilon` its balanced error, :math:`2 (1 - 2 \epsilon)`, not under 0 (Ben-David et al. 2007,
    Advances in Neural Information Processing Systems 19). Rows of one patient are held out together.

    Parameters
    ----------
    Z : array (n, p)
    side : array (n,) of bool
    units : array (n,) of int
        Patients.
    seed : int
    """
    fold = inner_folds(number_again(units), k=5, seed=seed, stratum=side.astype(np.intp))
    guess = np.zeros(len(Z), dtype=bool)
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        if len(np.unique(side[train])) < 2:
            continue
        share = side[train].mean()
        weight = np.where(side[train], 0.5 / share, 0.5 / (1.0 - share))
        learner = LogisticLearner(penalties=[1.0]).fit(Z[train], side[train], weight, groups=units[train])
        guess[test] = learner.predict(Z[test])
    wrong = guess != side
    error = 0.5 * (wrong[side].mean() + wrong[~side].mean())
    return float(max(0.0, 2.0 * (1.0 - 2.0 * error)))


def mmd2(A: Floats, B: Floats, seed: int = 0) -> float:
    r"""Return the unbiased squared maximum mean discrepancy of two samples, with a Gaussian kernel.

    :math:`\overline{k(a, a')} + \overline{k(b, b')} - 2 \overline{k(a, b)}` over pairs of different rows; the
    width is the median distance. Above 1000 rows of a side, so many are drawn. It may fall below 0.
    Cost O(1000^2 p). Gretton et al. 2012, J. Mach. Learn. Res. 13:723-773.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(200, 2))
    >>> mmd2(a, a + 3.0) > 10 * abs(mmd2(a[:100], a[100:]))
    True
    """
    rng = np.random.default_rng(seed)
    A, B = (S if len(S) <= MOST else S[rng.choice(len(S), MOST, replace=False)] for S in (A, B))
    if min(len(A), len(B)) < 2:
        return float("nan")
    aa, bb, ab = cdist(A, A, "sqeuclidean"), cdist(B, B, "sqeuclidean"), cdist(A, B, "sqeuclidean")
    pairs = np.concatenate([aa[np.triu_indices(len(A), 1)], bb[np.triu_indices(len(B), 1)], ab.ravel()])
    width = float(np.median(pairs)) or 1.0
    n, m = len(A), len(B)
    ka, kb, kab = (np.exp(-d / width) for d in (aa, bb, ab))
    return float((ka.sum() - n) / (n * (n - 1)) + (kb.sum() - m) / (m * (m - 1)) - 2.0 * kab.mean())


def rank_sources(
    X: Any,
    y: Any,
    *,
    domain: Any,
    target: str,
    labelled: Any = None,
    groups: Any = None,
    task: str = "classification",
    random_state: int = 0,
) -> list[Suitability]:
    """Rank source domains by how well each one's own model does on the target's labelled rows.

    Use it to see which hospital to learn from before a trial. Not as proof that transfer helps: a ranking
    on the target's labelled rows flatters the first, and only a trial holds rows back.

    Parameters
    ----------
    X, y, domain, target, labelled, groups
        As in `TransferEstimator.fit`; y is ignored where `labelled` is false.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int

    Returns
    -------
    list of Suitability
        Best value first; without target labels, the smallest A-distance first.

    Raises
    ------
    InputError
        There is no source, or no target row.

    Notes
    -----
    Cost: for each source one fit and five linear classifiers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> site = np.repeat(["like", "unlike", "here"], 100)
    >>> y = np.where(site == "unlike", X[:, 1] > 0, X[:, 0] > 0)
    >>> [s.name for s in rank_sources(X, y, domain=site, target="here")]
    ['like', 'unlike']
    """
    names = np.asarray(domain).astype(str)
    rows = Rows.of(
        Table.of(X),
        y,
        regression=task == "regression",
        domain=names,
        target=target,
        labelled=labelled,
        groups=groups,
    )
    site = names[rows.index]
    found = sorted(set(site[rows.source].tolist()))
    if not found or not rows.target.any():
        raise InputError("Ranking needs rows of the target and of at least one other domain.")
    # Rows in the order of their content: draws then belong to the rows and not to their places.
    order = np.argsort(rows.table.keys(), kind="stable")
    Z = rows.encoder().transform(rows.table)
    made = [_suitability(name, Z, rows, site, order, random_state) for name in found]
    sign = -1.0 if task == "regression" else 1.0
    known = [s for s in made if s.value is not None]
    if len(known) == len(made):
        return sorted(made, key=lambda s: (-sign * (s.value or 0.0), s.name))
    return sorted(made, key=lambda s: (s.a_distance, s.name))


def _suitability(name: str, Z: Floats, rows: Rows, site: Any, order: Ints, seed: int) -> Suitability:
    s, t = (order[mask[order]] for mask in (site == name, rows.target))
    both = np.r_[s, t]
    side = np.repeat([False, True], [len(s), len(t)])
    ls, lt = s[rows.labelled[s]], t[rows.labelled[t]]
    value = low = high = label = within = None
    if len(ls) and len(lt):
        value, low, high = _own_model(Z, rows, ls, lt, seed)
        label = _label_distance(rows, ls, lt)
        within = _class_distance(Z, rows, ls, lt, seed) if rows.k else None
    return Suitability(
        name,
        len(s),
        len(np.unique(rows.units[s])),
        value,
        low,
        high,
        proxy_a_distance(Z[both], side, rows.units[both], seed),
        mmd2(Z[s], Z[t], seed),
        label,
        within,
    )


def _own_model(
    Z: Floats, rows: Rows, s: Ints, t: Ints, seed: int
) -> tuple[float | None, float | None, float | None]:
    """The metric of the source's own model on labelled target patients whom the source does not have."""
    t = t[~np.isin(rows.units[t], rows.units[s])]
    if not len(t) or (rows.k and (len(np.unique(rows.y[s])) < 2 or len(np.unique(rows.y[t])) < 2)):
        return None, None, None
    learner = default_learner("regression" if not rows.k else "classification", seed)
    learner.fit(Z[s], rows.y[s], rows.weight[s], groups=rows.units[s])
    if rows.k:
        p: Any = np.zeros((len(t), rows.k))
        p[:, np.asarray(learner.classes_, dtype=int)] = learner.predict_proba(Z[t])
    else:
        p = learner.predict(Z[t])
    kind = "regression" if not rows.k else "binary" if rows.k == 2 else "multiclass"
    found = interval(default_metric(kind), rows.y[t], p, group=rows.units[t], n_boot=500).to_dict()
    low, high = found["ci"] if found.get("ci") else (None, None)
    return found["value"], low, high


def _label_distance(rows: Rows, s: Ints, t: Ints) -> float:
    if not rows.k:
        spread = float(rows.y[t].std()) or 1.0
        return abs(float(rows.y[s].mean() - rows.y[t].mean())) / spread
    shares = [np.bincount(rows.y[i], minlength=rows.k) / len(i) for i in (s, t)]
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def _class_distance(Z: Floats, rows: Rows, s: Ints, t: Ints, seed: int) -> float | None:
    total = weight = 0.0
    for c in np.unique(rows.y[t]):
        a, b = s[rows.y[s] == c], t[rows.y[t] == c]
        if min(len(a), len(b)) >= 2:
            total, weight = total + len(b) * mmd2(Z[a], Z[b], seed), weight + len(b)
    return total / weight if weight else None
