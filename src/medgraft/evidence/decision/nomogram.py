"""A nomogram: a fitted linear predictor as points that can be added up by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats


@dataclass(frozen=True)
class Nomogram:
    r"""Points for each value of each variable, and the risk that their sum means.

    Use it to put a model with few variables on paper: a logistic regression, or a proportional hazards model
    at one time. Not for interactions or curves (give each as a variable of its own), nor as evidence: a
    nomogram is no more accurate than the model it draws.

    With the linear predictor :math:`\eta = \beta_0 + \sum_j \beta_j x_j` and the ranges :math:`[l_j, u_j]`,

    .. math:: P_j(x) = \frac{|\beta_j|\,(x - a_j)\,\operatorname{sign}\beta_j}{s},
              \qquad s = \max_j |\beta_j| (u_j - l_j) / 100

    where :math:`a_j` is the end of the range with the least risk: every variable begins at 0 points, and the
    strongest reaches 100. Then :math:`\eta = \beta_0 + \sum_j \beta_j a_j + s \sum_j P_j`, and the risk is
    :math:`1 / (1 + e^{-\eta})`, or :math:`1 - S_0^{\exp \eta}` with the baseline survival S0.

    Attributes
    ----------
    names : tuple of str
    coefficients : (p,) array
        In the units of the variables, not of standardised ones.
    lower, upper : (p,) array
        Ranges: those of the patients the model was fitted on.
    intercept : float
    baseline_survival : float or None
        S0 at the time of interest, where all variables are 0, for a proportional hazards model.

    Raises
    ------
    MedgraftError
        Names, coefficients and ranges do not fit each other, or no variable changes the risk.

    Notes
    -----
    Cost O(n p).

    References
    ----------
    Iasonos et al. 2008, doi:10.1200/JCO.2007.12.9791.

    Examples
    --------
    >>> n = Nomogram.of({"age": 0.05, "male": 1.0}, {"age": (40, 80), "male": (0, 1)}, intercept=-5)
    >>> n.points([[60, 1]]).tolist()
    [[50.0, 50.0]]
    >>> n.risk([[60, 1]]).round(3).tolist()  # 1 / (1 + exp(5 - 3 - 1))
    [0.269]
    """

    names: tuple[str, ...]
    coefficients: Floats
    lower: Floats
    upper: Floats
    intercept: float = 0.0
    baseline_survival: float | None = None

    @classmethod
    def of(
        cls,
        coefficients: Mapping[str, float],
        ranges: Mapping[str, tuple[float, float]],
        *,
        intercept: float = 0.0,
        baseline_survival: float | None = None,
    ) -> Nomogram:
        """Make one from coefficients and ranges by name, checked."""
        missing = [name for name in coefficients if name not in ranges]
        if missing or not coefficients:
            what = f"'{missing[0]}' has no range" if missing else "there is no coefficient"
            raise MedgraftError(f"A nomogram needs a coefficient and a range of each variable, but {what}.")
        weights = np.array([float(v) for v in coefficients.values()])
        ends = np.array([ranges[name] for name in coefficients], dtype=float)
        if not (np.isfinite(weights).all() and np.isfinite(ends).all() and np.isfinite(intercept)):
            raise MedgraftError("A nomogram needs finite coefficients, ranges and intercept.")
        if not (ends[:, 0] < ends[:, 1]).all():
            bad = list(coefficients)[int(np.argmin(ends[:, 0] < ends[:, 1]))]
            raise MedgraftError(f"The range of '{bad}' must go from a lower to a higher value.")
        if not weights.any():
            raise MedgraftError("All coefficients are 0: there is nothing to draw.")
        if baseline_survival is not None and not 0 < baseline_survival < 1:
            raise MedgraftError(f"The baseline survival lies between 0 and 1, not {baseline_survival}.")
        lower, upper = ends.T
        return cls(tuple(coefficients), weights, lower, upper, float(intercept), baseline_survival)

    @property
    def _start(self) -> Floats:
        return np.where(self.coefficients >= 0, self.lower, self.upper)

    @property
    def unit(self) -> float:
        """What one point adds to the linear predictor."""
        return float((np.abs(self.coefficients) * (self.upper - self.lower)).max() / 100)

    def points(self, X: ArrayLike) -> Floats:
        """Return the points of each value, (n, p); the columns of `X` stand in the order of `names`.

        Raises
        ------
        MedgraftError
            A value is missing or lies outside the range, where no point can be read off.
        """
        values = np.asarray(X, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise MedgraftError(
                f"The nomogram reads the {len(self.names)} columns {', '.join(self.names)}, "
                f"not an array of shape {values.shape}."
            )
        slack = 1e-9 * (self.upper - self.lower)
        known = (values >= self.lower - slack) & (values <= self.upper + slack)
        if not known.all():
            row, j = np.argwhere(~known)[0]
            raise MedgraftError(
                f"Row {row} has {self.names[j]} = {values[row, j]:g}, and the nomogram ends at "
                f"{self.lower[j]:g} and {self.upper[j]:g}: no risk can be read off."
            )
        return np.asarray(self.coefficients * (values - self._start) / self.unit)

    def risk_of(self, total: ArrayLike) -> Floats:
        """Return the risk that each total of points means."""
        predictor = self.intercept + self.coefficients @ self._start + self.unit * np.asarray(total, float)
        if self.baseline_survival is None:
            return np.asarray(expit(predictor))
        return np.asarray(-np.expm1(np.log(self.baseline_survival) * np.exp(predictor)))

    def risk(self, X: ArrayLike) -> Floats:
        """Return the risk of each row, (n,), exactly that of the model."""
        return self.risk_of(self.points(X).sum(axis=1))

    def scale(self, ticks: Mapping[str, Sequence[float]] | None = None) -> pd.DataFrame:
        """Return the axes: the points of some values of each variable.

        Parameters
        ----------
        ticks : mapping of name to values, default five from end to end
            Values to write on the axis.

        Returns
        -------
        DataFrame
            With the columns variable, value, points.
        """
        parts = []
        for j, name in enumerate(self.names):
            chosen = (ticks or {}).get(name, np.linspace(self.lower[j], self.upper[j], 5))
            rows = np.tile(self._start, (len(chosen), 1))
            rows[:, j] = chosen
            parts.append(
                pd.DataFrame({"variable": name, "value": rows[:, j], "points": self.points(rows)[:, j]})
            )
        return pd.concat(parts, ignore_index=True)

    def table(self, n: int = 21) -> pd.DataFrame:
        """Return `n` totals from none to all points, and the risk of each: columns points, risk."""
        most = (np.abs(self.coefficients) * (self.upper - self.lower)).sum() / self.unit
        total = np.linspace(0, most, n)
        return pd.DataFrame({"points": total, "risk": self.risk_of(total)})

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "variables": [
                {"name": name, "coefficient": float(b), "range": [float(lo), float(hi)]}
                for name, b, lo, hi in zip(self.names, self.coefficients, self.lower, self.upper, strict=True)
            ],
            "intercept": self.intercept,
            "baseline_survival": self.baseline_survival,
            "unit": self.unit,
        }
