"""Covariances that can be inverted although patients are few: shrunk, and kept as a spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.splits import Floats

FLOOR = 1e-3


@dataclass(frozen=True)
class Covariance:
    """A shrunk covariance (1 - g) S + g (tr S / p) I, kept as its spectrum.

    Parameters
    ----------
    mean : array (p,)
    V : array (p, r)
        Directions in which the rows vary, r <= min(n, p).
    values : array (r,)
        Shrunk variances along them.
    rest : float
        Shrunk variance in all other directions.
    shrinkage : float
        The g used.
    """

    mean: Floats
    V: Floats
    values: Floats
    rest: float
    shrinkage: float

    @classmethod
    def of(cls, X: Floats, w: Floats, shrinkage: float | str = "auto") -> Covariance:
        """Estimate from rows X (n, p) with weights w (n,) that count patients."""
        n, p = float(w.sum()), X.shape[1]
        mean = w @ X / n
        A = (X - mean) * np.sqrt(w / n)[:, None]
        if len(A) >= p:
            s2, V = np.linalg.eigh(A.T @ A)
            s2 = np.maximum(s2, 0.0)
        else:
            _, s, Vt = np.linalg.svd(A, full_matrices=False)
            s2, V = s**2, Vt.T
        g = ledoit_wolf(X - mean, w, s2) if shrinkage == "auto" else float(shrinkage)
        g = min(max(g, FLOOR), 1.0)
        ball = float(s2.sum()) / p
        return cls(mean, V, (1 - g) * s2 + g * ball, g * ball, g)

    def power(self, X: Floats, exponent: float) -> Floats:
        """X C^exponent for rows X (n, p), without ever forming C."""
        base = self.rest**exponent
        return np.asarray(base * X + ((X @ self.V) * (self.values**exponent - base)) @ self.V.T)


def ledoit_wolf(centred: Floats, w: Floats, s2: Floats) -> float:
    """Shrinkage that minimises the expected squared error (Ledoit and Wolf 2004), from the spectrum s2.

    Weights count patients: weight 2 is the same as two rows.
    """
    n, p = float(w.sum()), centred.shape[1]
    square = float((s2**2).sum())
    distance = square - float(s2.sum()) ** 2 / p
    if distance <= 0:
        return 1.0
    noise = (float(w @ (centred**2).sum(axis=1) ** 2) / n - square) / n
    return float(min(max(noise, 0.0), distance) / distance)
