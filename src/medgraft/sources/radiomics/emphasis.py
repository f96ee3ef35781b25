"""What is asked of every matrix that counts levels by sizes: runs, zones, dependences."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.grid import Floats, entropy


def emphasis(counts: Floats, n: int) -> dict[str, float]:
    r"""Return the features of counts (levels, sizes) of the parts of n pixels.

    With :math:`p_{ij}` the share of parts of level i and size j: ``small`` and ``large`` are the means of
    :math:`j^{-2}` and :math:`j^2`, ``low`` and ``high`` of :math:`i^{-2}` and :math:`i^2`, two words of their
    product; non-uniformities are sums of squares of the margins' counts over the count of all, normalised
    once more over it; ``percentage`` is the number of parts a pixel.

    Parameters
    ----------
    counts : array (N, S)
        Row i - 1, column j - 1.
    n : int

    Examples
    --------
    >>> found = emphasis(np.array([[0.0, 1.0], [2.0, 0.0]]), 4)  # level 1: a part of two; level 2: two of one
    >>> found["large"], found["level_non_uniformity"], found["percentage"]
    (2.0, 1.6666666666666667, 0.75)
    """
    total = counts.sum()
    p = counts / total
    i = np.arange(1.0, counts.shape[0] + 1)[:, None]
    j = np.arange(1.0, counts.shape[1] + 1)[None, :]
    of_level, of_size = p.sum(axis=1), p.sum(axis=0)
    found = {
        "small": (p / j**2).sum(),
        "large": (p * j**2).sum(),
        "low": (p / i**2).sum(),
        "high": (p * i**2).sum(),
        "small_low": (p / (i * j) ** 2).sum(),
        "small_high": (p * (i / j) ** 2).sum(),
        "large_low": (p * (j / i) ** 2).sum(),
        "large_high": (p * (i * j) ** 2).sum(),
        "level_non_uniformity": total * (of_level**2).sum(),
        "level_non_uniformity_normalised": (of_level**2).sum(),
        "size_non_uniformity": total * (of_size**2).sum(),
        "size_non_uniformity_normalised": (of_size**2).sum(),
        "percentage": total / n,
        "level_variance": of_level @ (i[:, 0] - of_level @ i[:, 0]) ** 2,
        "size_variance": of_size @ (j[0] - of_size @ j[0]) ** 2,
        "entropy": entropy(p),
    }
    return {name: float(value) for name, value in found.items()}


def named(found: dict[str, float], size: str, part: str) -> dict[str, float]:
    """Give the features the names they have in pyradiomics.

    Parameters
    ----------
    found : dict
        From `emphasis`.
    size : str
        ``"run"`` (short, long), ``"area"`` (small, large) or ``"dependence"``.
    part : str
        What has a size: ``"run"``, ``"zone"`` or ``"dependence"``.
    """
    small, large = ("short", "long") if size == "run" else ("small", "large")
    level = "gray_level_" if size == "dependence" else f"gray_level_{part}_"
    uniform = {"run": "run_length", "zone": "size_zone"}.get(part, part)
    names = {
        "small": f"{small}_{size}_emphasis",
        "large": f"{large}_{size}_emphasis",
        "low": f"low_{level}emphasis",
        "high": f"high_{level}emphasis",
        "small_low": f"{small}_{size}_low_gray_level_emphasis",
        "small_high": f"{small}_{size}_high_gray_level_emphasis",
        "large_low": f"{large}_{size}_low_gray_level_emphasis",
        "large_high": f"{large}_{size}_high_gray_level_emphasis",
        "level_non_uniformity": "gray_level_non_uniformity",
        "level_non_uniformity_normalised": "gray_level_non_uniformity_normalised",
        "size_non_uniformity": f"{uniform}_non_uniformity",
        "size_non_uniformity_normalised": f"{uniform}_non_uniformity_normalised",
        "percentage": f"{part}_percentage",
        "level_variance": "gray_level_variance",
        "size_variance": f"{part}_variance",
        "entropy": f"{part}_entropy",
    }
    # Every pixel has a dependence, so that their number, and what is over it, say nothing.
    unused = ("percentage", "level_non_uniformity_normalised") if part == "dependence" else ()
    return {names[name]: value for name, value in found.items() if name not in unused}
