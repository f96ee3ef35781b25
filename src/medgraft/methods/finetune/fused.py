"""The parts of a fusion side by side, none of them louder for being wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.digest import digest
from medgraft.cohort.media import PICTURES
from medgraft.methods.finetune.images import Progress
from medgraft.methods.finetune.parts import NetworkPart, Part, TablePart, file_column
from medgraft.methods.finetune.skops_bytes import read_skops, write_skops
from medgraft.methods.finetune.views import TURNS, some
from medgraft.methods.splits import Floats, Ints, units_of
from medgraft.methods.table import InputError, Table

if TYPE_CHECKING:
    import torch


class Fused:
    """Features of several parts in one array; where a file is missing, those of the mean one, and a mark.

    Parameters
    ----------
    parts : sequence of Part

    Attributes
    ----------
    factors : array (K,)
        What each part's features, and last the mark's, are multiplied by.
    absent : float
        Share of the training rows without a file; the mark is there where it is above 0.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)

    @property
    def columns(self) -> list[str]:
        """Clinical columns that are read."""
        return [name for part in self.parts if isinstance(part, TablePart) for name in part.columns]

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [n for part in self.parts for n in part.names] + ["image is missing"] * (self.absent > 0)

    def frame(self, X: Any) -> pd.DataFrame:
        """Return the columns of X that the parts read.

        Raises
        ------
        InputError
            X is no table with rows, or lacks one.
        """
        if not isinstance(X, pd.DataFrame) or not len(X):
            raise InputError("Fusion takes a DataFrame with a column 'image' or 'volume', and some rows.")
        needed = [file_column(X)] if any(part.files for part in self.parts) else []
        if any(isinstance(p, TablePart) and p.source and p.source.region == "mask" for p in self.parts):
            needed.append("mask")
        needed += self.columns
        lacking = [name for name in needed if name not in X.columns]
        if lacking:
            raise InputError(
                f"Fusion reads the columns {', '.join(map(repr, lacking))}, which the data lack."
            )
        return X[needed]

    def fit(self, frame: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale of each part on training rows, and return their features (n, d)."""
        there = _there(frame)
        if not there.any():
            raise InputError("No row that teaches has an image: leave out the parts that read it.")
        blocks = []
        for part in self.parts:
            seen = there | (not part.files)
            blocks.append(_laid_out(part.fit(frame[seen], weight[seen], progress), seen))
        self.absent = float(weight @ ~there / weight.sum())
        if self.absent > 0:
            blocks.append(self._mark(there))
        width = np.array([block.shape[1] for block in blocks])
        self.factors = np.sqrt(width.sum() / (len(width) * width))
        return self._joined(blocks)

    def transform(self, frame: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the features (n, d) of new rows."""
        there, blocks = _there(frame), []
        for part in self.parts:
            seen = there | (not part.files)
            empty = np.empty((0, len(part.names)))
            blocks.append(_laid_out(part.transform(frame[seen], progress) if seen.any() else empty, seen))
        if self.absent > 0:
            blocks.append(self._mark(there))
        return self._joined(blocks)

    def again(self, frame: pd.DataFrame) -> Floats | None:
        """Return features (m, views, d) of some images and of further views of them; None without images."""
        there = _there(frame)
        if "image" not in frame.columns or there.sum() < 2:
            return None
        frame = frame[there]
        frame = frame.iloc[some([str(cell) for cell in frame["image"]])]
        views = []
        for k in range(1 + len(TURNS)):
            blocks = [p.transform(frame, None) if k == 0 else p.again(frame, k) for p in self.parts]
            if self.absent > 0:
                blocks.append(self._mark(_there(frame)))
            views.append(self._joined(blocks))
        return np.stack(views, axis=1)

    def _mark(self, there: NDArray[np.bool_]) -> Floats:
        scale = np.sqrt(self.absent * (1.0 - self.absent))
        return np.asarray(((~there)[:, None] - self.absent) / scale)

    def _joined(self, blocks: list[Floats]) -> Floats:
        return np.hstack([f * block for f, block in zip(self.factors, blocks, strict=True)])

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""
        import torch

        tensors, said = {"factors": torch.from_numpy(self.factors)}, []
        for k, part in enumerate(self.parts):
            config, own = part.state()
            said.append(config)
            tensors |= {f"{k}.{name}": tensor for name, tensor in own.items()}
            if isinstance(part, TablePart):
                tensors[f"{k}.encoder.skops"] = write_skops(part.encoder)
        return {"parts": said, "absent": self.absent}, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave."""
        parts: list[Part] = []
        for k, said in enumerate(config["parts"]):
            own = {n.removeprefix(f"{k}."): t for n, t in tensors.items() if n.startswith(f"{k}.")}
            if said["kind"] == "network":
                parts.append(NetworkPart.from_state(said, own))
            else:
                parts.append(TablePart.from_state(said, read_skops(own["encoder.skops"])))
        made = cls(parts)
        made.factors, made.absent = tensors["factors"].numpy(), float(config["absent"])
        return made


def _there(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows have their file; all where none is read."""
    read = [kind for kind in PICTURES if kind in frame.columns]
    return frame[read[0]].notna().to_numpy() if read else np.ones(len(frame), dtype=bool)


def _laid_out(features: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Features of the rows seen, among all rows; the others are at the mean, zero."""
    out = np.zeros((len(seen), features.shape[1]))
    out[seen] = features
    return out


def copies_of(frame: pd.DataFrame) -> Ints:
    """Codes of rows that are copies of each other: files of one content, or equal rows without one."""
    own, there = Table.of(frame).keys(), _there(frame)
    if any(kind in frame.columns for kind in PICTURES):
        cells = frame[file_column(frame)].to_numpy()
        for i in np.flatnonzero(there):
            own[i] = int.from_bytes(digest(cells[i])[:8], "little")
    return units_of(own)
