"""The parts of a fusion side by side, none of them louder for being wide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.digest import sample_digest
from medgraft.cohort.media import SEEN
from medgraft.methods.finetune.images import Progress
from medgraft.methods.finetune.parts import Part
from medgraft.methods.finetune.skops_bytes import read_skops, write_skops
from medgraft.methods.finetune.views import TURNS, some
from medgraft.methods.multimodal.choose import part_from_state
from medgraft.methods.multimodal.tables import ColumnsPart, TablePart
from medgraft.methods.splits import Floats, Ints, units_of
from medgraft.methods.table import InputError, Table

if TYPE_CHECKING:
    import torch

There = dict[str, NDArray[np.bool_]]  # by kind, which rows have it
WORDS = {"image": "an image", "omics": "a row of omics", "clinical": "a value in the clinical columns"}


class Fused:
    """Features of several parts in one array; where a kind is missing, those of the mean one, and a mark.

    Parameters
    ----------
    parts : sequence of Part

    Attributes
    ----------
    factors : array (K,)
        What each part's features, and last the marks, are multiplied by.
    absent : dict of str to float
        Share of the training rows without a kind, for each kind that some of them lack: these have a mark.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)

    @property
    def columns(self) -> list[str]:
        """Clinical columns that are read."""
        return [name for part in self.parts if isinstance(part, ColumnsPart) for name in part.columns]

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [n for part in self.parts for n in part.names] + [f"{kind} is missing" for kind in self.absent]

    def frame(self, X: Any) -> pd.DataFrame:
        """Return the columns of X that the parts read.

        Raises
        ------
        InputError
            X is no table with rows, or lacks one.
        """
        if not isinstance(X, pd.DataFrame) or not len(X):
            raise InputError("It takes a DataFrame with columns named by kinds, as 'image', and some rows.")
        needed = list(dict.fromkeys(name for part in self.parts for name in part.needs()))
        lacking = [name for name in needed if name not in X.columns]
        for kind in SEEN:
            if kind in lacking:
                what = f"{kind}s" if kind != "omics" else kind
                raise InputError(f"There is no column of {what} to read: name it with --{kind}.")
        if lacking:
            raise InputError(f"It reads the columns {', '.join(map(repr, lacking))}, which the data lack.")
        return X[needed]

    def fit(self, frame: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale of each part on training rows, and return their features (n, d)."""
        there = self._there(frame)
        for kind, seen in there.items():
            if not seen.any():
                has = WORDS.get(kind, f"a {kind}")
                raise InputError(f"No row that teaches has {has}: leave out the parts that read it.")
        self.absent = {k: float(weight @ ~seen / weight.sum()) for k, seen in there.items() if not seen.all()}
        blocks = self._blocks(there, lambda part, seen: part.fit(frame[seen], weight[seen], progress))
        width = np.array([block.shape[1] for block in blocks])
        self.factors = np.sqrt(width.sum() / (len(width) * width))
        return self._joined(blocks)

    def transform(self, frame: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the features (n, d) of new rows."""
        there = self._there(frame)
        return self._joined(self._blocks(there, lambda part, seen: part.transform(frame[seen], progress)))

    def again(self, frame: pd.DataFrame) -> Floats | None:
        """Return features (m, views, d) of some images and of further views of them; None without images."""
        seen = self._there(frame).get("image")
        if seen is None or seen.sum() < 2:
            return None
        frame = frame[seen]
        frame = frame.iloc[some([str(cell) for cell in frame["image"]])]
        there, views = self._there(frame), []
        for k in range(1 + len(TURNS)):

            def one(part: Part, seen: NDArray[np.bool_], k: int = k) -> Floats:
                turned = k > 0 and part.kind == "image"
                return part.again(frame[seen], k) if turned else part.transform(frame[seen], None)

            views.append(self._joined(self._blocks(there, one)))
        return np.stack(views, axis=1)

    def _there(self, frame: pd.DataFrame) -> There:
        return {part.kind: part.there(frame) for part in self.parts}

    def _blocks(self, there: There, features: Callable[[Part, NDArray[np.bool_]], Floats]) -> list[Floats]:
        """Features of each part for the rows that have it, among all rows, and the marks of those without."""
        blocks = []
        for part in self.parts:
            seen = there[part.kind]
            found = features(part, seen) if seen.any() else np.empty((0, len(part.names)))
            block = np.zeros((len(seen), found.shape[1]))  # the others are at the mean
            block[seen] = found
            blocks.append(block)
        if self.absent:
            marks = [_mark(~there[kind], share) for kind, share in self.absent.items()]
            blocks.append(np.column_stack(marks))
        return blocks

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
            encoder = own.get("encoder.skops")
            parts.append(part_from_state(said, own, None if encoder is None else read_skops(encoder)))
        made = cls(parts)
        made.factors, made.absent = tensors["factors"].numpy(), dict(config["absent"])
        return made


def _mark(gone: NDArray[np.bool_], share: float) -> Floats:
    """Whether a kind is missing, with mean 0 and variance 1 in training."""
    return np.asarray((gone - share) / np.sqrt(share * (1.0 - share)))


def copies_of(frame: pd.DataFrame) -> Ints:
    """Codes of rows that are copies of each other: samples of one content, or equal rows without one."""
    own = Table.of(frame).keys()
    for kind in reversed([kind for kind in SEEN if kind in frame.columns]):  # the first kind of a row decides
        cells = frame[kind].to_numpy()
        for i in np.flatnonzero(frame[kind].notna().to_numpy()):
            own[i] = int.from_bytes(sample_digest(kind, cells[i])[:8], "little")
    return units_of(own)
