"""Signals, sequences and omics as columns of numbers: what stands before every classical method on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from medgraft.cohort.digest import sample_digest
from medgraft.cohort.media import ARRAYS
from medgraft.methods.finetune.images import Progress, image_paths, kind_of
from medgraft.methods.table import InputError
from medgraft.sources.arrays import Reading, SignalReading, reading_from_dict
from medgraft.sources.omics_reading import OmicsReading
from medgraft.sources.store import FeatureStore

USUAL = {
    "signal": ("statistics", "band-power"),
    "unknown rate": ("statistics",),
    "sequence": ("kmers",),
    "protein": ("kmers:k=2,alphabet=protein",),
    "omics": (),
}
BETWEEN = "__"  # a view's name and a column's; methods of several views split names there


class ViewFeatures(TransformerMixin, BaseEstimator):
    """Turn signals, sequences or rows of omics into a table by views that learn nothing.

    Use it before any method for arrays. Not where the form of a wave or the order of letters carries the
    finding: then a 1-D network. It learns nothing from the data, so nothing can leak.

    Parameters
    ----------
    views : sequence of str
        As in ``"band-power"`` or ``"kmers:k=4"`` (see `medgraft.sources.views.views`); empty: the usual ones,
        statistics and band powers of signals, 3-mers of nucleotides, pairs of amino acids, the values of
        omics.
    reading : dict
        How samples are brought to one shape, from `medgraft.sources.arrays.reading_to_dict`.

    Attributes
    ----------
    progress : callable or None
        Called with ("views", done, total); not a setting.
    models_ : list of str
        Fingerprints of the models that views read, once it has transformed; mostly none.

    Raises
    ------
    MedgraftError
        The model that a view reads was replaced by another one.

    Notes
    -----
    What is computed of a sample is kept on disk by its content and the views with all their settings (see
    `medgraft.sources.store.FeatureStore`). Columns are called ``VIEW__NAME``.

    Examples
    --------
    >>> from medgraft.sources.arrays import SequenceReading, reading_to_dict
    >>> made = ViewFeatures(["kmers:k=1"], reading_to_dict(SequenceReading(4)))
    >>> made.compute(["ACCA"])[0].tolist()
    [0.5, 0.5, 0.0, 0.0]
    """

    progress: Progress | None = None
    models_: list[str] | None = None

    def __init__(self, views: Sequence[str] = (), reading: Mapping[str, Any] | None = None) -> None:
        self.views = views
        self.reading = reading

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any = None, y: Any = None, **ignored: Any) -> Self:
        """Do nothing: views learn nothing."""
        return self

    @property
    def names(self) -> list[str]:
        """The views in words, the usual ones where none was named."""
        said = self.reading or {}
        kind = "protein" if said.get("alphabet") == "protein" else self.kind
        if kind == "signal" and said["signal"]["rate"] < 2:  # nobody knows the rate: there are no bands
            kind = "unknown rate"
        return list(self.views) or list(USUAL[kind])

    @property
    def kind(self) -> str:
        """What is read: ``"signal"``, ``"sequence"`` or ``"omics"``."""
        if self.reading is None or self.reading.get("kind") not in ARRAYS:
            raise InputError("Nobody said how samples are read: give reading=reading_to_dict(...).")
        return str(self.reading["kind"])

    def check(self) -> None:
        """Raise unless the views exist and read this kind."""
        self._made()

    def fingerprint(self) -> str:
        """SHA-256 over the views, with all their settings, and the reading."""
        made = [str(view) for view in self._made().values()]
        reading = {name: value for name, value in (self.reading or {}).items() if name != "unit"}
        said = json.dumps(["v1", made, reading], sort_keys=True, default=list)
        return hashlib.sha256(said.encode()).hexdigest()

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the columns (n, p) that views make of a column ``signal``, ``sequence`` or ``omics``.

        Raises
        ------
        MedgraftError
            A sample is missing, or cannot be read.
        """
        cells, found = image_paths(X), kind_of(X)
        if found != self.kind:
            raise InputError(f"The views read {self.kind}s, and these are {found}s.")
        made = list(self._made().values())
        models = [str(view.sha) for view in made if hasattr(view, "sha")]
        if self.models_ not in (None, models):
            raise InputError(
                f"The models of the views {', '.join(self.names)} are others than this one was fitted with: "
                "put those back, or fit anew."
            )
        self.models_ = models
        maker = f"views-{self.fingerprint()}"

        def compute(places: list[int], tell: Callable[[int], None]) -> np.ndarray:
            return self.compute([cells[i] for i in places], tell)

        def told(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress("views", done, total)

        keys = [sample_digest(found, cell) for cell in cells]
        values = FeatureStore().rows(maker, keys, None, compute, told)
        return pd.DataFrame(values.astype(np.float64), columns=self.columns(cells[0]), index=X.index)

    def compute(self, cells: Sequence[str], tell: Callable[[int], None] = lambda done: None) -> np.ndarray:
        """Return the numbers (n, p), float32, of samples; nothing is kept."""
        opened, made = self._opener(), self._made()
        at_once = {
            name: view.many([opened(cell) for cell in cells])
            for name, view in made.items()
            if hasattr(view, "many")
        }
        rows = []
        for i, cell in enumerate(cells):
            sample = opened(cell)
            seen = [at_once[name][i] if name in at_once else view(sample) for name, view in made.items()]
            rows.append(np.concatenate(seen) if seen else np.ravel(sample))
            tell(i + 1)
        return np.asarray(rows, dtype=np.float32)

    def columns(self, cell: str) -> list[str]:
        """Return the names of the columns, which any one sample tells."""
        made = self._made()
        if not made:
            return list((self.reading or {})["features"])
        sample = self._opener()(cell)
        return [f"{name}{BETWEEN}{column}" for name, view in made.items() for column in view.names(sample)]

    def _made(self) -> dict[str, Any]:
        from medgraft.sources.views import read_view

        return {name: read_view(name, self.kind) for name in self.names}

    def _opener(self) -> Callable[[str], Any]:
        reading: Reading = reading_from_dict(dict(self.reading or {}))
        if isinstance(reading, SignalReading):
            return reading.open
        return reading.row if isinstance(reading, OmicsReading) else str.upper
