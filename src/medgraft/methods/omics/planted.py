"""A toy network of genes with planted modules, and rows that follow them: what coherence must recover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.splits import Floats, Ints


@dataclass(frozen=True)
class PlantedNetwork:
    """Genes, the edges between them, and the module of each gene.

    Attributes
    ----------
    genes : list of str
        Names.
    edges : list of pairs of str
        Each once.
    module : array (n,) of int
        0 to M-1; -1: none.
    """

    genes: list[str]
    edges: list[tuple[str, str]]
    module: Ints

    def rows(self, n: int, *, noise: float = 0.5, seed: int = 0) -> Floats:
        """Return rows (n, genes): each module is one standard normal factor, and all else is noise."""
        rng = np.random.default_rng(seed)
        factors = rng.normal(size=(n, int(self.module.max()) + 1))
        out = noise * rng.normal(size=(n, len(self.genes)))
        out[:, self.module >= 0] += factors[:, self.module[self.module >= 0]]
        return np.asarray(out)


def planted_network(
    modules: int = 4,
    size: int = 12,
    others: int = 60,
    *,
    inside: float = 0.5,
    seed: int = 0,
) -> PlantedNetwork:
    """Draw a network whose modules are denser inside than between, while every gene has about equal degree.

    Use it to test what claims to find modules. Not as a model of a real interactome, which has hubs.

    A pair within a module is an edge with chance `inside`, a pair of genes of no module with the chance that
    gives them the mean degree of a gene in one, any other pair with chance 0.05: degrees do not give modules
    away.

    Parameters
    ----------
    modules, size, others : int
        Modules, genes of each, and genes of none.
    inside : float
        Chance of an edge within a module.
    seed : int

    Returns
    -------
    PlantedNetwork
        Genes ``g0``, ``g1``, ...

    Examples
    --------
    >>> planted_network(2, 3, 1).module.tolist()
    [0, 0, 0, 1, 1, 1, -1]
    """
    rng = np.random.default_rng(seed)
    module = np.r_[np.repeat(np.arange(modules), size), np.full(others, -1)].astype(np.intp)
    n = len(module)
    outer, degree = 0.05, inside * (size - 1)
    chance = np.full((n, n), outer)
    for m in range(modules):
        own = module == m
        chance[np.ix_(own, own)] = inside
    free = module < 0
    if others > 1:  # among themselves they make up for what a module has inside
        chance[np.ix_(free, free)] = min(1.0, (degree + outer * (others - size)) / (others - 1))
    upper = np.triu(rng.random((n, n)) < chance, 1)
    genes = [f"g{i}" for i in range(n)]
    edges = [(genes[i], genes[j]) for i, j in zip(*np.nonzero(upper), strict=True)]
    return PlantedNetwork(genes, edges, module)
