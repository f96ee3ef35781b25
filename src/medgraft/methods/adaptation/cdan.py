"""CDAN+E on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import ConditionalAdversarial
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "cdan",
    family="adaptation",
    tasks=("classification",),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Long et al. 2018, NeurIPS 31, arXiv:1705.10667",),
)
class CDAN(NetworkAdaptation):
    r"""Fine-tune so that features and predicted classes together do not tell the domains apart (CDAN+E).

    Use it in place of `dann` with several classes. Not where the source's model is mostly wrong on the
    target: its predictions steer the alignment.

    As `dann`, with a classifier that sees :math:`\phi(x) \otimes p(x)`, and images weighted by
    :math:`1 + e^{-H(p(x))}`, so that sure predictions count more.

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> CDAN("timm:resnet18").strength
    1.0
    """

    alignment = ConditionalAdversarial
