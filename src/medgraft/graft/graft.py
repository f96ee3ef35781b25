"""A graft: it predicts, and checks what it is given."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, read
from medgraft.cohort.media import SEEN
from medgraft.cohort.multilabel import encode
from medgraft.evidence.aggregate import aggregate
from medgraft.graft.contract import check
from medgraft.graft.outlines import outline
from medgraft.graft.use import Use


@dataclass
class Graft:
    """A model to take home: it predicts, checks its input, and carries its evidence.

    Get one from ``Result.graft`` or :func:`medgraft.load`. It is not a medical device; its evidence
    holds for patients like those of the trial.

    Attributes
    ----------
    manifest : dict
        The content of ``graft.json``.
    model : estimator
    path : Path
    use : Use or None
        What patients of a place taught about its predictions there (``medgraft calibrate``).
    """

    manifest: dict[str, Any]
    model: Any
    path: Path
    use: Use | None = None

    def __repr__(self) -> str:
        """Say what it predicts and how it was made."""
        what = "a number" if self.classes is None else " or ".join(self.classes)
        what = "masks" if self.outlines else what
        made = {k: self.manifest[k] for k in ("arm", "choice") if self.manifest.get(k)}
        own = ", calibrated" if self.use is not None else ""
        return f"Graft({str(self.path)!r}: predicts {what} from a {self.manifest['kind']}, {made}{own})"

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes in the order of the probabilities; None for regression."""
        names = self.manifest["classes"]
        return None if names is None else list(names)

    @property
    def outlines(self) -> bool:
        """Whether it predicts masks."""
        return bool(self.manifest["task"] == "segmentation")

    @property
    def evidence(self) -> dict[str, Any] | None:
        """What the trial found about this model, or None when it was saved by hand."""
        path = self.path / "evidence.json"
        return json.loads(path.read_text()) if path.exists() else None

    def predict_proba(
        self, data: Cohort | pd.DataFrame | str | Path, *, calibrated: bool = True
    ) -> np.ndarray:
        """Return probabilities, (n, K), columns as in `classes`; of several labels each has its own.

        Parameters
        ----------
        data : Cohort, DataFrame or path
            As in `predict`.
        calibrated : bool
            False for the model's own, where the graft was calibrated for a place.

        Raises
        ------
        MedgraftError
            The graft predicts numbers, the data break its contract, or it is calibrated for patients whose
            rows are joined: that is what `table` does.
        """
        if self.classes is None:
            what = "masks" if self.outlines else "a number"
            raise MedgraftError(f"This graft predicts {what}, not classes: use predict.")
        use = self.use if calibrated else None
        if use is not None and use.joined:
            raise MedgraftError(
                "This graft is calibrated for patients, whose rows are joined: use table, with the group of "
                "the data, or calibrated=False for single rows."
            )
        known = np.asarray(self.model.predict_proba(self.input(data)), dtype=float)
        if self.manifest["task"] == "multilabel":
            return known
        p = np.zeros((len(known), len(self.classes)))
        p[:, np.asarray(self.model.classes_, dtype=int)] = known
        return p if use is None else use.probabilities(p)

    def predict(self, data: Cohort | pd.DataFrame | str | Path, *, calibrated: bool = True) -> Any:
        """Return class names (n,), values (n,) for regression, or a list of masks for segmentation.

        Of several labels those that are likely, ``"a|b"``, or ``"none"``. A mask is an array of int on the
        grid of its sample: (h, w) of an image, (x, y, z) of a volume as `Cohort.open` gives it. To have one
        in memory at a time, write files: ``medgraft predict``.

        Parameters
        ----------
        data : Cohort, DataFrame or path
            A path or a DataFrame is read as :func:`medgraft.read` reads it, without a label.
        calibrated : bool
            As in `predict_proba`.

        Raises
        ------
        MedgraftError
            The data break the graft's contract; and as `predict_proba`.
        """
        if self.outlines:
            return list(self.model.predict(self.input(data)))
        if self.classes is None:
            return np.asarray(self.model.predict(self.input(data)), dtype=float)
        return self._named(self.predict_proba(data, calibrated=calibrated))

    def table(self, data: Cohort | pd.DataFrame | str | Path) -> pd.DataFrame:
        """Return predictions as the command line writes them: one row for each sample.

        Of masks: how many voxels (pixels) and millilitres of each class there are.

        A graft that was tested on patients with several rows (``--aggregate``) gives one row for each
        patient, where the data say with ``group`` who that is; ``row`` is then the first of the patient's.

        A graft that was calibrated for a place adds ``set`` (classes, of which one is true as often as
        promised) or ``low`` and ``high``, and ``decision``, by its threshold. If it was for patients whose
        rows are joined, it needs their ``group``; without, nothing of it is applied, with a warning.

        Parameters
        ----------
        data : Cohort, DataFrame or path
            As in `predict`.
        """
        data = _cohort(data)
        if self.outlines:
            return outline(self, data)
        use = self.use_for(data)
        if use is None and self.use is not None:
            warnings.warn(
                "The calibration is for patients, whose rows are joined, and was not applied to single rows.",
                stacklevel=2,
            )
        frame, p = self.unit_predictions(data)
        if use is not None:
            p = use.probabilities(p)
        more = {} if use is None else use.columns(p, self.classes)
        if self.classes is None:
            return frame.assign(prediction=p, **more)
        frame["prediction"] = self._named(p)
        for k, name in enumerate(self.classes):
            frame[f"p_{name}"] = p[:, k]
        return frame.assign(**more)

    def use_for(self, data: Cohort) -> Use | None:
        """Return what `table` applies to these data of what the graft was calibrated with."""
        return None if self.use is None or self.use.joined != self.aggregates(data) else self.use

    def unit_predictions(self, data: Cohort) -> tuple[pd.DataFrame, np.ndarray]:
        """Return whose the rows of `table` are, and the model's own predictions for them.

        Parameters
        ----------
        data : Cohort
        """
        frame = pd.DataFrame({"row": np.arange(data.n)})
        p = self.predict(data) if self.classes is None else self.predict_proba(data, calibrated=False)
        if self.aggregates(data):
            how, labels = self.manifest["aggregate"]["how"], self.manifest["task"] == "multilabel"
            return _by_patient(data, p, how, labels)
        return frame, p

    def _named(self, p: np.ndarray) -> np.ndarray:
        """Return the most probable class of each row, or the labels of a probability of one half or more."""
        names = self.classes or []
        if self.manifest["task"] == "multilabel":
            return np.asarray(encode(p >= 0.5, np.zeros(p.shape, dtype=bool), names))
        return np.asarray(names)[p.argmax(axis=1)]

    def aggregates(self, data: Cohort) -> bool:
        """Whether `table` joins the rows of these data into patients."""
        return bool(self.manifest.get("aggregate")) and data.group is not None

    def input(self, data: Cohort | pd.DataFrame | str | Path) -> pd.DataFrame:
        """Return what the model reads of data, checked against the contract."""
        data = _cohort(data)
        kind = self.manifest["kind"]
        if kind in SEEN:
            if data.kind != kind:
                has = f"has none: say with --{kind} which column holds them"
                if data.kind in SEEN:
                    has = f"holds {data.kind}s"
                several = kind if kind.endswith("s") else f"{kind}s"
                raise MedgraftError(f"This graft reads {several}, and '{data.name}' {has}.")
            return _beside(data, self.model, self.manifest["schema"])
        if data.kind == "image" and not data.features:
            raise MedgraftError(f"This graft reads a table, but '{data.name}' is a folder of images.")
        frame, said = check(data.table, self.manifest["schema"])
        for sentence in said:
            warnings.warn(sentence, stacklevel=3)
        return frame


