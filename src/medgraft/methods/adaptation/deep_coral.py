"""Deep CORAL on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import Coral
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "deep-coral",
    family="adaptation",
    tasks=("classification", "regression"),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Sun and Saenko 2016, doi:10.1007/978-3-319-49409-8_35",),
)
class DeepCoral(NetworkAdaptation):
    r"""Fine-tune with a penalty on the distance of the two domains' feature covariances (Deep CORAL).

    Use it as the steadiest of the alignments, with no adversary to balance. Not with batches far smaller
    than the number of classes.

    .. math:: \min_{\phi, h}\; \overline{\ell(y, h(\phi(x)))} + \frac{\lambda}{4 d^2} \| C_s - C_t \|_F^2

    with the covariances C of standardised features in a batch; the paper takes those of the last layer, and
    raises :math:`\lambda` until both terms end about equal. In batches of b images of one domain the term is
    about :math:`1 / (2 b - 2)` by chance alone, 0.016 for 32, so that a strength of 1 is nearly fine-tuning.

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> DeepCoral("timm:resnet18").strength
    1.0
    """

    alignment = Coral
