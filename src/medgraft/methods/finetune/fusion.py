"""Early fusion: one learner on the features of all kinds of data that a patient has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from medgraft.cohort.media import SEEN
from medgraft.methods.base import TASK_NAMES, classifies, contract_tags, has_proba, refuse_task
from medgraft.methods.finetune.fused import Fused, copies_of
from medgraft.methods.finetune.head import one_thread
from medgraft.methods.finetune.images import Progress, classes_from_json, classes_to_json
from medgraft.methods.finetune.parts import NetworkPart, Part
from medgraft.methods.finetune.skops_bytes import read_skops, write_skops
from medgraft.methods.finetune.views import asks_again
from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.multimodal.choose import chosen_parts
from medgraft.methods.multimodal.tables import ColumnsPart
from medgraft.methods.registry import TASKS, method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError, Table

if TYPE_CHECKING:
    import torch


@method(
    "fusion",
    family="finetune",
    tasks=("classification", "regression"),
    needs=("target-labels", "images"),
    cost="one forward pass over n samples a network, once ever; then O(n d min(n, d))",
    refs=(
        "Huang et al. 2020, doi:10.1038/s41746-020-00341-z (early and late fusion of images and records)",
        "Escofier and Pages 1994, doi:10.1016/0167-9473(94)90135-X (weighting of groups of columns)",
    ),
)
class Fusion(BaseEstimator):
    r"""Linear learner on the features of several frozen networks, radiomics, views and clinical columns.

    Use it where sources see different things: an image and age and sex, two backbones, an ECG and a table.
    Not where one source has nearly all there is to know: more columns then only add noise; compare with
    ``fusion:parts=image`` and ``fusion:parts=clinical``, which ``stacking`` and ``soft-voting`` also join
    (late fusion).

    Part k gives :math:`d_k` standardised features :math:`\phi_k(x)`. A row becomes

    .. math:: \Big( \sqrt{\tfrac{d}{K d_k}}\, \phi_k(x) \Big)_{k = 1 \dots K}, \qquad d = \sum_k d_k,

    so that every part has the same total variance and a penalty on coefficients holds none of them back for
    being narrow: three clinical columns weigh as much as 1,280 features. One part alone is ``linear-probe``.

    Parameters
    ----------
    sources : sequence of Pretrained, Radiomics, ViewFeatures or str
        Networks (``"timm:NAME"``, a file), ``"radiomics"`` with settings, views of signals, sequences or
        omics. Each reads the kind that it can: of several the first in the order image, volume, signal,
        sequence, omics, unless its settings (``volume=``, ``array=``) say which.
    columns : sequence of str
        Clinical columns of X, numbers or words, encoded by `TableEncoder`: a gap is the median, and marked.
    parts : str
        ``"all"``, or some of the names of the parts with slashes between them: a network's architecture,
        ``radiomics``, ``signal-views``, ``clinical``; or a kind (``image``) for all parts that read it.
    task : str
        ``"classification"`` or ``"regression"``.
    estimator : scikit-learn estimator, optional
        Learner on the fused features instead of the default one. One that standardises what it gets
        (``svm``, ``mlp``, ...) sees all columns alike, whatever their part.
    random_state : int
        Seed of the inner splits.
    device : str
        Where networks run.

    Attributes
    ----------
    fused_ : Fused
        The parts, and what each one's features are multiplied by.
    names_ : list of str
        Names of the fused features.
    learner_ : estimator
        The fitted learner on class codes.
    classes_ : array (K,)
        Labels, sorted (classification only).
    progress : callable or None
        Called with (what, done, total); not a setting.

    Raises
    ------
    MedgraftError
        There is no part, or none of that name; a column is not there; a kind is missing in every row that
        teaches.

    Notes
    -----
    X is a DataFrame with a column for each kind that is read (``image``, ``signal``, ...) and the clinical
    columns. Where a row lacks a kind, or all clinical columns, the features of that kind are at their mean,
    and where this happens in training, a column says so; these marks are one more part. A kind that is
    missing only in rows to predict is at the mean without a mark. Everything is learnt from labelled rows.
    Cost as that of ``linear-probe`` for each network.

    Examples
    --------
    >>> Fusion(sources=("radiomics",), columns=("age",)).parts
    'all'
    """

    progress: Progress | None = None
    supported_tasks: tuple[str, ...] = TASKS  # the registry's decorator sets them

    def __init__(
        self,
        sources: Sequence[Any] = (),
        *,
        columns: Sequence[str] = (),
        parts: str = "all",
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.sources = sources
        self.columns = columns
        self.parts = parts
        self.task = task
        self.estimator = estimator
        self.random_state = random_state
        self.device = device

    def __sklearn_tags__(self) -> Any:
        return contract_tags(super().__sklearn_tags__(), classifies(self))

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Learn from the labelled rows of all domains; parameters as in `ImageEstimator.fit`."""
        self.fused_ = Fused(self._parts(kinds_of(X)))
        frame = self.fused_.frame(X)
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        rows = self._rows(frame, y, target, columns)
        use = np.flatnonzero(rows.labelled)
        self._learn(frame.iloc[rows.index[use]], rows.y[use], rows.weight[use], rows.units[use])
        return self

    def _parts(self, kinds: Sequence[str] = ()) -> list[Part]:
        return chosen_parts(self.sources, self.columns, self.parts, self.device, kinds)

    def _rows(self, frame: pd.DataFrame, y: Any, target: str | None, columns: dict[str, Any]) -> Rows:
        """Check what ``fit`` was given, and set `classes_`; copies of a sample are one patient."""
        if self.task not in TASK_NAMES:
            raise InputError(f"task '{self.task}' does not exist: use one of {', '.join(TASK_NAMES)}.")
        rows = Rows.of(Table.of(frame), y, regression=not classifies(self), target=target, **columns)
        refuse_task(self, rows.k)
        if rows.classes is not None:
            self.classes_ = rows.classes
        if columns["groups"] is None:
            rows = replace(rows, units=copies_of(frame.iloc[rows.index]))
        return rows

    def _learn(self, frame: pd.DataFrame, y: NDArray[Any], weight: Floats, units: Ints) -> None:
        """Fit parts and learner on labelled rows."""
        Z = self.fused_.fit(frame, weight, self.progress)
        again = self.fused_.again(frame) if asks_again(self.estimator) else None
        with one_thread():
            self.learner_ = fit_learner(
                self.estimator,
                Z,
                y,
                weight=weight,
                units=units,
                task=self.task,
                random_state=self.random_state,
                again=again,
            )

    @property
    def names_(self) -> list[str]:
        """Names of the fused features."""
        check_is_fitted(self, "learner_")
        return self.fused_.names

    def _read(self, X: Any) -> pd.DataFrame:
        return self.fused_.frame(X)

    def _predict(self, X: Any) -> Floats:
        check_is_fitted(self, "learner_")
        frame = self._read(X)
        with one_thread():
            Z = self.fused_.transform(frame, self.progress)
            if not classifies(self):
                return np.asarray(self.learner_.predict(Z), dtype=float)
            out = np.zeros((len(Z), len(self.classes_)))
            out[:, np.asarray(self.learner_.classes_, dtype=np.intp)] = self.learner_.predict_proba(Z)
            return out

    @available_if(has_proba)
    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        return self._predict(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted label or value (n,)."""
        out = self._predict(X)
        return np.asarray(self.classes_[out.argmax(axis=1)]) if classifies(self) else out

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2 for regression."""
        measure = accuracy_score if classifies(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load, adapt and freeze, and what it will cost; see `LinearProbe.plan`."""
        from medgraft.methods.finetune.cost import DECODE, forward_seconds

        said: dict[str, Any] = {"load": [], "adapt": [], "freeze": ["all networks"], "learning_rates": {}}
        each, width = 0.0, 0
        for part in self._parts():
            if isinstance(part, NetworkPart):
                backbone = part.featuriser.backbone()
                said["load"].append(backbone.report.sentence())
                said["adapt"] += list(backbone.report.adapted)
                each, width = each + DECODE + forward_seconds(backbone), width + backbone.d
            elif not isinstance(part, ColumnsPart):
                each, width = each + 0.1, width + 100
        said |= {
            "load": " ".join(said["load"]),
            "batchnorm": "frozen: stored statistics",
            "augmentation": "none",
        }
        return said | {"cpu_seconds": (n_fit + n_predict) * each + 2e-6 * n_fit * width}

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors, learners as skops bytes."""
        config: dict[str, Any] = {
            "task": self.task,
            "random_state": self.random_state,
            "device": self.device,
            "classes": classes_to_json(getattr(self, "classes_", None)),
        }
        config["fused"], tensors = self.fused_.state()
        return config, tensors | {"learner.skops": write_skops(self.learner_)}

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit.

        Raises
        ------
        MedgraftError
            The learner is of a type that is not trusted.
        """
        made = cls(task=config["task"], random_state=config["random_state"], device=config["device"])
        made.fused_ = Fused.from_state(config["fused"], tensors)
        made.columns = tuple(made.fused_.columns)
        classes = classes_from_json(config["classes"])
        if classes is not None:
            made.classes_ = classes
        made.learner_ = read_skops(tensors["learner.skops"])
        return made


def kinds_of(X: Any) -> list[str]:
    """Return the kinds of which X has a column of samples; none where it is no table."""
    return [kind for kind in SEEN if isinstance(X, pd.DataFrame) and kind in X.columns]
