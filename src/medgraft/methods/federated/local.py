"""A hospital that also trains the server's model on its own patients and sends the model back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.federated.messages import Message
from medgraft.methods.federated.site import Site, misfit
from medgraft.methods.splits import Floats

NAMES = ("steps", "rate", "mu", "ridge")  # what ``settings`` holds, in this order


class LocalSite(Site):
    r"""A site that answers ``bounds``, takes ``settings`` and answers ``train``, besides what a `Site` does.

    ``train`` makes some gradient steps on

    .. math:: \frac{1}{W_s} \sum_i w_i \ell(y_i, B x_i + c) + \frac{r}{2} \|B\|^2
        + \frac{\mu}{2} \|(B, c) - (B_0, c_0)\|^2

    from the server's :math:`B_0, c_0`, each over all of its labelled rows, whose weight is :math:`W_s`.
    """

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        more = {"bounds": self._bounds, "settings": self._take, "train": self._train}
        return {**super()._known(), **more}

    def _bounds(self, message: Message) -> dict[str, NDArray[Any]]:
        """Labelled weight, and the largest curvature of the mean loss."""
        Z, _, w = self._rows()
        Z = self._inputs(Z)
        weight = w.sum()
        top = np.linalg.eigvalsh((Z * w[:, None]).T @ Z)[-1] / weight if weight else 0.0
        bend = {0: 1.0, 2: 0.25}.get(self._k, 0.5)
        return {"weight": np.array([weight]), "curvature": np.array([bend * top])}

    def _inputs(self, Z: Floats) -> Floats:
        """Everything that a coefficient multiplies (n, q)."""
        return Z

    def _take(self, message: Message) -> dict[str, NDArray[Any]]:
        self._setting = dict(zip(NAMES, message["settings"].tolist(), strict=True))
        return {}

    def _train(self, message: Message) -> dict[str, NDArray[Any]]:
        start = message["beta"]
        beta = start.copy()
        rate, mu, ridge = (self._setting[name] for name in NAMES[1:])
        for _ in range(int(self._setting["steps"])):
            gradient = self._gradient(beta, rate) + mu * (beta - start)
            gradient[:, :-1] += ridge * beta[:, :-1]
            beta -= rate * gradient
        return {"beta": beta}

    def _gradient(self, beta: Floats, rate: float) -> Floats:
        """Gradient (m, p + 1) of the mean loss; zero without a labelled row."""
        return self._push(beta, np.zeros(len(beta)))

    def _push(self, beta: Floats, own: Floats) -> Floats:
        Z, y, w = self._rows()
        if not len(Z):
            return np.zeros_like(beta)
        slope = misfit((Z @ beta.T + own)[:, None, :], y, self._k)[1][:, 0, :]
        return np.asarray((slope * w[:, None]).T @ Z / w.sum())
