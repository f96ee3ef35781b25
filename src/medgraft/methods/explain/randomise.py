"""Sanity: does a map change when the network forgets what it learnt?"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from medgraft.methods.explain.attribute import attribute
from medgraft.methods.explain.frame import attributions
from medgraft.methods.explain.registry import explanations
from medgraft.methods.explain.scores import Scores, scores_of

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, eq=False)
class Sanity:
    """How much of each map is left as parts of the network are randomised, from the head down.

    Attributes
    ----------
    stages : list of str
        What was randomised last; all above it is randomised, too.
    correlation : array (stages, n)
        Spearman's correlation of the maps' sizes with those of the network as it was; 0 where a map is
        empty.
    """

    stages: list[str]
    correlation: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Return the mean correlation of each stage, JSON-able."""
        pairs = zip(self.stages, self.correlation, strict=True)
        return {"stages": [{"down_to": s, "correlation": float(c.mean())} for s, c in pairs]}


def randomise(
    model: Any,
    paths: Sequence[str],
    *,
    method: str = "grad-cam",
    target: Any = None,
    most: int = 6,
    seed: int = 0,
) -> Sanity:
    r"""Randomise a copy of the network from the head down, and see whether the map follows.

    Use it once for a method and a network: a map that stays the same shows edges of the image, not what was
    learnt. Not as a proof that a map is right: see `medgraft.methods.explain.deletion`.

    The values of each weight (and of each statistic of a norm) are shuffled within their own tensor, so that
    they keep their size and lose their meaning: first in the head, then in the last block as well, and so
    on to the first. With the map L as it was and :math:`L^{(b)}` of the network that is random down to block
    b, the rank correlation of :math:`|L|` and :math:`|L^{(b)}|` over the places of the network's grid is
    given; the class stays the one that was explained. The model is copied, and stays as it is.

    Parameters
    ----------
    model, paths, method, target
        As in `attribute`.
    most : int
        At most so many stages are looked at, evenly spread, with the head and all blocks among them.
    seed : int
        Of the shuffling.

    Returns
    -------
    Sanity

    Raises
    ------
    MedgraftError
        As `attribute`.

    Notes
    -----
    Cost: that of `attribute`, `most` + 1 times. Source: Adebayo et al. 2018, arXiv:1810.03292; there weights
    are drawn as before training, which other libraries' networks do not tell.

    Examples
    --------
    >>> Sanity(["head"], np.array([[0.5, 0.7]])).to_dict()
    {'stages': [{'down_to': 'head', 'correlation': 0.6}]}
    """
    scores = scores_of(model)
    if method == "auto":
        method = scores.usual
    before = attribute(scores, paths, method=method, target=target)
    stages, found = [], []
    for name, changed in _cascade(scores, most, seed):
        after = [
            attributions(changed, path, explanations[method].run, was.target)[0]
            for path, was in zip(paths, before, strict=True)
        ]
        stages.append(name)
        found.append([_agreement(a.grid, b.grid) for a, b in zip(before, after, strict=True)])
    return Sanity(stages, np.array(found))


def _cascade(scores: Scores, most: int, seed: int) -> Iterator[tuple[str, Scores]]:
    """Yield copies of a model that are random from the head down to a block."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    copied = replace(scores, trunk=copy.deepcopy(scores.trunk), head=copy.deepcopy(scores.head))
    parts: list[tuple[str, list[nn.Module]]] = [("head", [copied.head])]
    blocks = [(name, copied.trunk.block_modules(i)) for i, (name, _) in enumerate(copied.trunk.blocks)]
    parts += blocks[::-1]
    shown = set(np.linspace(0, len(parts) - 1, min(most, len(parts))).round().astype(int).tolist())
    for place, (name, modules) in enumerate(parts):
        for module in modules:
            shuffle(module, generator)
        if place in shown:
            yield name, copied


def shuffle(module: nn.Module, generator: torch.Generator) -> None:
    """Shuffle the values of each tensor of numbers in a module, each within itself."""
    import torch

    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
                tensor.copy_(tensor.reshape(-1)[order].reshape(tensor.shape))


def _agreement(before: NDArray[Any], after: NDArray[Any]) -> float:
    a, b = np.abs(before).ravel(), np.abs(after).ravel()
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
