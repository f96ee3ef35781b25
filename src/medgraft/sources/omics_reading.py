"""Rows of omics as a model reads them: the same features in the same order, whatever file they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.omics import Omics
from medgraft.cohort.omics.rows import sample_of
from medgraft.cohort.ref import Ref
from medgraft.sources.probes import ENOUGH, match_probes
from medgraft.sources.settings import made_from

_LISTS = ("features", "centre", "scale")
SLACK = 0.1  # beyond 0 and 1, by which normalised beta values may lie outside


@dataclass(frozen=True)
class OmicsReading:
    r"""Rows of a matrix with named features, as one channel.

    Features are found by their names. With a model's own centre c and scale s a value x becomes
    :math:`(x - c) / s`, and a gap 0 (see `medgraft.sources.probes.match_probes`); without them values stay
    as they are, and a network reads a gap as 0.

    Parameters
    ----------
    features : tuple of str
        Names, in the model's order.
    centre, scale : tuple of float
        Of each feature, or none.
    enough : float, default 0.6
        Share of the features that a file must have.
    """

    features: tuple[str, ...]
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    enough: float = ENOUGH

    def __post_init__(self) -> None:
        for name in _LISTS:
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, int]:
        """One channel and the features."""
        return 1, len(self.features)

    def words(self) -> str:
        """Say it in a few words."""
        own = ", in the units of a model of its own" if self.centre else ""
        return f"{len(self.features):,} features{own}"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return {name: list(v) if name in _LISTS else v for name, v in asdict(self).items()}

    def row(self, text: str) -> NDArray[np.float32]:
        """Open a reference: (features,), with gaps where nothing was measured and there is no centre.

        Raises
        ------
        MedgraftError
            The file has too few of the features.
        """
        ref = Ref.parse(text)
        if "sample" not in ref.parts:
            raise MedgraftError(f"The reference '{text}' names no sample of a matrix.")
        sample = sample_of(ref)
        matrix = Omics.open(ref.path, ids=[sample])
        names, stamp = matrix.features, Path(ref.path).stat().st_mtime_ns
        places = _places(ref.path, stamp, len(names), self)
        row = np.append(matrix.row(sample), np.float32(np.nan))[places]  # place -1 is the gap
        if not self.centre:
            return np.asarray(row, dtype=np.float32)
        centre, scale = np.array(self.centre), np.array(self.scale or (1.0,) * len(self.centre))
        if centre.min() >= 0 and 0 < centre.max() <= 1 and not _are_betas(row):  # a centre of 0 tells no unit
            raise MedgraftError(
                f"The model reads beta values, from 0 to 1, and '{text}' has others: make them of M-values "
                "by 2^M / (2^M + 1)."
            )
        return np.where(np.isnan(row), 0.0, (row - centre) / scale).astype(np.float32)

    def array(self, text: str) -> NDArray[np.float32]:
        """Open a reference for a network: (1, features), without gaps."""
        return np.nan_to_num(self.row(text), nan=0.0, posinf=0.0, neginf=0.0)[None]


def _are_betas(row: NDArray[np.float32]) -> bool:
    known = row[~np.isnan(row)]
    return not len(known) or bool(known.min() >= -SLACK and known.max() <= 1 + SLACK)


@lru_cache(maxsize=16)
def _places(path: str, changed: int, p: int, reading: OmicsReading) -> NDArray[np.intp]:
    """Return where each feature lies in a file, -1 where it does not."""
    own = {str(name): j for j, name in enumerate(Omics.open(path).features)}
    found = np.array([own.get(name, -1) for name in reading.features], dtype=np.intp)
    share = float((found >= 0).mean()) if len(found) else 0.0
    if share < reading.enough:
        raise MedgraftError(
            f"'{Path(path).name}' has {share:.1%} of the {len(found):,} features that the model reads, under "
            f"{reading.enough:.0%}: it was measured by other means."
        )
    return found


@dataclass(frozen=True)
class _Asked:
    probes: str = ""
    enough: float = ENOUGH


def agreed_omics(cells: Sequence[str], given: str) -> tuple[OmicsReading, list[str]]:
    """Return the features that all files share, or those that a model's list names, and what is missing.

    Parameters
    ----------
    cells : sequence of str
        References to samples.
    given : str
        ``"probes=FILE.npz"``: a model's names, centre and scale (arrays ``cpgs`` or ``names``, ``center`` or
        ``centre``, ``scale``); ``enough=0.3``: go on with fewer of them than 0.6.

    Raises
    ------
    MedgraftError
        The files share no feature, or have too few of the model's.
    """
    asked = made_from(_Asked, given, "The reading of omics")
    files = list(dict.fromkeys(Ref.parse(cell).path for cell in cells))
    if asked.probes:
        names, centre, scale = _model(asked.probes)
        reading = OmicsReading(names, centre, scale, asked.enough)
        said = []
        for file in files:
            own = [str(name) for name in Omics.open(file).features]
            nothing = np.full((1, len(own)), np.nan)
            _, report = match_probes(nothing, own, names, centre, allow=True)
            said.append(
                f"{Path(file).name}: {report.found:,} of {report.wanted:,} probes found "
                f"({report.share:.1%}); the model's centre stands for the others."
            )
            _places(file, Path(file).stat().st_mtime_ns, len(own), reading)
        return reading, said
    first = [str(name) for name in Omics.open(files[0]).features]
    shared = set(first)
    for file in files[1:]:
        shared &= {str(name) for name in Omics.open(file).features}
    if not shared:
        raise MedgraftError("The matrices have no feature in common: they were measured by different means.")
    names = tuple(name for name in first if name in shared)
    lost = len(first) - len(names)
    cut = f"{lost:,} of {len(first):,} features are not in all matrices and are not used."
    return OmicsReading(names, enough=asked.enough), [cut] if lost else []


def _model(file: str) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    place = Path(file).expanduser()
    try:
        with np.load(place, allow_pickle=False) as held:
            names = held["cpgs" if "cpgs" in held else "names"]
            centre = held["center" if "center" in held else "centre"]
            scale = held["scale"]
    except (OSError, KeyError, ValueError) as error:
        raise MedgraftError(
            f"The probes of a model cannot be read from '{file}': give an .npz with names, centre and scale."
        ) from error
    if not len(names) == len(centre) == len(scale) or not (scale > 0).all():
        raise MedgraftError(f"'{file}' must hold a centre and a scale above 0 for each name.")
    return tuple(map(str, names)), tuple(map(float, centre)), tuple(map(float, scale))
