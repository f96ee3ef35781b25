"""DAN on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import MeanDiscrepancy
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "dan",
    family="adaptation",
    tasks=("classification", "regression"),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Long et al. 2015, Proc. ICML 37:97-105, arXiv:1502.02791",),
)
class DAN(NetworkAdaptation):
    r"""Fine-tune with a penalty on the maximum mean discrepancy of the two domains' features (DAN).

    Use it where features differ in more than their covariance. Not with tiny batches, in which the
    discrepancy is mostly noise.

    .. math:: \min_{\phi, h}\; \overline{\ell(y, h(\phi(x)))} + \lambda\, \mathrm{MMD}^2(\phi(x_s), \phi(x_t))

    with the mean of five Gaussian kernels; here on the features alone, where the paper has several layers.

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> DAN("timm:resnet18").strength
    1.0
    """

    alignment = MeanDiscrepancy
