"""How a volume becomes what a network sees, as settings: nothing here imports torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from medgraft.base import MedgraftError, did_you_mean

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}  # of an array that runs right, to the front and upwards
POOLS = ("mean", "max")


@dataclass(frozen=True)
class VolumeInput:
    """How volumes (CT, MR) are brought to what a network sees; the same for every volume.

    A 3-D network sees the whole volume on a grid; a 2-D network sees slices, and a volume's features are
    the mean (or the maximum) of those of its slices.

    Parameters
    ----------
    spacing : float, default 0
        Millimetres between voxels, the same along each axis: needed where size matters. The middle of the
        volume is then cut out, or filled up with background, to `size`. 0: the whole volume is squeezed to
        `size`; slices stay as they are.
    size : int or (x, y, z), default 0
        Voxels of the grid; 0: what the network was made for, or for slices, 64.
    window : str, default "auto"
        ``"CENTRE/WIDTH"`` for CT, in Hounsfield units: ``"40/80"`` (brain), ``"40/400"`` (abdomen),
        ``"-600/1500"`` (lung). ``"own"``, for MR: the volume's own scale, by voxels that are not 0
        (mean and standard deviation; for slices, percentiles 0.5 and 99.5). ``"auto"``: ``"own"``, but CT
        without a window is refused.
    slices : int, default 16
        Slices that a 2-D network sees: the middles of so many equal slabs.
    axis : str, default "axial"
        ``"axial"``, ``"coronal"`` or ``"sagittal"`` slices. The flips of ``augmentation=light`` would turn
        sagittal ones front to back: with these fine-tune with ``augmentation=none``.
    pool : str, default "mean"
        ``"mean"`` or ``"max"`` of the slices' features.

    Raises
    ------
    MedgraftError
        A setting is out of range.

    Examples
    --------
    >>> VolumeInput.of("slices=8,axis=coronal").axis
    'coronal'
    >>> VolumeInput.of("window=40/80,size=64x64x32").bounds
    (0.0, 80.0)
    """

    spacing: float = 0.0
    size: int | tuple[int, int, int] = 0
    window: str = "auto"
    slices: int = 16
    axis: str = "axial"
    pool: str = "mean"

    def __post_init__(self) -> None:
        if isinstance(self.size, list | tuple):
            object.__setattr__(self, "size", tuple(self.size))
        sides = self.size if isinstance(self.size, tuple) else (self.size,) * 3
        _check(0 <= self.spacing < 1000, f"spacing={self.spacing}", "millimetres between voxels, or 0")
        whole = len(sides) == 3 and all(isinstance(s, int) and (8 <= s <= 1024) for s in sides)
        _check(whole or self.size == 0, f"size={self.size}", "8 to 1024 voxels, as 64 or 64x64x32")
        _check(1 <= self.slices <= 1024, f"slices={self.slices}", "1 to 1024")
        _check(self.axis in AXES, f"axis={self.axis}", ", ".join(AXES))
        _check(self.pool in POOLS, f"pool={self.pool}", ", ".join(POOLS))
        if self.window not in ("auto", "own"):
            _check(self.bounds is not None, f"window={self.window}", "auto, own or CENTRE/WIDTH, as 40/80")

    @classmethod
    def of(cls, given: VolumeInput | dict[str, Any] | str | None) -> VolumeInput:
        """Return settings themselves, or read them from ``"name=value,..."`` or a dict.

        Raises
        ------
        MedgraftError
            There is no such setting.
        """
        if isinstance(given, VolumeInput):
            return given
        if isinstance(given, str):
            pairs = (part.partition("=") for part in given.split(",") if part.strip())
            given = {name.strip(): value.strip() for name, _, value in pairs}
        kinds = {f.name: f.name for f in fields(cls)}
        made: dict[str, Any] = {}
        for name, value in (given or {}).items():
            if name not in kinds:
                hint = did_you_mean(name, kinds) or f" It has: {', '.join(kinds)}."
                raise MedgraftError(f"Volumes have no setting '{name}'.{hint}")
            made[name] = _read(name, value) if isinstance(value, str) else value
        return cls(**made)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Lowest and highest value of the window; None where there is none."""
        centre, _, width = self.window.partition("/")
        try:
            middle, half = float(centre), float(width) / 2
        except ValueError:
            return None
        return (middle - half, middle + half) if 0 < half < 1e6 and abs(middle) < 1e6 else None

    def shape(self, usual: int) -> tuple[int, int, int]:
        """Return the grid's shape, where a network was made for `usual` voxels a side."""
        if isinstance(self.size, tuple):
            return self.size
        side = self.size or usual
        return side, side, side

    def words(self, dims: int) -> str:
        """Say in a few words how a network of so many dimensions sees volumes.

        Examples
        --------
        >>> VolumeInput(slices=8, window="40/80").words(2)
        'the mean of 8 axial slices, window 40/80'
        """
        seen = "whole volumes" if dims == 3 else f"the {self.pool} of {self.slices} {self.axis} slices"
        spacing = f" at {self.spacing:g} mm" if self.spacing else ""
        return f"{seen}{spacing}, window {self.window}"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able, for :meth:`of`."""
        return asdict(self) | {"size": list(self.size) if isinstance(self.size, tuple) else self.size}


def _read(name: str, text: str) -> Any:
    try:
        if name == "size":
            sides = tuple(int(side) for side in text.split("x"))
            return sides[0] if len(sides) == 1 else sides
        return {"spacing": float, "slices": int}.get(name, str)(text)
    except ValueError:
        raise MedgraftError(f"The setting {name}={text} of volumes takes numbers.") from None


def _check(fine: bool, given: str, allowed: str) -> None:
    if not fine:
        raise MedgraftError(f"The setting {given} of volumes is out of range: use {allowed}.")
