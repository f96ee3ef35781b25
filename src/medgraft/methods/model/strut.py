"""Structure transfer: the source's trees keep their questions, target patients move the thresholds."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from medgraft.methods.model.refined import Node, Patients, RefinedForest
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats, Ints


@method(
    "strut",
    family="model",
    tasks=("classification",),
    needs=("source", "target-labels"),
    cost="O(T n p log n), T trees",
    refs=("Segev et al. 2017, doi:10.1109/TPAMI.2016.2618118",),
)
class STRUT(RefinedForest):
    r"""Keep the questions of a source forest and choose every threshold anew on target patients.

    Use it when the same measurements matter at the target but on another scale or from another level (another
    assay, device or unit). Not with a handful of target patients: what none of them reaches is cut off.

    At a node that asks for feature j, with the target's patients S, the threshold :math:`\tau` is the one of
    largest

    .. math:: DG(\tau) = 1 - \frac{|S_L|}{|S|} JSD(q_L, Q_L) - \frac{|S_R|}{|S|} JSD(q_R, Q_R)

    among the local maxima of the information gain, where q are the shares of the classes among the target's
    patients on either side, Q those of the source's patients, and JSD is the Jensen-Shannon divergence in
    bits. The same is tried with the two sides exchanged; where that is larger, the subtrees change places. A
    node with one patient or one class becomes a leaf; leaves predict the shares of the target's classes, one
    that no patient reached its parent's. The forest is the mean of its trees.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method has a model of its own.
    trees : int
        Trees of the source forest (the paper: 50).
    leaf : int
        Fewest patients in a leaf of the source's trees.

    Attributes
    ----------
    learner_ : Trees
        The refined forest.
    note_ : str
        Says so when there was no source or no target label.

    Raises
    ------
    InputError
        An `estimator` was given, or a setting below one.

    Notes
    -----
    All sources are pooled. Each source tree draws at most 5000 patients. Memory O(nodes).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(260, 1))
    >>> y = x[:, 0] > 0
    >>> x[200:] = 10.0 - x[200:]  # another assay: shifted and upside down
    >>> site = np.repeat(["a", "here"], [200, 60])
    >>> STRUT().fit(x, y, domain=site, target="here").predict([[9.0], [11.0]]).tolist()
    [True, False]
    """

    def _rebuild(self, root: Node, patients: Patients, seed: int) -> Node:
        return strut(root, patients, np.arange(len(patients.y)), np.ones(patients.k))


def strut(node: Node, patients: Patients, at: Ints, above: Floats) -> Node:
    """Rebuild a tree for patients `at`; `above` are the shares of its parent."""
    value = patients.shares(at, above)
    if node.left is None or node.right is None or len(np.unique(patients.y[at])) < 2:
        return Node(value)
    found = threshold(node, patients, at)
    if found is None:
        return Node(value)
    tau, swapped = found
    first, second = (node.right, node.left) if swapped else (node.left, node.right)
    low, high = patients.cut(at, node.feature, tau)
    left, right = strut(first, patients, low, value), strut(second, patients, high, value)
    return Node(value, node.feature, tau, left, right)


def threshold(node: Node, patients: Patients, at: Ints) -> tuple[float, bool] | None:
    """The best threshold and whether the sides change places; None where no cut is possible."""
    assert node.left is not None and node.right is not None
    x = patients.X[at, node.feature].astype(float)
    level, place = np.unique(x, return_inverse=True)
    if len(level) < 2:
        return None
    count = np.zeros((len(level), patients.k))
    np.add.at(count, (place, patients.y[at]), patients.w[at])
    low = count.cumsum(axis=0)[:-1]
    high = count.sum(axis=0) - low
    gain = np.r_[0.0, information_gain(low, high), 0.0]
    top = (gain[1:-1] >= gain[:-2]) & (gain[1:-1] >= gain[2:])
    straight = similarity(low, high, node.left.value, node.right.value)
    crossed = similarity(low, high, node.right.value, node.left.value)
    score = np.where(top, np.maximum(straight, crossed), -np.inf)
    if not score.max() > 0:
        return None
    best = int(np.argmax(score >= score.max() - 1e-12))
    tau = 0.5 * (level[best] + level[best + 1])
    return float(tau), bool(crossed[best] > straight[best] + 1e-12)


def information_gain(low: Floats, high: Floats) -> Floats:
    """Entropy of the whole less the mean entropy of the two sides, in bits, for counts (n, k) a side."""

    def bits(count: Floats) -> Floats:
        total = count.sum(axis=1)
        return np.asarray((xlogy(total, total) - xlogy(count, count).sum(axis=1)) / np.log(2.0))

    whole = low + high
    return np.asarray((bits(whole) - bits(low) - bits(high)) / whole.sum(axis=1))


def similarity(low: Floats, high: Floats, left: Floats, right: Floats) -> Floats:
    """One less the weighted Jensen-Shannon divergences, in bits, from shares `left` and `right`."""
    n_low, n_high = low.sum(axis=1), high.sum(axis=1)
    far = n_low * divergence(low, left) + n_high * divergence(high, right)
    return np.asarray(1.0 - far / (n_low + n_high))


def divergence(count: Floats, share: Floats) -> Floats:
    """Jensen-Shannon divergence, in bits, of counts (n, k) from shares (k,)."""
    p = count / np.maximum(count.sum(axis=1, keepdims=True), 1e-300)
    middle = 0.5 * (p + share)

    def towards(q: Floats) -> Floats:
        return np.asarray((xlogy(q, q) - xlogy(q, middle)).sum(axis=1))

    return np.asarray(0.5 * (towards(p) + towards(np.broadcast_to(share, p.shape))) / np.log(2.0))
