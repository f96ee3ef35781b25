"""Cascade: what one kind of data forecasts, as features beside another kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from medgraft.methods.base import classifies
from medgraft.methods.finetune.fused import Fused
from medgraft.methods.finetune.fusion import Fusion, kinds_of
from medgraft.methods.finetune.parts import Part
from medgraft.methods.inner_fits import Given, held_out_folds, out_of_fold
from medgraft.methods.multimodal.choose import chosen_parts
from medgraft.methods.multimodal.tables import ColumnsPart
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, number_again
from medgraft.methods.table import InputError, Table

if TYPE_CHECKING:
    import torch

FORECAST = "forecast"  # the part made of what the first stage says, and its columns


@method(
    "cascade",
    family="finetune",
    tasks=("classification", "regression"),
    needs=("target-labels", "images"),
    cost="that of fusion, and (inner folds + 1) fits of the first learner",
    refs=(
        "Espinosa Salinas et al. 2024, doi:10.3389/frai.2024.1467051",
        "Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1 (predictions of rows held out)",
    ),
)
class Cascade(Fusion):
    r"""Learner on one kind of data and on the probabilities that another kind gives.

    Use it where one kind is wide (images) and another one narrow, so that the wide one is worth only a few
    numbers to the learner that joins them, for instance one that is not linear (``cascade+cnn1d``). Not where
    the two must be seen together at the level of features: then `fusion`; nor with a dozen patients, of whom
    the first stage gets a part only.

    A first `fusion` of the parts `first` is fitted without each fold f of patients in turn and says
    :math:`p_i = P_{-f(i)}(y \mid x_i^{\text{first}})` of the rows held out: K probabilities (one for two
    classes, or the value). The second stage learns from :math:`(\phi(x_i^{\text{then}}), p_i)`, with parts
    weighted as in `fusion`. At prediction p comes from the first stage fitted on all rows.

    Parameters
    ----------
    sources, columns : sequence
        As in `Fusion`.
    first, then : str
        Names of parts or kinds, with slashes between them, as in `Fusion`: what the first stage reads, and
        what the second one reads beside it.
    inner_folds : int
        Folds of patients, 2 or more, in which the first stage says of rows what it did not learn from them.
    task : str
        ``"classification"`` or ``"regression"``.
    estimator : scikit-learn estimator, optional
        Learner of the second stage instead of the default one, which the first stage has.
    random_state : int
        Seed of the inner splits.
    device : str
        Where networks run.

    Attributes
    ----------
    first_ : Fusion
        The first stage, fitted on all labelled rows.
    fused_ : Fused
        The parts of the second stage; the last one is called ``forecast``.
    names_ : list of str
        Names of the features of the second stage.
    learner_ : estimator
        Its fitted learner on class codes.
    classes_ : array (K,)
        Labels, sorted (classification only).
    progress : callable or None
        Called with (what, done, total); not a setting.

    Raises
    ------
    MedgraftError
        There is no part of that name; a kind is missing in every row that teaches, also without one fold;
        there is one patient only.

    Notes
    -----
    Rows without what the first stage reads get what it says of the mean sample, so that kinds may be missing
    as in `Fusion`. The first stage of the last fit has seen more rows than those whose forecasts taught the
    second. Where no `groups` are given, rows that hold one sample are one patient.

    Examples
    --------
    >>> from medgraft.methods.views import ViewFeatures
    >>> from medgraft.sources.arrays import SequenceReading, reading_to_dict
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.normal(60, 9, 80), "sequence": rng.choice(["ACGT", "AACC", "GGTT"], 80)})
    >>> y = (X["age"] > 60) & (X["sequence"] != "GGTT")
    >>> views = ViewFeatures(["kmers:k=1"], reading_to_dict(SequenceReading(4)))
    >>> model = Cascade([views], columns=["age"], first="sequence").fit(X, y)
    >>> model.names_
    ['age', 'forecast of True']
    """

    def __init__(
        self,
        sources: Sequence[Any] = (),
        *,
        columns: Sequence[str] = (),
        first: str = "image",
        then: str = "clinical",
        inner_folds: int = 5,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.sources = sources
        self.columns = columns
        self.first = first
        self.then = then
        self.inner_folds = inner_folds
        self.task = task
        self.estimator = estimator
        self.random_state = random_state
        self.device = device

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
        if not isinstance(self.inner_folds, int) or self.inner_folds < 2:
            raise InputError(f"cascade holds patients out in 2 folds or more, not in {self.inner_folds}.")
        stage = self._stage()
        stage.progress = self.progress
        kinds = kinds_of(X)
        frame = Fused(self._parts(kinds)).frame(X)
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        rows = self._rows(frame, y, target, columns)
        use = np.flatnonzero(rows.labelled)
        frame, y, weight = frame.iloc[rows.index[use]], rows.y[use], rows.weight[use]
        units = number_again(rows.units[use])
        if units.max() == 0:
            raise InputError("cascade holds patients out, and there is one labelled patient: use fusion.")
        values = not classifies(self)
        inner = Rows.of(Table.of(frame), y, regression=values, sample_weight=weight, groups=units)
        at = np.arange(len(y))
        fold, folds = held_out_folds(inner, at, self.inner_folds, self.random_state)
        given = Given(frame, y, {"sample_weight": weight, "groups": units}, None)
        P = out_of_fold(given, inner, at, fold, folds, stage)
        self.first_ = stage.fit(frame, y, sample_weight=weight, groups=units)
        said = self._forecast(P)
        self.fused_ = Fused([*self._asked(self.then, kinds), ColumnsPart(list(said), FORECAST)])
        self._learn(self.fused_.frame(frame.assign(**said)), y, weight, units)
        return self

    def _stage(self) -> Fusion:
        return Fusion(
            self.sources,
            columns=self.columns,
            parts=self.first,
            task=self.task,
            random_state=self.random_state,
            device=self.device,
        )

    def _parts(self, kinds: Sequence[str] = ()) -> list[Part]:
        return [part for asked in (self.first, self.then) for part in self._asked(asked, kinds)]

    def _asked(self, parts: str, kinds: Sequence[str]) -> list[Part]:
        return chosen_parts(self.sources, self.columns, parts, self.device, kinds)

    def _forecast(self, P: Floats) -> dict[str, Floats]:
        """Columns of what the first stage says: values, or of two classes the second one's probability."""
        if not classifies(self):
            return {f"{FORECAST} of the value": P}
        names = [f"{FORECAST} of {label}" for label in self.classes_]
        first = 1 if len(names) == 2 else 0
        return dict(zip(names[first:], P.T[first:], strict=True))

    def _read(self, X: Any) -> pd.DataFrame:
        said = self._forecast(self.first_._predict(X))
        return self.fused_.frame(X.assign(**said))

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors, learners as skops bytes."""
        config, tensors = super().state()
        config["first"], first = self.first_.state()
        # A network that both stages read must not be one memory: safetensors refuses that.
        return config, tensors | {f"first.{name}": tensor.clone() for name, tensor in first.items()}

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit.

        Raises
        ------
        MedgraftError
            A learner is of a type that is not trusted.
        """
        made = super().from_state(config, tensors)
        first = {n.removeprefix("first."): t for n, t in tensors.items() if n.startswith("first.")}
        made.first_ = Fusion.from_state(config["first"], first)
        read = [*made.first_.columns, *Fused(made.fused_.parts[:-1]).columns]
        made.columns = tuple(dict.fromkeys(read))
        return made
