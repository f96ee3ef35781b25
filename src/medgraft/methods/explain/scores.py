"""A fitted model as a trunk and a head, whatever method it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import ARRAYS
from medgraft.methods.base import classifies
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.pipeline import Pipeline
from medgraft.sources.array_preprocess import PicturePreprocess
from medgraft.sources.volume_preprocess import SlicePreprocess

if TYPE_CHECKING:
    import torch
    from torch import nn

    from medgraft.sources.trunk import Trunk


@dataclass(frozen=True)
class Scores:
    """What turns an image, a volume, a signal, a sequence or a row of omics into scores.

    Attributes
    ----------
    model : estimator
        The fitted method.
    names : sequence
        Its classes or labels, one a score; empty for regression.
    preprocess : callable
        Has ``open(reference)`` -> the tensor that the trunk takes.
    trunk : Trunk
        Tensors (b, ...) -> features (b, d).
    head : Module
        Features (b, d), anywhere -> scores (b, K), or values (b, 1), on the CPU.
    device : str
        Where the method computes.
    kind : str
        ``"image"``, ``"volume"``, ``"signal"``, ``"sequence"`` or ``"omics"``: what is read.
    rough : str
        Why the head has no gradient; empty where it has one.
    """

    model: Any
    names: Sequence[Any]
    preprocess: Any
    trunk: Trunk
    head: nn.Module
    device: str
    kind: str = "image"
    rough: str = ""

    @property
    def slices(self) -> int:
        """How many slices a sample is read as; 0 where it is read whole."""
        return self.preprocess.shape[0] if isinstance(self.preprocess, SlicePreprocess) else 0

    @property
    def shown(self) -> str:
        """What a map lies over: the kind, but ``"image"`` where signals are drawn for a network of images."""
        return "image" if isinstance(self.preprocess, PicturePreprocess) else self.kind

    @property
    def usual(self) -> str:
        """The map that is made where none is named."""
        if self.rough or self.shown in ("signal", "sequence"):
            return "occlusion"
        return "integrated-gradients" if self.shown == "omics" else "grad-cam"

    def of(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the scores (b, K) of what `preprocess` makes of samples, on the CPU."""
        found: torch.Tensor = self.head(self.trunk(pixels))
        return found

    def chances(self, pixels: torch.Tensor, code: int) -> torch.Tensor:
        """Return the chance (b,) of a class or label, or the value."""
        out = self.of(pixels)
        if not self.names:
            return out[:, 0]
        if self.model.task == "multilabel":
            return (out.exp() if self.rough else out.sigmoid())[:, code]
        return out.softmax(dim=1)[:, code]

    def smooth(self, method: str) -> None:
        """Refuse a method that needs a gradient where there is none."""
        if self.rough:
            raise MedgraftError(f"{method} {self.rough}")

    def seen(self, method: str) -> None:
        """Refuse a method of pictures where there is none."""
        if self.shown in ARRAYS:
            raise MedgraftError(
                f"{method} makes maps of images and volumes, and this network reads the kind {self.kind}: "
                "use occlusion or integrated-gradients."
            )

    def code(self, target: Any) -> int:
        """Find the place of a class.

        Raises
        ------
        MedgraftError
            There is no such class, or the model predicts values.
        """
        if not self.names:
            raise MedgraftError("This model predicts a value, which has no classes: leave target out.")
        return place_of(target, self.names)


def place_of(target: Any, names: Sequence[Any]) -> int:
    """Return the place of a name, with a hint where there is no such name."""
    known = list(names)
    if target in known:
        return known.index(target)
    near = did_you_mean(str(target), [str(n) for n in known])
    raise MedgraftError(f"There is no class '{target}' among {', '.join(map(str, known))}.{near}")


def taken_apart(given: Any) -> tuple[Any, list[Any] | None]:
    """Return the fitted method that a graft or a guard holds, and the graft's names of its classes."""
    graft = hasattr(given, "manifest")
    model, names = (given.model, given.classes) if graft else (given, None)
    while hasattr(model, "best_"):  # what a guard chose
        model = model.best_
    return model, names


def scores_of(given: Any) -> Scores:
    """Take a fitted method, or a graft of one, apart.

    Raises
    ------
    MedgraftError
        It is none that reads samples with one network.
    """
    from medgraft.methods.explain.heads import network_head, probe_head
    from medgraft.networks.score_heads import LearnerHead

    model, names = taken_apart(given)
    rough, device = "", getattr(model, "device", "cpu")
    if isinstance(model, LinearProbe):
        backbone = model.featuriser_.backbone()
        head, rough = probe_head(model)
    elif isinstance(model, NetworkEstimator):
        backbone, head = model.backbone_, network_head(model)
    elif isinstance(model, Pipeline) and isinstance(model.featuriser, BackboneFeatures):
        backbone, device, model = model.featuriser.backbone(), model.featuriser.device, model.estimator_
        head = LearnerHead(model.predict_proba if classifies(model) else model.predict, classifies(model))
        rough = f"needs a gradient, and '{type(model).__name__}' behind the network has none: use occlusion."
    else:
        raise MedgraftError(
            "Maps are made of linear-probe, finetune, scratch, adaptations and methods behind one network, "
            f"and this is '{type(model).__name__}': use one of these."
        )
    names = _names(model, names, head)
    return Scores(model, names, backbone.preprocess, backbone.module, head, device, backbone.kind, rough)


def _names(model: Any, names: list[Any] | None, head: Any) -> list[Any]:
    if not classifies(model):
        return []
    if model.task == "multilabel":
        learner = getattr(model, "learner_", None)
        count = len(learner.models_) if learner is not None else head.head.linear.out_features
        return list(range(count)) if names is None else names
    known = model.classes_.tolist()
    return known if names is None else [names[code] for code in known]


@contextmanager
def evaluating(scores: Scores, device: torch.device) -> Iterator[None]:
    """Run trunk and head in evaluation mode, and give every module its mode and its place back."""
    modes = [(m, m.training) for part in (scores.trunk, scores.head) for m in part.modules()]
    home = scores.trunk.mean.device
    scores.head.eval()
    scores.trunk.eval().to(device)
    try:
        yield
    finally:
        scores.trunk.to(home)
        for module, mode in modes:
            module.training = mode
