"""Linear probe: a linear learner on the features of a frozen pretrained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.head import one_thread, scaling
from medgraft.methods.finetune.images import ImageEstimator, Labelled, classes_from_json, classes_to_json
from medgraft.methods.finetune.skops_bytes import read_skops, write_skops
from medgraft.methods.finetune.views import TURNS, asks_again, seen_again, some
from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.multilabel import MultiLabel, known_labels
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch


@method(
    "linear-probe",
    family="finetune",
    tasks=("classification", "regression", "multilabel"),
    needs=("target-labels", "images", "pretrained"),
    cost="one forward pass over n images, once ever; then O(n d min(n, d))",
    refs=("Kornblith et al. 2019, doi:10.1109/CVPR.2019.00277",),
    default=True,
)
class LinearProbe(ImageEstimator):
    r"""Linear learner on the features of a frozen pretrained network.

    Use it first of all on images, and with few labels: it is fast, stable, and hard to beat below some
    hundred images. Not where the images are unlike anything the network saw: then `finetune`.

    With frozen features :math:`\phi(x)`, standardised, it minimises
    :math:`\sum_i w_i \ell(y_i, B \phi(x_i) + c) + \frac{\lambda}{2} \|B\|^2`, where :math:`\ell` is the log
    loss or the squared error and :math:`\lambda` is chosen on inner splits that keep patients whole.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        ``"classification"``, ``"regression"`` or ``"multilabel"`` (one learner a label, features once).
    estimator : scikit-learn estimator, optional
        Learner on the standardised features instead of the default one.
    random_state : int, default 0
        Seed of the inner splits.
    device : str, default "auto"
        Where the network runs.

    Attributes
    ----------
    learner_ : estimator
        The fitted learner on class codes.
    mean_, scale_ : arrays (d,)
        What standardises the features.

    Notes
    -----
    Cost: decoding and one forward pass over each image, once ever (features are kept on disk), and a second
    or so for a thousand images and features. BatchNorm layers use their stored statistics.

    Examples
    --------
    >>> LinearProbe("timm:resnet18").task
    'classification'
    """

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.source = source
        self.task = task
        self.estimator = estimator
        self.random_state = random_state
        self.device = device

    def _fit(self, rows: Labelled) -> None:
        self.featuriser_ = self._featuriser()
        F = self._features(rows.paths)
        self.mean_, self.scale_ = scaling(F, rows.weight)
        Z = (F - self.mean_) / self.scale_
        with one_thread():
            if rows.y.ndim == 1:
                self.learner_ = self._learnt(Z, rows.y, rows, np.ones(len(Z), dtype=bool))
                return
            self.learner_ = MultiLabel()
            self.learner_.models_ = []
            for k, column in enumerate(rows.y.T):
                known = ~np.isnan(column)
                labels = known_labels(column, known, k)
                self.learner_.models_.append(self._learnt(Z, labels, rows, known))

    def _featuriser(self) -> BackboneFeatures:
        return BackboneFeatures(self._source(), device=self.device)

    def _learnt(self, Z: Floats, y: Any, rows: Labelled, known: Any) -> Any:
        """Fit the learner to the rows that know a label."""
        return fit_learner(
            self.estimator,
            Z[known],
            y[known],
            weight=rows.weight[known],
            units=rows.units[known],
            task="classification" if self.task == "multilabel" else self.task,
            random_state=self.random_state,
            again=self._again(rows.paths) if asks_again(self.estimator) else None,
        )

    def _again(self, paths: Sequence[str]) -> Floats | None:
        """Return features (m, views, d) of some images and of further views of them; None for volumes."""
        if self.kind_ != "image":
            return None
        few = [paths[i] for i in some(paths)]
        views = [self._features(few), *(seen_again(self.featuriser_, few, k + 1) for k in range(len(TURNS)))]
        return np.asarray((np.stack(views, axis=1) - self.mean_) / self.scale_)

    def _features(self, paths: Sequence[str]) -> np.ndarray:
        self.featuriser_.progress = self.progress
        return self.featuriser_.transform(pd.DataFrame({self.kind_: list(paths)}))

    def _scores(self, paths: Sequence[str]) -> Floats:
        with one_thread():
            Z = (self._features(paths) - self.mean_) / self.scale_
            if self.task == "regression":
                return np.asarray(self.learner_.predict(Z), dtype=float)
            if self.task == "multilabel":
                return np.asarray(self.learner_.predict_proba(Z))
            out = np.zeros((len(Z), len(self.classes_)))
            out[:, np.asarray(self.learner_.classes_, dtype=np.intp)] = self.learner_.predict_proba(Z)
            return out

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load, adapt and freeze, and what it will cost, before anything is trained.

        Parameters
        ----------
        n_fit, n_predict : int
            Images to learn from and to predict.
        """
        from medgraft.methods.finetune.cost import forward_seconds
        from medgraft.methods.finetune.features import loaded

        backbone = loaded(Pretrained.of(self.source))
        each = backbone.preprocess.seconds + forward_seconds(backbone)
        return {
            "load": backbone.report.sentence(),
            "adapt": list(backbone.report.adapted),
            "freeze": ["the whole network"],
            "learning_rates": {},
            "batchnorm": "frozen: stored statistics",
            "augmentation": "none",
            "cpu_seconds": (n_fit + n_predict) * each + 2e-6 * n_fit * backbone.d,
        }

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors.

        The learner travels inside as skops bytes: no pickle.
        """
        import torch

        config, trunk = self.featuriser_.state()
        config |= {
            "task": self.task,
            "random_state": self.random_state,
            "classes": classes_to_json(getattr(self, "classes_", None)),
        }
        tensors = {f"trunk.{name}": tensor for name, tensor in trunk.items()}
        tensors["mean"], tensors["scale"] = torch.from_numpy(self.mean_), torch.from_numpy(self.scale_)
        tensors["learner.skops"] = write_skops(self.learner_)
        return config, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit.

        Raises
        ------
        MedgraftError
            The learner is of a type that is not trusted.
        """
        trunk = {n.removeprefix("trunk."): t for n, t in tensors.items() if n.startswith("trunk.")}
        featuriser = BackboneFeatures.from_state(config, trunk)
        made = cls(
            featuriser.source,
            task=config["task"],
            random_state=config["random_state"],
            device=featuriser.device,
        )
        made.featuriser_ = featuriser
        made.kind_ = featuriser.backbone().kind
        classes = classes_from_json(config["classes"])
        if classes is not None:
            made.classes_ = classes
        made.mean_, made.scale_ = tensors["mean"].numpy(), tensors["scale"].numpy()
        made.learner_ = read_skops(tensors["learner.skops"])
        return made
