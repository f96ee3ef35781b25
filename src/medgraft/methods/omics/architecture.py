"""Choose an autoencoder by how well its latent nodes agree with a protein network, not by its loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.methods.encode import TableEncoder
from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.passes import train
from medgraft.methods.omics.coherence import Coherence, coherence
from medgraft.methods.splits import Floats, row_keys, units_of
from medgraft.methods.threads import one_thread


@dataclass(frozen=True)
class Architecture:
    """One architecture that was tried.

    Attributes
    ----------
    hidden : tuple of int
        Widths of the encoder's hidden layers.
    latent : int
        Width of the code.
    loss : float
        Mean squared error, halved, per standardised column over all rows.
    coherence : Coherence
        Of its latent nodes.
    """

    hidden: tuple[int, ...]
    latent: int
    loss: float
    coherence: Coherence


def choose_architecture(
    X: ArrayLike,
    genes: Sequence[str],
    network: Iterable[tuple[str, str]],
    grid: Iterable[tuple[Sequence[int], int]],
    *,
    groups: ArrayLike | None = None,
    top: int = 100,
    draws: int = 1000,
    epochs: int = 100,
    patience: int = 10,
    batch: int = 32,
    lr: float = 1e-3,
    seed: int = 0,
) -> list[Architecture]:
    """Train a small grid of autoencoders on unlabelled rows, and rank them by the coherence of their nodes.

    Use it on the source's rows before ``frozen-generative``: give its `hidden` and `latent` the first one's.
    Not on the target's test rows, and not with a few dozen rows, where one seed's order is not another's.

    Each autoencoder minimises its reconstruction error by AdamW; a fifth of the patients decides when to
    stop. A node's influence is what it lights up (`light_up`); the larger share of coherent nodes comes
    first, then the larger mean z, then the narrower code.

    Parameters
    ----------
    X : array (n, p)
        Rows, gaps allowed; columns that do not vary say nothing.
    genes : sequence of str (p,)
    network : iterable of pairs of str
        As in `coherence`.
    grid : iterable of (hidden, latent)
        Widths of the hidden layers, none or more, and of the code.
    groups : array (n,), optional
        Patients; default each different row is one.
    top, draws : int
        As in `coherence`.
    epochs, patience, batch : int
    lr : float
        As in ``frozen-generative``.
    seed : int
        Of weights, batches, inner splits and random sets.

    Returns
    -------
    list of Architecture
        The best first.

    Raises
    ------
    MedgraftError
        An empty grid, a width below 1, or what `coherence` refuses.

    Notes
    -----
    Cost O(n p hidden) a pass for each of the grid, and `coherence`'s. No label is read.

    References
    ----------
    Martinez-Enguita et al. 2023, doi:10.1093/bib/bbad293.

    Examples
    --------
    >>> from medgraft.methods.omics.planted import planted_network
    >>> toy = planted_network(2, 10, 40)
    >>> ranked = choose_architecture(
    ...     toy.rows(60), toy.genes, toy.edges, [([], 1), ([], 2)], top=10, draws=200, epochs=40, lr=0.01
    ... )
    >>> sorted((a.hidden, a.latent) for a in ranked)
    [((), 1), ((), 2)]
    """
    tried = [(tuple(int(h) for h in hidden), int(latent)) for hidden, latent in grid]
    if not tried:
        raise MedgraftError("The grid is empty: name at least one architecture, such as ((64,), 16).")
    for hidden, latent in tried:
        if min((*hidden, latent)) < 1:
            raise MedgraftError(f"The grid holds {(hidden, latent)!r}: every width must be 1 or more.")
    A, edges = np.asarray(X, dtype=np.float64), list(network)
    if A.ndim != 2 or A.shape[1] != len(genes):
        raise MedgraftError(f"X has the shape {A.shape} and {len(genes)} genes are named: give one a column.")
    keys = row_keys(A)
    units = units_of(keys, groups=None if groups is None else np.asarray(groups))
    order = np.lexsort((keys, units))  # of its own: the file's order touches no batch
    encoder = TableEncoder().fit(A[order])
    values = encoder.value_columns_.tolist()
    Z = encoder.transform(A[order])[:, : len(values)]
    lesson = Lesson(Z, np.zeros(len(Z)), np.ones(len(Z)), units[order], 0)
    named = [genes[i] for i in values]
    found = []
    for hidden, latent in tried:
        with one_thread():
            net = _trained(lesson, hidden, latent, epochs, patience, batch, lr, seed)
        found.append(
            Architecture(
                hidden,
                latent,
                _loss(net, lesson.Z),
                coherence(light_up(net, lesson.Z), named, edges, top=top, draws=draws, seed=seed),
            )
        )
    return sorted(found, key=lambda a: (-a.coherence.share, -a.coherence.z.mean(), a.latent))


def light_up(net: Any, Z: Floats) -> Floats:
    r"""Return what each latent node does alone: its decoding at its largest value, less that of no node.

    .. math:: L_j = f(m_j e_j) - f(0), \qquad m_j = \max_i |z_{ij}|

    Parameters
    ----------
    net : OmicsAutoencoder
    Z : array (n, p)
        Standardised rows.

    Returns
    -------
    array (latent, p)

    Notes
    -----
    With a linear decoder this is its weights, each column on the scale of its node.

    Examples
    --------
    >>> from medgraft.networks.omics_autoencoder import OmicsAutoencoder
    >>> light_up(OmicsAutoencoder(6, [4], 2), np.eye(6)).shape
    (2, 6)
    """
    import torch

    with torch.no_grad():
        rows = torch.from_numpy(np.asarray(Z, dtype=np.float32))
        most = net.code(rows).abs().max(dim=0).values
        lit = net.decoder(torch.diag(most)) - net.decoder(torch.zeros(1, len(most)))
    return np.asarray(lit.numpy(), dtype=np.float64)


def _trained(
    lesson: Lesson,
    hidden: tuple[int, ...],
    latent: int,
    epochs: int,
    patience: int,
    batch: int,
    lr: float,
    seed: int,
) -> Any:
    import torch

    from medgraft.networks.omics_autoencoder import OmicsAutoencoder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = OmicsAutoencoder(lesson.Z.shape[1], hidden, latent)
    kept, _ = train(
        list(net.parameters()),
        lambda x, _: net.losses(x)[1],
        lesson,
        torch.Generator().manual_seed(seed),
        epochs=epochs,
        patience=patience,
        batch=batch,
        lr=lr,
        seed=seed,
    )
    with torch.no_grad():
        for weight, value in zip(net.parameters(), kept, strict=True):
            weight.copy_(torch.from_numpy(value))
    return net


def _loss(net: Any, Z: Floats) -> float:
    import torch

    with torch.no_grad():
        return float(net.losses(torch.from_numpy(Z.astype(np.float32)))[1].mean())
