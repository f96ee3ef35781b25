"""Whether the latent nodes of a model stand for genes that lie together in a network of proteins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import false_discovery_control

from medgraft.base import MedgraftError
from medgraft.methods.splits import Floats, Ints

LEVEL = 0.05  # false discovery rate at which a node counts as coherent
FEWEST = 10  # genes that one of like degree is drawn from; with 20, degree alone passed for closeness
CHUNK = 200  # random sets counted at once


@dataclass(frozen=True)
class Coherence:
    """How close the top genes of each latent node lie.

    Attributes
    ----------
    edges : array (d,)
        Edges between the top genes of each node.
    z : array (d,)
        `edges` in standard deviations above random sets of as many genes of like degree; 0 where these do not
        vary.
    p : array (d,)
        Share of random sets, itself among them, with as many edges or more.
    centrality : array (d,)
        Mean degree of the top genes in standard deviations above that of as many genes drawn at random.
    share : float
        Share of nodes that are coherent at a false discovery rate of 5 % (Benjamini and Hochberg).
    top : list of lists of str
        The genes, the strongest first.
    genes : int
        Genes that were measured and are in the network.
    """

    edges: Floats
    z: Floats
    p: Floats
    centrality: Floats
    share: float
    top: list[list[str]]
    genes: int


def coherence(
    latent: ArrayLike,
    genes: Sequence[str],
    network: Iterable[tuple[str, str]],
    *,
    top: int = 100,
    draws: int = 1000,
    seed: int = 0,
) -> Coherence:
    r"""Ask whether each latent node's top genes lie closer in a protein network than genes of like degree.

    Use it to choose among models of omics rows by what biology knows beforehand, where the loss cannot tell
    them apart. Not as proof of a mechanism, nor to choose by and then to report as if it were a finding: a
    network of well-studied genes favours well-studied genes.

    A gene's influence on node j is the largest :math:`|L_{ji}|` over its columns i. With the set
    :math:`S_j` of the `top` genes and edges E, closeness is :math:`e_j = |\{(g, h) \in E : g, h \in S_j\}|`.
    Random sets :math:`S_j^{(b)}` of the same size and like degrees give

    .. math:: z_j = \frac{e_j - \bar e}{\mathrm{sd}(e^{(b)})}, \qquad
              p_j = \frac{1 + |\{b : e^{(b)} \ge e_j\}|}{1 + B}.

    Centrality is compared with sets of any degree instead (against like degrees its z would be 0 by
    construction), in closed form for draws without replacement.

    Parameters
    ----------
    latent : array (d, p)
        What each node does to each column, such as `light_up`.
    genes : sequence of str (p,)
        Gene of each column; "" or None where a column has none. Genes of no column and columns whose gene is
        not in the network play no part.
    network : iterable of pairs of str
        Undirected edges; doubles and loops are dropped.
    top : int
        Genes of a node.
    draws : int
        B, random sets.
    seed : int

    Returns
    -------
    Coherence

    Raises
    ------
    MedgraftError
        Shapes do not match, values are not finite, or fewer than twice `top` genes are in the network.

    Notes
    -----
    Degrees are those among the genes that were measured. A random gene is drawn, without replacement, from
    about 10 genes or more whose degrees are next in rank, so that hubs are drawn for hubs. Ties in influence
    are broken by the gene's name. The paper's own statistics were not readable; counting edges inside a set
    is one common measure of closeness, mean distance another. Cost O(d B n) for n genes.

    References
    ----------
    Martinez-Enguita et al. 2023, doi:10.1093/bib/bbad293. Benjamini and Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> from medgraft.methods.omics.planted import planted_network
    >>> toy = planted_network(seed=1)
    >>> latent = [toy.module == m for m in range(4)]
    >>> coherence(latent, toy.genes, toy.edges, top=12).share
    1.0
    """
    L = np.abs(np.asarray(latent, dtype=np.float64))
    if L.ndim != 2 or L.shape[1] != len(genes):
        raise MedgraftError(
            f"latent must have one row a node and one column a gene: {len(genes)} are named, the shape is "
            f"{L.shape}."
        )
    if not np.isfinite(L).all():
        raise MedgraftError("latent holds values that are not finite: a model that diverged has no genes.")
    if top < 2 or draws < 1:
        raise MedgraftError(f"top must be 2 or more and draws 1 or more, not {top!r} and {draws!r}.")
    A, names, columns = _measured(genes, network)
    if len(names) < 2 * top:
        raise MedgraftError(
            f"Only {len(names)} of the measured genes are in the network, too few to draw other sets of {top}"
            ": check that both name genes in the same way, or lower top."
        )
    # Columns grouped by gene: the largest influence of each group.
    influence = np.maximum.reduceat(L[:, columns[0]], columns[1], axis=1)
    order = np.argsort(-influence, axis=1, kind="stable")[:, :top]
    degree = np.asarray(A.sum(axis=1)).ravel()
    pools = _pools(degree)
    rng = np.random.default_rng(seed)
    edges, z, p = np.zeros(len(L)), np.zeros(len(L)), np.ones(len(L))
    for j, own in enumerate(order):
        edges[j] = _edges(A, own[None])[0]
        random = np.concatenate(
            [_edges(A, _like(own, pools, min(CHUNK, draws - b), rng)) for b in range(0, draws, CHUNK)]
        )
        spread = random.std()
        z[j] = (edges[j] - random.mean()) / spread if spread else 0.0
        p[j] = (1 + (random >= edges[j]).sum()) / (1 + draws)
    n = len(names)
    error = degree.std() / np.sqrt(top) * np.sqrt((n - top) / (n - 1))
    mean = degree[order].mean(axis=1) - degree.mean()
    centrality = mean / error if error else np.zeros(len(L))
    share = float((false_discovery_control(p) <= LEVEL).mean())
    return Coherence(edges, z, p, centrality, share, [[names[i] for i in own] for own in order], n)


def _measured(genes: Sequence[str], network: Iterable[tuple[str, str]]) -> tuple[Any, list[str], Any]:
    """Return the adjacency of genes measured and in the network, their names, and the columns by gene."""
    from scipy.sparse import coo_matrix

    pairs = [(str(a), str(b)) for a, b in network if a != b]
    known = {g for pair in pairs for g in pair}
    names = sorted({str(g) for g in genes if g and str(g) in known})
    place = {g: i for i, g in enumerate(names)}
    ends = {tuple(sorted((place[a], place[b]))) for a, b in pairs if a in place and b in place}
    i, j = np.array(sorted(ends), dtype=np.intp).reshape(-1, 2).T
    ones = np.ones(2 * len(i))
    A = coo_matrix((ones, (np.r_[i, j], np.r_[j, i])), shape=(len(names), len(names))).tocsr()
    code = np.array([place.get(str(g), -1) if g else -1 for g in genes], dtype=np.intp)
    by_gene = np.argsort(code, kind="stable")[(code < 0).sum() :]
    starts = np.flatnonzero(np.r_[True, np.diff(code[by_gene]) > 0]) if len(by_gene) else by_gene
    return A, names, (by_gene, starts)


def _pools(degree: Floats) -> list[Ints]:
    """Cut genes into pools of like degree: equal degrees stay together, and none has under `FEWEST` genes."""
    order = np.argsort(degree, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(degree[order]) > 0, True]) + 1
    cuts, last = [], 0
    for end in ends:
        if end - last >= FEWEST:
            cuts.append(int(end))
            last = int(end)
    if cuts and cuts[-1] < len(order):
        cuts[-1] = len(order)
    return np.split(order, cuts[:-1])


def _like(own: Ints, pools: list[Ints], size: int, rng: np.random.Generator) -> Ints:
    """Draw `size` sets (size, k) with as many genes of each pool as `own` has."""
    parts = []
    for pool in pools:
        k = int(np.isin(pool, own).sum())
        if k:
            keys = rng.random((size, len(pool)))
            parts.append(pool[np.argpartition(keys, k - 1, axis=1)[:, :k]])
    return np.concatenate(parts, axis=1)


def _edges(A: Any, sets: Ints) -> Floats:
    """Count the edges inside each set of genes (b, k)."""
    from scipy.sparse import csr_matrix

    b, k = sets.shape
    M = csr_matrix((np.ones(b * k), sets.ravel(), np.arange(0, b * k + 1, k)), shape=(b, A.shape[0]))
    return np.asarray((M @ A).multiply(M).sum(axis=1)).ravel() / 2
