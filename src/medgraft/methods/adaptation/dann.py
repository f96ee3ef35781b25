"""DANN on images."""

from __future__ import annotations

from medgraft.methods.adaptation.alignments import Adversarial
from medgraft.methods.adaptation.base import NEEDS, NetworkAdaptation
from medgraft.methods.registry import method


@method(
    "dann",
    family="adaptation",
    tasks=("classification", "regression"),
    needs=NEEDS,
    cost="twice that of finetune: each step reads as many target images again",
    refs=("Ganin et al. 2016, J. Mach. Learn. Res. 17(59):1-35, arXiv:1505.07818",),
)
class DANN(NetworkAdaptation):
    r"""Fine-tune so that a classifier of domains cannot tell source from target features (DANN).

    Use it where scanner or stain differ and the classes are as frequent in both domains. Not where their
    shares differ: making the domains equal then mixes the classes.

    .. math:: \min_{\phi, h} \max_D\; \overline{\ell(y, h(\phi(x)))}
        + \lambda \left( \overline{\log D(\phi(x_s))} + \overline{\log(1 - D(\phi(x_t)))} \right)

    Parameters, attributes and cost: see `NetworkAdaptation`.

    Examples
    --------
    >>> DANN("timm:resnet18").strength
    1.0
    """

    alignment = Adversarial
