"""JAN on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import JointDiscrepancy
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "jan",
    family="adaptation",
    tasks=("classification",),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Long et al. 2017, Proc. ICML 70:2208-2217, arXiv:1605.06636",),
)
class JAN(NetworkAdaptation):
    r"""Fine-tune with a penalty on the joint discrepancy of features and predicted classes (JAN).

    Use it in place of `dan` with several classes. Not where the source's model is mostly wrong on the target.

    As `dan`, with the kernel of the features times the kernel of the class probabilities.

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> JAN("timm:resnet18").strength
    1.0
    """

    alignment = JointDiscrepancy
