"""A channel by its moments and by how fast it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats, SignalView
from medgraft.sources.views.signal.moments import NAMES, moments


@view(
    "statistics",
    kind="signal",
    refs=("Hjorth 1970, doi:10.1016/0013-4694(70)90143-4", "Esteller et al. 2001, Proc. IEEE EMBS 23"),
)
@dataclass(frozen=True)
class Statistics(SignalView):
    r"""Moments, line length, Hjorth's parameters and zero crossings of each channel: 8 numbers.

    Use it as a first view of any signal: it is fast, and wants no choice. Not where the finding is in one
    rhythm: use ``band-power``.

    With samples :math:`x_t` at rate r and :math:`x'_t = r (x_{t+1} - x_t)`:

    .. math:: \text{line length} = \overline{|x'|}, \quad
        \text{mobility} = \sqrt{\frac{\operatorname{var} x'}{\operatorname{var} x}}, \quad
        \text{complexity} = \frac{\text{mobility}(x')}{\text{mobility}(x)}

    and zero crossings are changes of sign of :math:`x - \bar x` a second. Of a sine of frequency f the
    mobility is near :math:`2 \pi f`, the complexity near 1, and there are 2 f crossings a second. All but the
    moments are by the second, so rates and lengths may differ.

    Raises
    ------
    MedgraftError
        There are fewer than four samples.

    Notes
    -----
    Skewness and kurtosis (excess: 0 for a normal variable) have divisor n. Skewness, kurtosis, mobility and
    complexity of a flat channel are NaN. Units: mean and sd those of the signal, line length by the second.
    Cost: O(C L).

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(1000) / 250
    >>> s = Signal(np.sin(2 * np.pi * 10 * t + 1)[None].astype(np.float32), 250.0, ("Cz",), ("uV",))
    >>> dict(zip(Statistics().names(s), Statistics()(s).round(2).tolist()))["Cz zero crossings"]
    20.0
    """

    def _features(self, X: Floats, rate: float) -> Floats:
        if X.shape[1] < 4:
            raise MedgraftError(f"The view 'statistics' needs 4 samples or more, not {X.shape[1]}.")
        D = np.diff(X, axis=1) * rate
        spread, speed, turn = X.std(axis=1), D.std(axis=1), (np.diff(D, axis=1) * rate).std(axis=1)
        spread[spread <= 1e-12 * np.abs(X).max(axis=1)] = 0.0
        mobility = speed / spread
        complexity = turn / speed / mobility
        above = X - X.mean(axis=1, keepdims=True) >= 0
        crossings = (above[:, 1:] != above[:, :-1]).sum(axis=1) * rate / X.shape[1]
        length = np.abs(D).mean(axis=1)
        return np.column_stack([moments(X), length, mobility, complexity, crossings])

    def _columns(self, rate: float, length: int) -> list[str]:
        return [*NAMES, "line length", "mobility", "complexity", "zero crossings"]
