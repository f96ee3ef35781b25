"""Learn to generate the source's rows, freeze what reads them, and give the target a new head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.passes import train
from medgraft.methods.notes import SOURCES_POOLED
from medgraft.methods.omics.last_layer import move_last_layer
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats, number_again
from medgraft.methods.table import InputError

if TYPE_CHECKING:
    import torch


@method(
    "frozen-generative",
    family="feature",
    needs=("source", "target-labels"),
    cost="O(n p hidden) a pass",
    refs=(
        "Gore et al. 2024, doi:10.1186/s12859-024-05734-5",
        "Martinez-Enguita et al. 2023, doi:10.1093/bib/bbad293 (an autoencoder, without labels)",
        "Kingma and Welling 2014, arXiv:1312.6114",
    ),
)
class FrozenGenerative(TransferEstimator):
    r"""Pretrain a variational autoencoder on the source, freeze its encoder, give the target a new head.

    Use it on wide tables of correlated columns (methylation, expression) where other cohorts have hundreds
    of rows, labelled or not, and the target a few dozen. Not where source rows are few or the signal lies in
    single columns: a narrow code loses it. Beside it, see whether ``pooled`` and ``target-only`` do better.

    With the code z drawn from :math:`q(z \mid x) = N(\mu(x), \sigma^2(x))` and its decoding f(z), it
    minimises over the source's rows, standardised by themselves,

    .. math:: \sum_i w_i \Big[\frac1p \Big(\tfrac12 \|x_i - f(z_i)\|^2
              + \beta\,\mathrm{KL}(q(z \mid x_i) \,\|\, N(0, I))\Big) + \lambda\,\ell(y_i, V z_i + c)\Big]

    where rows without a label lack the last term, and a fifth of the source's patients decides when to stop.
    Then only :math:`\mu` is kept, and the learner (ridge, or logistic regression) is fitted on
    :math:`\mu(x)` of the target's labelled rows alone. A finite `pull` then lets the encoder's last layer
    follow, see `move_last_layer`.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the seed also draws weights, batches and codes.
    hidden : int or sequence of int, default 64
        Widths of the encoder's hidden layers.
    latent : int, default 16
        Width of the code.
    beta : float, default 1
        :math:`\beta`; 0: a plain autoencoder, in which nothing is drawn.
    told : float, default 1
        :math:`\lambda`; 0: the source's labels do not shape the code.
    pull : float, default infinity
        :math:`\kappa` that holds the encoder's last layer; infinity keeps it frozen.
    epochs, patience, batch : int
        Most passes (100); passes without gain before it stops (10); rows of a step (32).
    lr : float, default 1e-3

    Attributes
    ----------
    layers_ : list of arrays
        Weight (out, in) and bias (out,) of each layer to the code; empty where nothing was transferred. The
        last is scaled so that the source's codes have mean 0 and, together, variance 1.
    epochs_ : int
        Passes made.
    note_ : str
        Says so when there was no source, or no target label.

    Raises
    ------
    InputError
        A setting is out of range; `pull` with another learner than the default one.

    Notes
    -----
    The study's network reads 24,565 columns, was taught 33 cancers and is given other diseases as the new
    head; here the labels of both sides are of one task. Its sizes were not readable: these are ours. Memory
    O(p hidden).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> factor = rng.normal(size=(160, 1))
    >>> X = factor + 0.5 * rng.normal(size=(160, 20))
    >>> site = ["a"] * 120 + ["b"] * 40
    >>> known = np.arange(160) >= 130  # no row of the source has a label
    >>> m = FrozenGenerative(task="regression", latent=2, epochs=20)
    >>> m = m.fit(X, factor[:, 0], domain=site, target="b", labelled=known)
    >>> [len(bias) for bias in m.layers_[1::2]]
    [64, 2]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        hidden: int | Sequence[int] = 64,
        latent: int = 16,
        beta: float = 1.0,
        told: float = 1.0,
        pull: float = np.inf,
        epochs: int = 100,
        patience: int = 10,
        batch: int = 32,
        lr: float = 1e-3,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.hidden = hidden
        self.latent = latent
        self.beta = beta
        self.told = told
        self.pull = pull
        self.epochs = epochs
        self.patience = patience
        self.batch = batch
        self.lr = lr

    def _fit(self, rows: Rows) -> None:
        self._check()
        self.layers_: list[Floats] = []
        self.epochs_ = 0
        if not rows.source.any():
            self.note_ = "There is no source patient: nothing was transferred."
            self.encoder_ = rows.encoder()
            self._learn(self.encoder_.transform(rows.table), rows, np.ones(len(rows.table), dtype=bool))
            return
        # Merged and in an order of their own: neither the file nor copies of a row touch a batch.
        merged = Sited.of(rows).rows
        self.encoder_ = merged.encoder(merged.source)
        self._pretrain(merged)
        inputs = self.encoder_.transform(rows.table)
        where = rows.target
        if not (where & rows.labelled).any():
            self.note_, where = SOURCES_POOLED, rows.source
        self._learn(through(self.layers_, inputs), rows, where)
        where = where & rows.labelled
        if np.isfinite(self.pull) and not (rows.k and len(self.learner_.classes_) < 2):
            last = (self.layers_[-2], self.layers_[-1])
            H = np.maximum(through(self.layers_[:-2], inputs[where]), 0.0)
            moved = move_last_layer(H, last, self.learner_, rows.y[where], rows.weight[where], self.pull)
            self.layers_[-2] = moved

    def _check(self) -> None:
        for name in ("latent", "pull", "epochs", "patience", "batch", "lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        for name in ("beta", "told"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more, not {getattr(self, name)!r}.")
        if not self._widths or min(self._widths) < 1:
            raise InputError(f"hidden must be widths of 1 or more, not {self.hidden!r}.")
        if np.isfinite(self.pull) and self.estimator is not None:
            raise InputError("pull moves a layer under the default learner: leave estimator unset.")

    @property
    def _widths(self) -> list[int]:
        return [self.hidden] if isinstance(self.hidden, int | np.integer) else list(self.hidden)

    def _network(self, p: int, outputs: int) -> Any:
        import torch

        from medgraft.networks.omics_autoencoder import OmicsAutoencoder
        from medgraft.networks.omics_vae import OmicsVAE

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            if self.beta:
                return OmicsVAE(p, self._widths, self.latent, outputs, self.beta)
            return OmicsAutoencoder(p, self._widths, self.latent, outputs)

    def _pretrain(self, rows: Rows) -> None:
        """Train on the source's rows, and keep the layers that lead to the code."""
        import torch

        s = rows.source
        Z, w = self.encoder_.transform(rows.table.take(s)), rows.weight[s]
        told = rows.labelled[s] & (self.told > 0)
        y = np.where(told, rows.y[s].astype(float), np.nan)
        if not rows.k and told.any():
            centred = y - w[told] @ y[told] / w[told].sum()
            y = centred / (np.sqrt(w[told] @ centred[told] ** 2 / w[told].sum()) or 1.0)
        net = self._network(Z.shape[1], max(rows.k, 1))
        draw = torch.Generator().manual_seed(self.random_state)

        def losses(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            # Held-out patients are judged without noise: it would choose the epoch.
            z, each = net.losses(x, draw if torch.is_grad_enabled() else None)
            return each + self.told * told_losses(net.head(z), t[:, 0], rows.k)

        lesson = Lesson(Z, y, w, number_again(rows.units[s]), 0)
        kept, self.epochs_ = train(
            list(net.parameters()),
            losses,
            lesson,
            draw,
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            lr=self.lr,
            seed=self.random_state,
        )
        with torch.no_grad():
            for weight, value in zip(net.parameters(), kept, strict=True):
                weight.copy_(torch.from_numpy(value))
        layers = [t.detach().numpy().astype(np.float64) for pair in net.trunk() for t in pair]
        codes = through(layers, Z)
        mean = w @ codes / w.sum()
        # One scale for all: a unit that the prior has switched off must not be blown up.
        scale = float(np.sqrt((w @ (codes - mean) ** 2).mean() / w.sum())) or 1.0
        self.layers_ = [*layers[:-2], layers[-2] / scale, (layers[-1] - mean) / scale]

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        return through(self.layers_, Z)


def through(layers: Sequence[Floats], Z: Floats) -> Floats:
    """Return what dense layers (weight, bias, weight, ...) make of rows, with a ReLU between them.

    Examples
    --------
    >>> through([np.array([[2.0], [-1.0]]), np.array([0.0, 1.0])], np.array([[3.0]])).tolist()
    [[6.0, -2.0]]
    """
    for i in range(0, len(layers), 2):
        Z = (Z if i == 0 else np.maximum(Z, 0.0)) @ layers[i].T + layers[i + 1]
    return Z


def told_losses(out: torch.Tensor, t: torch.Tensor, k: int) -> torch.Tensor:
    """Return the log loss (k classes) or the squared error (k = 0) of each row (b,); 0 where t is nan."""
    import torch
    from torch.nn import functional as F

    if k:
        codes = torch.nan_to_num(t, nan=-1.0).long()
        return F.cross_entropy(out, codes, reduction="none", ignore_index=-1)
    return torch.nan_to_num((out[:, 0] - torch.nan_to_num(t)) ** 2) * ~torch.isnan(t)
