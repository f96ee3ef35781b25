"""Radiomics as a source: which features of an image there are, and how they are computed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from medgraft.base import MedgraftError, did_you_mean
from medgraft.sources.radiomics.first_order import first_order
from medgraft.sources.radiomics.glcm import glcm
from medgraft.sources.radiomics.gldm import gldm
from medgraft.sources.radiomics.glrlm import glrlm
from medgraft.sources.radiomics.glszm import glszm
from medgraft.sources.radiomics.grid import Floats, Mask, box, levels_of
from medgraft.sources.radiomics.ngtdm import ngtdm
from medgraft.sources.radiomics.region import REGIONS, region_of
from medgraft.sources.radiomics.shape import shape

TEXTURES = {"glcm": glcm, "glrlm": glrlm, "glszm": glszm, "gldm": gldm, "ngtdm": ngtdm}


@dataclass(frozen=True)
class Radiomics:
    r"""Hand-made features of images and volumes: first-order, shape and five kinds of texture.

    Use it beside a network in ``fusion``, or alone where images are few and textures tell. Not for colours: a
    photograph is read in grey. It learns nothing from the data, so nothing can leak.

    Definitions are those of IBSI (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145), names those of
    pyradiomics (van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339) in small letters, with the
    region at the end: ``glcm_contrast@otsu``. Textures are of neighbours at distance 1 and, for
    co-occurrence and runs, means over the 4 or 13 directions.

    Parameters
    ----------
    region : {"whole", "otsu", "mask"}
        See `medgraft.sources.radiomics.region.region_of`; the shape of a whole image says nothing and is left
        out.
    bins : int, default 32
        Grey levels between the least and the largest value of the region, for values without units.
    width : float, optional
        Width of a grey level in the image's units, in place of `bins`: for CT.

    Raises
    ------
    MedgraftError
        An unknown region, fewer than two bins, or a width that is not positive.

    Notes
    -----
    Voxels of volumes count as equally far apart in textures: resample volumes with thick slices first. Cost:
    some 0.06 s of CPU for an image of 224 x 224 pixels, 0.4 s for a volume of 50 x 50 x 50 voxels.

    Examples
    --------
    >>> found = Radiomics(region="otsu").features(np.eye(5) * 9.0)
    >>> len(found), found["first_order_mean@otsu"], found["shape_pixel_surface@otsu"]
    (101, 9.0, 5.0)
    """

    region: str = "whole"
    bins: int = 32
    width: float | None = None

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise MedgraftError(
                f"Radiomics knows no region '{self.region}': use one of {', '.join(REGIONS)}."
                + did_you_mean(str(self.region), REGIONS)
            )
        if not isinstance(self.bins, int) or self.bins < 2:
            raise MedgraftError(f"Radiomics takes a whole number of bins from 2, not {self.bins}.")
        if self.width is not None and not self.width > 0:
            raise MedgraftError(f"The width of a grey level must be more than 0, not {self.width}.")

    @classmethod
    def of(cls, spec: str) -> Radiomics:
        """Read ``"radiomics"`` or ``"radiomics:region=otsu,bins=64"``.

        Examples
        --------
        >>> Radiomics.of("radiomics:region=otsu,width=25")
        Radiomics(region='otsu', bins=32, width=25.0)
        """
        given: dict[str, str | int | float] = {}
        for part in filter(None, (p.strip() for p in spec.partition(":")[2].split(","))):
            name, equals, value = part.partition("=")
            kinds = {"region": str, "bins": int, "width": float}
            if name not in kinds or not equals:
                raise MedgraftError(
                    f"Radiomics has no setting '{part}': write region=otsu, bins=64 or width=25, with commas."
                )
            try:
                given[name] = kinds[name](value)
            except ValueError:
                raise MedgraftError(
                    f"The setting {name} of radiomics takes a number, not '{value}'."
                ) from None
        return cls(**given)  # type: ignore[arg-type]

    def __str__(self) -> str:
        levels = f"bins={self.bins}" if self.width is None else f"width={self.width:g}"
        return f"radiomics:region={self.region},{levels}"

    def fingerprint(self) -> str:
        """SHA-256 of what fixes the features, for the store; it changes with the definitions."""
        return hashlib.sha256(f"v1 {self}".encode()).hexdigest()

    def features(
        self, values: Floats, mask: Mask | None = None, spacing: tuple[float, ...] | None = None
    ) -> dict[str, float]:
        """Return the features of one image (h, w) or volume (x, y, z), by name.

        Parameters
        ----------
        values : array
        mask : array of bool, optional
            For ``region="mask"``.
        spacing : tuple of float, optional
            Size of a pixel or voxel; default 1.

        Raises
        ------
        MedgraftError
            There is a value that is no number, or no mask where one is asked for.
        """
        values = np.asarray(values, dtype=np.float64)
        if not np.isfinite(values).all():
            raise MedgraftError("Radiomics needs values that are numbers: an image has gaps or infinity.")
        inside = region_of(values, self.region, None if mask is None else np.asarray(mask) != 0)
        where = box(inside)
        values, inside = values[where], inside[where]
        levels = levels_of(values, inside, bins=self.bins, width=self.width)
        found = {f"first_order_{k}": v for k, v in first_order(values[inside], levels[inside]).items()}
        if self.region != "whole":
            sizes = shape(inside, spacing or (1.0,) * values.ndim)
            found |= {f"shape_{name}": value for name, value in sizes.items()}
        for family, of in TEXTURES.items():
            found |= {f"{family}_{name}": value for name, value in of(levels).items()}
        return {f"{name}@{self.region}": value for name, value in found.items()}

    def names(self, dimensions: int) -> list[str]:
        """Return the names of the features in their order, for 2 or 3 dimensions."""
        probe = np.arange(3.0**dimensions).reshape((3,) * dimensions)
        return list(self.features(probe, probe > -1))
