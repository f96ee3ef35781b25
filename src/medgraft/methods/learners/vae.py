"""A variational autoencoder whose code reconstructs the features and predicts, at once."""

from __future__ import annotations

from typing import Any

from medgraft.methods.learners.autoencoder import AutoencoderLearner
from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.registry import learner
from medgraft.methods.table import InputError


@learner(
    "vae",
    refs=(
        "Kingma and Welling 2014, arXiv:1312.6114",
        "Higgins et al. 2017, ICLR (beta)",
        "Gore and Azad 2022, doi:10.1186/s12859-022-04783-y (with a classifier, on methylation)",
        "Gore et al. 2024, doi:10.1186/s12859-024-05734-5",
    ),
)
class VAELearner(AutoencoderLearner):
    r"""A variational autoencoder with a head on its code, whose noise keeps rows from being learnt by heart.

    Use it on wide tables of correlated columns (methylation, expression) with some hundred rows and more. Not
    with a few dozen rows, where the default learner is the one to beat, nor where the signal is in single
    columns.

    With a code z drawn from :math:`q(z \mid x) = N(\mu(x), \sigma^2(x))`, its decoding f(z) and the head's
    :math:`V z + c` it minimises

    .. math:: \sum_i w_i \Big[\frac1p \Big(\tfrac12 \|x_i - f(z_i)\|^2
              + \beta\,\mathrm{KL}(q(z \mid x_i) \,\|\, N(0, I))\Big) + \lambda\,\ell(y_i, V z_i + c)\Big]
              \Big/ \sum_i w_i

    as `AutoencoderLearner` does; it predicts from the mean of the code.

    Parameters
    ----------
    task, random_state, hidden, latent, told, epochs, patience, batch, lr
        As in `AutoencoderLearner`; the seed also draws the codes.
    beta : float, default 1
        :math:`\beta`; more makes the code simpler.

    Attributes
    ----------
    tensors_, epochs_
        As in `AutoencoderLearner`.

    Raises
    ------
    InputError
        A setting is out of range.

    Notes
    -----
    The studies read beta values of 24,565 columns through a sigmoid; here columns are standardised and have
    Gaussian noise of variance 1, and the sizes are ours. Cost O(n p hidden) a pass.

    Examples
    --------
    >>> VAELearner(beta=4.0).beta
    4.0
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        hidden: int = 64,
        latent: int = 16,
        told: float = 1.0,
        beta: float = 1.0,
        epochs: int = 100,
        patience: int = 10,
        batch: int = 32,
        lr: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            task=task,
            hidden=hidden,
            latent=latent,
            told=told,
            epochs=epochs,
            patience=patience,
            batch=batch,
            lr=lr,
            random_state=random_state,
        )
        self.beta = beta

    def _make(self, p: int, outputs: int) -> Any:
        from medgraft.networks.omics_vae import OmicsVAE

        return OmicsVAE(p, [self.hidden], self.latent, outputs, self.beta)

    def _fit(self, lesson: Lesson) -> None:
        if not self.beta > 0:
            raise InputError(
                f"beta must be more than 0, not {self.beta!r}: without it use the learner autoencoder."
            )
        super()._fit(lesson)
