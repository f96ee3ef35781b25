"""Learn on curved coordinates in which source and target have one mean and most of the variance is left."""

from __future__ import annotations

from medgraft.methods.feature.kernel_space import KernelMethod, KernelSpace, Problem, domain_gap
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats


@method(
    "tca",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n m (p + m) + m^3)",
    refs=(
        "Pan, Tsang, Kwok and Yang 2011, doi:10.1109/TNN.2010.2091281",
        "Zhang, Tsang and Kwok 2008, Proc. 25th Int. Conf. Machine Learning (means as landmarks)",
    ),
)
class TCA(KernelMethod):
    r"""Learn on transfer components: coordinates that keep the variance and lose the domain.

    Use it when the domains differ along some, possibly curved, direction that has little to do with the
    outcome (device, protocol), and target patients without labels are at hand. Not when the domains differ
    in how ill their patients are: the components then avoid the illness. Not to explain single features.

    With the kernel matrix :math:`K` of all n rows, :math:`s` (n,) holding :math:`1/n_s` for source and
    :math:`-1/n_t` for target rows, and :math:`H` the centring matrix, the weights :math:`W` (n, d) solve

    .. math:: \min_W\; \mathrm{tr}\,W^\top K s s^\top K W + \mu\, \mathrm{tr}\, W^\top W
              \quad\text{subject to}\quad W^\top K H K W = I.

    The first term is the squared maximum mean discrepancy between the domains on the components
    :math:`K W`. The solutions are the leading eigenvectors of the symmetric pencil
    :math:`(K H K,\; K s s^\top K + \mu I)`. Here :math:`K = \Phi \Phi^\top` is the Gaussian kernel seen from
    m landmarks (Nystroem), for which that pencil is exactly one of m x m, so that n rows cost O(n). With
    every row as a landmark it would be the paper's problem itself; in tests the objective is within 2 %.

    Components are scaled to mean square 1. The learner gets all labelled rows of both sides.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state draws the rows that make the landmarks.
    n_components : int
        Number of components d, at most.
    penalty : float
        :math:`\mu`, above 0. The larger, the smoother the components; the smaller, the closer the domains.
    width : float, optional
        Width :math:`\sigma` of the kernel :math:`e^{-\|x - z\|^2 / 2 \sigma^2}` in encoded features; default
        the median distance between patients.
    n_landmarks : int
        Number m of landmarks, at most.

    Attributes
    ----------
    n_components_ : int
        The d used; 0 where nothing was transferred.
    eigenvalues_ : array (d,)
        The largest first; the sum of their inverses is the objective reached.
    width_ : float
        The width used.
    landmarks_ : array (m, p)
    projection_ : array (m, d)
        The components of encoded rows x are k(x, landmarks) projection.
    note_ : str
        Says so when there were too few patients and all were pooled.

    Raises
    ------
    InputError
        A setting that is not a positive number.

    Notes
    -----
    Landmarks are means of groups of alike rows, of three different patients or more, so that no patient's
    row is kept; groups come from at most 10 m rows of each side. Memory O(n (p + d) + m^2). All sources are
    taken as one.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = X[:, 0] > 0
    >>> X[:200, 1] += 3.0  # the source's device adds to the other feature
    >>> site = np.repeat(["a", "b"], 200)
    >>> m = TCA(n_components=5).fit(X, y, domain=site, target="b", labelled=site == "a")
    >>> m.predict([[-1.0, 0.0], [1.0, 0.0]]).tolist()
    [False, True]
    """

    def _adapt(self, Z: Floats, rows: Rows, space: KernelSpace, problem: Problem) -> None:
        self._keep(space, problem, space.sums(Z, domain_gap(rows)))
