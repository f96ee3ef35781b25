"""The weights to keep: those of the best epoch, or the average of the best few."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network


class Soup:
    """The best epochs' weights, by their loss on held-out rows.

    Parameters
    ----------
    size : int
        How many are kept for an average; 1: only the best.

    Notes
    -----
    Averages of checkpoints of one training are as wide minima are: often a little better than each of them
    (Izmailov et al. 2018, arXiv:1803.05407; Wortsman et al. 2022, arXiv:2203.05482). Memory: `size` times
    the weights.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.best: list[tuple[float, int, dict[str, torch.Tensor]]] = []

    def offer(self, epoch: int, loss: float, network: Network) -> None:
        """Keep the network's weights if its loss is among the best; of equal ones the earlier is."""
        if len(self.best) == self.size and not loss < self.best[-1][0]:
            return
        state = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        self.best = sorted([*self.best, (loss, epoch, state)], key=lambda entry: entry[:2])[: self.size]

    def restore(self, network: Network) -> None:
        """Give the network the best epoch's weights."""
        if self.best:
            network.load_state_dict(self.best[0][2])

    def average(self, network: Network) -> list[int]:
        """Give the network the mean of all weights kept; return their epochs, none if there is but one."""
        if len(self.best) < 2:
            return []
        states = [state for _, _, state in self.best]
        mean = {
            name: sum(s[name] for s in states) / len(states) if tensor.is_floating_point() else tensor
            for name, tensor in states[0].items()
        }
        network.load_state_dict(mean)
        return [epoch for _, epoch, _ in self.best]
