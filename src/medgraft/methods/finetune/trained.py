"""Methods whose model is a whole network: how it predicts, is saved and rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune import snapshots
from medgraft.methods.finetune.answer import answer_of, fit_answers, predictions, questions
from medgraft.methods.finetune.head import fit_head
from medgraft.methods.finetune.images import ImageEstimator, Labelled, classes_from_json, classes_to_json
from medgraft.methods.splits import Floats
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

PARTS = ("trunk.", "head.")  # of a network, before the names of its tensors


class NetworkEstimator(ImageEstimator):
    """Base of the methods whose model is a network with a head of its own.

    Derive from it and write ``_fit``, which sets the attributes below. Not for a learner on a network's
    features (`LinearProbe`).

    Attributes
    ----------
    backbone_ : Backbone
        What was loaded; its module is the trunk of the network.
    network_ : Network
        The trained network, in evaluation mode, on the CPU.
    snapshots_ : list of dict of tensors
        Weights of several networks whose predictions are averaged, as far as they differ; mostly none.
    center_, spread_ : float
        What values were measured from and in; 0 and 1 for classes.
    """

    backbone_: Backbone
    network_: Network
    snapshots_: list[dict[str, torch.Tensor]] = []  # noqa: RUF012 - never changed in place
    center_: float
    spread_: float
    batchnorm: str
    random_state: int
    device: str
    loss: str = "auto"

    @property
    def answer(self) -> str:
        """What the outputs mean; see `medgraft.methods.finetune.answer`."""
        return answer_of(self.task, self.loss)

    def _network(self, k: int) -> Network:
        import torch

        from medgraft.sources.network import Head, Network

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            head = Head(self.backbone_.d, k)
        return Network(self.backbone_.module, head, self.batchnorm).eval()

    def _fit_head(self, F: NDArray[np.float32], rows: Labelled, k: int) -> None:
        """Fit the head to features of the rows, as `linear-probe` would."""
        import torch

        answer = self.answer
        if answer in ("labels", "stages"):
            told = rows.y if answer == "labels" else questions(rows.y, k)
            found = fit_answers(F, told, rows.weight, rows.units, self.random_state)
        else:
            found = fit_head(F, rows.y, rows.weight, rows.units, k, self.random_state)
        head = self.network_.head
        with torch.no_grad():
            places = (head.mean, head.scale, head.linear.weight, head.linear.bias)
            for place, values in zip(places, found, strict=True):
                place.copy_(torch.from_numpy(np.asarray(values)))

    def _features(self, paths: Sequence[str]) -> NDArray[np.float32]:
        """What the trunk, as it is now, makes of images (n, d)."""
        from medgraft.sources.forward import features_of, pick_device

        device, tell = pick_device(self.device), self._tell("features")
        trunk = self.network_.trunk.to(device)
        found = features_of(
            paths,
            self.backbone_.preprocess,
            trunk,
            device=device,
            progress=lambda done: tell(done, len(paths)),
        )
        trunk.to("cpu")
        return found

    def _scores(self, paths: Sequence[str]) -> Floats:
        return snapshots.mean(self.network_, self.snapshots_, lambda: self._answers(paths))

    def _answers(self, paths: Sequence[str]) -> Floats:
        from medgraft.sources.forward import features_of, pick_device

        device = pick_device(self.device)
        tell = self._tell("predicting")
        network = self.network_.eval().to(device)
        scores = features_of(
            paths,
            self.backbone_.preprocess,
            network,
            device=device,
            progress=lambda done: tell(done, len(paths)),
        ).astype(np.float64)
        network.to("cpu")
        if self.answer == "stages":
            return predictions(scores, self.answer, len(self.classes_))
        found = predictions(scores, self.answer, scores.shape[1])
        return found * self.spread_ + self.center_ if self.answer == "values" else found

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""
        tensors = {f"trunk.{name}": t for name, t in self.backbone_.tensors().items()}
        tensors |= {
            f"head.{n}": t.detach().cpu().contiguous() for n, t in self.network_.head.state_dict().items()
        }
        tensors |= snapshots.named(self.snapshots_)
        config = {
            "backbone": self.backbone_.config(),
            "task": self.task,
            "loss": self.loss,
            "batchnorm": self.batchnorm,
            "device": self.device,
            "classes": classes_to_json(getattr(self, "classes_", None)),
            "center": self.center_,
            "spread": self.spread_,
        }
        return config, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit.

        Raises
        ------
        MedgraftError
            The weights are not those of the network.
        """
        from medgraft.sources.backbone import Backbone

        parts = {
            part: {n.removeprefix(part): t for n, t in tensors.items() if n.startswith(part)}
            for part in PARTS
        }
        made = cls(
            Pretrained(config["backbone"]["network"]["name"]),
            task=config["task"],
            device=config["device"],
        )
        made.batchnorm, made.loss = config["batchnorm"], config.get("loss", "auto")
        made.backbone_ = Backbone.from_config(config["backbone"], parts["trunk."])
        made.kind_ = made.backbone_.kind
        made.center_, made.spread_ = config["center"], config["spread"]
        classes = classes_from_json(config["classes"])
        if classes is not None:
            made.classes_ = classes
        made.network_ = made._network(len(parts["head."]["linear.bias"]))
        made.network_.head.load_state_dict(parts["head."])
        made.snapshots_ = snapshots.unnamed(tensors)
        return made
