"""Reconstruction: tell the pixels of hidden patches, or of a whole image from a few numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from medgraft.base import MedgraftError
from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.selfsup.tasks import Task, Unlabelled
from medgraft.networks.decoder import BottleneckDecoder, PatchDecoder, as_grid
from medgraft.sources.network import Network
from medgraft.sources.trunk import Trunk

HIDDEN = 0.6  # share of the patches that are hidden
FEWEST = 4  # patches a side, at least
PIXELS = 8  # predicted pixels a side of each place of the last map


class Rebuilt(Batches):
    """Batches of images with hidden patches; the target holds the pixels, and which of them count.

    Targets are (b, c + 1, t, t): normalised pixels, averaged down to t a side, and a last channel that is 1
    where a pixel counts. Without patches nothing is hidden and everything counts.

    Parameters
    ----------
    inputs : Inputs
    n : int
        How many there are.
    size, seed
        As in `Batches`.
    trunk : Trunk
        Knows the normalisation; hidden pixels get its mean, which is zero to the network.
    t : int
    patches : int
        Patches a side, of which t is a multiple; 0 for none.
    """

    def __init__(
        self, inputs: Live, n: int, size: int, seed: int, trunk: Trunk, t: int, patches: int
    ) -> None:
        super().__init__(inputs, np.arange(n), np.zeros(n), np.ones(n), size, seed)
        self.t, self.patches = t, patches
        self.mean, self.std = trunk.mean.cpu(), trunk.std.cpu()

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        for part in np.array_split(rng.permutation(len(self.rows)), self.count):
            images = self.inputs.get(self.rows[part], rng).float()
            pixels = adaptive_avg_pool2d((images - self.mean) / self.std, self.t)
            counts = torch.ones(len(part), 1, self.t, self.t)
            if self.patches:
                hidden = self._hidden(len(part), rng)
                counts = interpolate(hidden, size=(self.t, self.t))
                images = torch.where(interpolate(hidden, size=images.shape[2:]) > 0, self.mean, images)
            yield images, torch.cat([pixels, counts], dim=1), torch.ones(len(part))

    def _hidden(self, b: int, rng: np.random.Generator) -> torch.Tensor:
        """Return (b, 1, p, p): 1 for the same number of patches of each image, drawn without replacement."""
        p = self.patches
        count = min(max(round(HIDDEN * p * p), 1), p * p - 1)
        rank = rng.random((b, p * p)).argsort(axis=1).argsort(axis=1)
        return torch.from_numpy((rank < count).reshape(b, 1, p, p).astype(np.float32))


class Decoded(Network):
    """A trunk under a decoder of its last map."""

    def rest(self, h: torch.Tensor, k: int) -> torch.Tensor:
        """Return pixels of what ``trunk.prefix(images, k)`` gave."""
        return self.rest_with_map(h, k)[0]

    def rest_with_map(self, h: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return pixels (b, c, t, t), the last map before pooling, and the features (b, d)."""
        maps, features = self.trunk.suffix_with_map(h, k)
        return self.head(as_grid(maps, features.shape[1])), maps, features


def squared_error(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of each image (b,), over the pixels that count."""
    counts = target[:, -1:]
    error = ((scores.float() - target[:, :-1]) ** 2 * counts).flatten(1).sum(dim=1)
    return error / (scores.shape[1] * counts.flatten(1).sum(dim=1))


def make_masked(given: Unlabelled) -> Task:
    """Return the task of telling hidden patches by one linear layer on the last map.

    As masked autoencoders do (He et al. 2022, doi:10.1109/CVPR52688.2022.01553) after context encoders
    (Pathak et al. 2016, doi:10.1109/CVPR.2016.278), and with the single layer of SimMIM (Xie et al. 2022,
    doi:10.1109/CVPR52688.2022.00943), which suits convolutions too: hidden patches stay in the image, grey.
    """
    backbone = given.backbone
    trunk = backbone.module.cpu().eval()
    if len(trunk.blocks) < 2:
        raise MedgraftError(
            "pretext='masked' needs a network of several blocks, whose last map it can read: use autoencoder."
        )
    with torch.no_grad():
        maps, features = trunk.suffix_with_map(backbone.blank(), 0)
        grid = as_grid(maps, features.shape[1])
    places = grid.shape[2]
    patches = places
    while patches < FEWEST:  # PIXELS is a power of two, so that the pixels stay a multiple of the patches
        patches *= 2
    decoder = PatchDecoder(grid.shape[1], backbone.channels, PIXELS)
    network = Decoded(trunk, decoder, given.batchnorm)  # type: ignore[arg-type]
    return _task(network, given, places * PIXELS, patches)


def make_autoencoder(given: Unlabelled) -> Task:
    """Return the task of telling a small version of the image from 64 numbers made of its features.

    Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647.
    """
    backbone = given.backbone
    decoder = BottleneckDecoder(backbone.d, backbone.channels)
    network = Network(backbone.module, decoder, given.batchnorm)  # type: ignore[arg-type]
    return _task(network, given, BottleneckDecoder.SIDE, 0)


def _task(network: Network, given: Unlabelled, t: int, patches: int) -> Task:
    inputs = Live(given.read, given.n, given.changes, given.bytes_each)
    fit = Rebuilt(inputs, given.n, given.batch_size, given.seed, given.backbone.module, t, patches)
    return Task(network, fit, squared_error, Penalty(0.0))
