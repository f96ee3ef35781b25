"""A signal as 2304 means over time, and how it was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.audit.sketch_volume import standard
from medgraft.cohort.audit.sketches import area_means
from medgraft.cohort.media import Signal, open_sample

SIZE = 2304
DTYPE = np.float16
ALIKE = 0.9995  # heart beats of one person correlate above 0.99
SHAPE = None
CENTRE = False
FAMILIES = {"recording": ("rate", "channels", "montage", "units", "seconds")}

_MOST = 12  # channels that are looked at for copies


def sketch(text: str) -> tuple[NDArray[np.float16], dict[str, Any]]:
    """Return the course of up to 12 channels, each of mean 0 and standard deviation 1, and figures."""
    signal = open_sample("signal", text)
    if not isinstance(signal, Signal) or signal.values.ndim != 2 or signal.values.size == 0:
        raise MedgraftError(f"The signal '{text}' holds no samples.")
    values = signal.values
    taken = values[:_MOST]
    length = SIZE // len(taken)
    courses = area_means(taken.astype(float), length)
    joined = np.concatenate([standard(course) for course in courses])
    finite = np.nan_to_num(values, posinf=0, neginf=0)
    spread = finite.std(axis=1)
    size = np.abs(finite).max(axis=1)
    facts = {
        "rate": round(float(signal.rate), 4),
        "channels": float(len(values)),
        "montage": " ".join(signal.channels),
        "units": " ".join(sorted(set(signal.units))),
        "seconds": round(values.shape[1] / signal.rate, 3) if signal.rate > 0 else 0.0,
        "flat": float((spread <= 1e-6 * np.maximum(size, 1e-30)).sum()),
        "missing": float((~np.isfinite(values)).mean()),
        "sd": float(np.abs(joined).sum() > 0),
    }
    return np.pad(joined, (0, SIZE - len(joined))), facts
