"""A frozen pretrained network and a new one, trained on the patients at hand, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.finetune.images import kind_of
from medgraft.methods.finetune.limits import Number, check_limits
from medgraft.methods.finetune.parts import NetworkPart, Part
from medgraft.methods.registry import method
from medgraft.methods.table import InputError
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.resolve import LIBRARIES

if TYPE_CHECKING:
    from medgraft.methods.controls.scratch import Scratch


@method(
    "scratch-fusion",
    family="finetune",
    tasks=("classification", "regression"),
    needs=("target-labels", "images", "pretrained"),
    cost="as scratch, of the new network, and as fusion",
    refs=("Al-Otaibi et al. 2024, doi:10.7717/peerj-cs.2008",),
)
class ScratchFusion(Fusion):
    r"""Learner on the features of frozen networks and of a new network trained on the training rows.

    Use it to repeat studies that join a pretrained network and one of their own, as in
    ``scratch-fusion+smote+prototypes``. Not for better figures than `fusion`: the new network's features of
    the training images have seen their labels, so that they lie apart more clearly than those of new images,
    and the learner trusts them too much.

    First `scratch` trains `own` on the training rows, and its head is dropped. Then, with
    :math:`\phi_1, \dots, \phi_{K-1}` the frozen networks' features and :math:`\phi_K` the new one's, the
    learner minimises what it minimises in `fusion`, every part having the same total variance.

    Parameters
    ----------
    sources : sequence of Pretrained or str
        The frozen networks, and radiomics, as in `fusion`.
    parts : str
        Those that are used, as in `fusion`; the new network always is.
    own : str
        Architecture of the new network: a name as in `Pretrained`, of which no weights are read.
    size : int, optional
        Side in pixels of the images that it reads; default that of the first frozen network.
    epochs, lr, batch_size
        As in `scratch`.
    task, estimator, random_state, device
        As in `fusion`; the seed also decides the new network's random weights.

    Attributes
    ----------
    fused_, names_, learner_, classes_
        As in `fusion`; the last part is the new network.

    Raises
    ------
    MedgraftError
        There is no pretrained network, or no such architecture.

    Notes
    -----
    The new network keeps no training row. Cost and memory: those of `scratch` and `fusion`.

    Examples
    --------
    >>> ScratchFusion(["timm:resnet18"], epochs=5).own
    'medgraft:plain_cnn'
    """

    _new: Sequence[Part] = ()

    def __init__(
        self,
        sources: Sequence[Any] = (),
        *,
        parts: str = "all",
        own: str = "medgraft:plain_cnn",
        size: int | None = None,
        epochs: int = 12,
        lr: float = 1e-3,
        batch_size: int = 32,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            sources, parts=parts, task=task, estimator=estimator, random_state=random_state, device=device
        )
        self.own = own
        self.size = size
        self.epochs = epochs
        self.lr = lr
        self.batch_size = batch_size

    def fit(self, X: Any, y: Any, **rows: Any) -> Self:
        """Train the new network, then learn from all features; parameters as in `ImageEstimator.fit`."""
        net = self._net()
        net.progress = self.progress
        net.fit(X[[kind_of(X)]], y, **rows)
        new = NetworkPart(Pretrained.of(net.source), self.device).settle([net.kind_])
        new.name = f"own {new.name}"
        config = {"backbone": net.backbone_.config(), "device": self.device}
        new.featuriser = BackboneFeatures.from_state(config, net.backbone_.tensors())
        self._new = [new]
        try:
            return super().fit(X, y, **rows)
        finally:
            self._new = []

    def _parts(self, kinds: Sequence[str] = ()) -> list[Part]:
        return [*super()._parts(kinds), *self._new]

    def _net(self) -> Scratch:
        from medgraft.methods.controls.scratch import Scratch

        check_limits(self.get_params(deep=False), size=Number(8, 4096, whole=True, optional=True))
        known = Scratch().get_params(deep=False)
        shared = {name: value for name, value in self.get_params(deep=False).items() if name in known}
        frozen = [
            s for s in self.sources if isinstance(s, Pretrained) or str(s).partition(":")[0] in LIBRARIES
        ]
        if not frozen:
            raise InputError("It joins a new network to a pretrained one: give that with --source.")
        first = Pretrained.of(frozen[0])
        size = first.facts.input_size if self.size is None else self.size
        return Scratch(Pretrained(self.own, channels=first.channels, size=size), **shared)

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load, train and freeze, and what it will cost; see `LinearProbe.plan`."""
        own, said = self._net().plan(n_fit, n_fit + n_predict), super().plan(n_fit, n_predict)
        shown = {name: own[name] for name in ("learning_rates", "batchnorm", "augmentation")}
        freeze = ["all networks but its own"]
        return said | shown | {"freeze": freeze, "cpu_seconds": said["cpu_seconds"] + own["cpu_seconds"]}
