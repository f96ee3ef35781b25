"""Personal k-means."""

from __future__ import annotations

import numpy as np

from medgraft.methods.splits import Floats
from medgraft.methods.streaming.clusters import StreamingClusters


class StreamingKMeans(StreamingClusters):
    r"""Nearest centre of a population's clusters, which move towards one person's windows.

    Use it on a wearable or another small device that meets one person's windows one at a time, with a label
    now and then: a window is learnt from and thrown away. Not where windows are kept and a model can be
    fitted to all of them at once, and prefer `StreamingGMM` where classes overlap or differ in how common
    they are.

    Each window goes to its nearest centre, :math:`k = \arg\min_j \|z - m_j\|`, which becomes the running mean
    (MacQueen's sequential k-means),

    .. math:: n_k \leftarrow (1 - f w)\, n_k + w, \qquad m_k \leftarrow m_k + w (z - m_k) / n_k,

    with w = 1 for a labelled window and w = u for one without a label, in the coordinates z in which the
    population's classes differ most for their spread within. With f > 0 a centre remembers about its last 1/f
    windows. Each label told adds to the mass :math:`M_k` of its centre's labels; one that contradicts the
    prediction begins a new centre. Probabilities are :math:`M_{kc} / \sum_c M_{kc}` of the nearest centre.

    Parameters
    ----------
    per_class : int
        Most clusters of the population per class; with few labels 1 may be better.
    strength : float
        Windows that a cluster of the population is worth, on average: the more, the slower a person's windows
        move it.
    unlabelled : float
        u, from 0 to 1: what a window without a label is worth. 0 where activities are hard to tell apart, for
        windows that go to a wrong centre then pull it away: measured on WISDM, windows without labels help
        k-means with one or two labels of each activity; else they show nothing, or a little harm.
    forget : float
        f, 0 or more and less than 1.
    budget : int
        Bytes that the saved state never exceeds; clusters are merged to keep to it.

    Attributes
    ----------
    projection_, classes_
        See `StreamingModel`.
    count_ : array (k,)
        Windows that each cluster is worth.
    mean_ : array (k, d)
        Centres.
    mass_ : array (k, C)
        Labels that each cluster is worth.

    Raises
    ------
    InputError
        Settings out of range, or a budget that cannot hold one cluster.

    Notes
    -----
    `fit` learns the population, `partial_fit` goes on with one person, `blank` starts without a population.
    The population's state holds means over people; a person's own state is personal data, for a young cluster
    lies at a single window. Cost O(k d) time a window and O(p d + k (d + C)) memory. After Roy et al. (2024),
    doi:10.3390/s24144444, who start without a population.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile(["sit", "walk"], 60)
    >>> X = rng.normal(size=(120, 3)) + 4 * (y == "walk")[:, None]
    >>> m = StreamingKMeans().fit(X, y, groups=np.arange(120) // 20)
    >>> m.predict([[6.0, 6.0, 6.0]]).tolist()  # this person's sitting looks like others' walking
    ['walk']
    >>> m.partial_fit([[6.0, 6.0, 6.0]], ["sit"]).predict([[6.0, 6.0, 6.0], [3.9, 3.9, 3.9]]).tolist()
    ['sit', 'walk']
    >>> m.state_bytes() < 20_480
    True
    """

    def _fit_of(self, Z: Floats) -> Floats:
        far = ((Z[:, None] - self.mean_) ** 2).sum(axis=2)
        log = np.full(far.shape, -np.inf)
        log[np.arange(len(Z)), far.argmin(axis=1)] = 0.0
        return log
