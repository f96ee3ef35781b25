"""First-order features: what values there are, wherever they lie."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.grid import Floats, Levels, entropy


def first_order(values: Floats, levels: Levels) -> dict[str, float]:
    r"""Return the statistics of the values (n,) inside a mask; entropy and uniformity of their levels (n,).

    Definitions of IBSI (section 3.3): kurtosis is the excess, 0 for a Gaussian (pyradiomics adds 3), variance
    divides by n. The robust mean absolute deviation is that of values from the 10th to the 90th percentile.

    Examples
    --------
    >>> found = first_order(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1, 1, 2, 2]))
    >>> found["mean"], found["range"], found["entropy"]
    (3.0, 5.0, 1.0)
    """
    p10, q25, median, q75, p90 = np.percentile(values, [10, 25, 50, 75, 90])
    mean = values.mean()
    off = values - mean
    variance = (off**2).mean()
    flat = variance <= 1e-12 * max(float(np.abs(values).max()) ** 2, 1e-300)
    middle = values[(values >= p10) & (values <= p90)]
    share = np.bincount(levels) / len(levels)
    found = {
        "energy": (values**2).sum(),
        "entropy": entropy(share),
        "minimum": values.min(),
        "10_percentile": p10,
        "90_percentile": p90,
        "maximum": values.max(),
        "mean": mean,
        "median": median,
        "interquartile_range": q75 - q25,
        "range": np.ptp(values),
        "mean_absolute_deviation": np.abs(off).mean(),
        "robust_mean_absolute_deviation": np.abs(middle - middle.mean()).mean(),
        "root_mean_squared": np.sqrt((values**2).mean()),
        "skewness": 0.0 if flat else (off**3).mean() / variance**1.5,
        "kurtosis": 0.0 if flat else (off**4).mean() / variance**2 - 3.0,
        "variance": variance,
        "uniformity": (share**2).sum(),
    }
    return {name: float(value) for name, value in found.items()}