def _by_patient(data: Cohort, p: np.ndarray, how: str, labels: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Join the predictions of each patient, in the order in which patients turn up."""
    _, first, rows = np.unique(data.groups, return_index=True, return_counts=True)
    order = np.argsort(first)
    who = data.table[str(data.group)].to_numpy()[first]
    frame = pd.DataFrame({"row": first, str(data.group): who, "rows": rows}).iloc[order]
    return frame.reset_index(drop=True), aggregate(p, data.groups, how, labels=labels)[order]


def _columns_of(model: Any) -> list[str]:
    """Columns that a model of images reads or was fitted on beside them, its own and its members'."""
    found = [*getattr(model, "columns", ()), *getattr(model, "feature_names_in_", ())]
    for member in getattr(model, "members_", {}).values():
        found += [name for name in _columns_of(member) if name not in found]
    return found


def _beside(data: Cohort, model: Any, schema: dict[str, Any]) -> pd.DataFrame:
    """Return the references of a cohort, and the columns beside them, checked against the contract."""
    columns = _columns_of(model)
    wanted = {"columns": [column for column in schema["columns"] if column["name"] in columns]}
    frame, said = check(data.table, wanted)
    for sentence in said:
        warnings.warn(sentence, stacklevel=4)
    references = {kind: data.table[column] for kind, column in data.media.items()}
    X = pd.DataFrame(references).join(frame)
    fitted_on = getattr(model, "feature_names_in_", X.columns)  # an ensemble knows kinds that nobody reads
    return X[[name for name in fitted_on if name in X.columns]]


def _cohort(data: Cohort | pd.DataFrame | str | Path) -> Cohort:
    if isinstance(data, Cohort):
        return data
    if not isinstance(data, pd.DataFrame | str | Path):
        raise MedgraftError(f"A graft reads a DataFrame, a path or a cohort, not {type(data).__name__}.")
    return read(data, require_label=False)
