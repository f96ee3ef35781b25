"""The tasks by name, and the parts of which each one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medgraft.base import MedgraftError, did_you_mean

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.objective import Loss
    from medgraft.methods.finetune.penalties import Penalty
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

# How often an epoch shows each image to the network.
PRETEXTS = {"rotation": 4, "simclr": 2, "masked": 1, "autoencoder": 1}
AUXILIARIES = ("none", "rotation")


@dataclass(frozen=True)
class Unlabelled:
    """Images that a network may learn from without their labels, and how it reads them.

    Parameters
    ----------
    backbone : Backbone
        Its module is the trunk that is trained.
    read : callable
        Number of an image -> the image, uint8 (c, s, s).
    n : int
    changes : bool
        Whether images are changed a little, anew in each epoch.
    batch_size, seed, batchnorm
        As in `FineTune`.
    """

    backbone: Backbone
    read: Callable[[int], torch.Tensor]
    n: int
    changes: bool
    batch_size: int
    seed: int
    batchnorm: str

    @property
    def bytes_each(self) -> int:
        """Size of an image."""
        return int(self.backbone.blank().nbytes)


@dataclass(frozen=True)
class Task:
    """What a stage without labels trains, on what, and by which loss.

    Parameters
    ----------
    network : Network
        The trunk to be trained, under a head of the task's own.
    fit : Batches
    loss : callable
        Scores and targets -> the loss of each image.
    penalty : Penalty
        Says whether images of a batch see each other.
    """

    network: Network
    fit: Batches
    loss: Loss
    penalty: Penalty


def stages_of(pretext: str) -> list[str]:
    """Return the tasks that a setting names, in the order in which they follow each other.

    Raises
    ------
    MedgraftError
        A task does not exist, or is there twice.

    Examples
    --------
    >>> stages_of("masked+rotation"), stages_of("none")
    (['masked', 'rotation'], [])
    """
    if pretext == "none":
        return []
    names = [name.strip() for name in pretext.split("+")]
    for name in names:
        if name not in PRETEXTS:
            known = ("none", *PRETEXTS)
            hint = did_you_mean(name, known) or f" Use one of {', '.join(known)}, or several joined by '+'."
            raise MedgraftError(f"pretext='{pretext}' names a task that does not exist, '{name}'.{hint}")
    if len(set(names)) < len(names):
        raise MedgraftError(f"pretext='{pretext}' names a task twice: raise pretext_epochs instead.")
    return names


def check_auxiliary(auxiliary: str, weight: float) -> None:
    """Raise unless the task that goes along with fine-tuning exists and has a weight that makes sense."""
    if auxiliary not in AUXILIARIES:
        raise MedgraftError(f"auxiliary='{auxiliary}' does not exist: use one of {', '.join(AUXILIARIES)}.")
    if not weight >= 0:
        raise MedgraftError(f"auxiliary_weight={weight:g} is out of range: use 0 or more.")
