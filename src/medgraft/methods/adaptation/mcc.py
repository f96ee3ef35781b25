"""MCC on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import ClassConfusion
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "mcc",
    family="adaptation",
    tasks=("classification",),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Jin et al. 2020, doi:10.1007/978-3-030-58589-1_28",),
)
class MCC(NetworkAdaptation):
    r"""Fine-tune with a penalty on how much the network confuses classes on target images (MCC).

    Use it where the domains need not look alike, and class shares may differ. Not where the source's model is
    mostly wrong on the target: it grows surer of its mistakes.

    .. math:: \min_{\phi, h}\; \overline{\ell(y, h(\phi(x)))}
        + \frac{\lambda}{K} \sum_{j \neq k} C_{jk}, \qquad C \propto Y^\top W Y

    with target probabilities Y at temperature 2.5, weights :math:`1 + e^{-H}` in W, and rows of C of sum one.

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> MCC("timm:resnet18").strength
    1.0
    """

    alignment = ClassConfusion
