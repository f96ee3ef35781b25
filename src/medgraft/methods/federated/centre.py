"""Federated averaging of slopes; what belongs to a centre (means, scales, its intercept) never leaves it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.local import NAMES, LocalSite
from medgraft.methods.federated.messages import Federation, Message
from medgraft.methods.federated.rounds import FederatedRounds
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited, patients_with
from medgraft.methods.splits import Floats


class CentreSite(LocalSite):
    """A site with an intercept of its own, and numbers measured in its own mean and standard deviation.

    It answers ``own_scale`` besides what a `LocalSite` does.

    Attributes
    ----------
    encoder : TableEncoder
        The shared one, with the site's own means and scales if it was asked to take them.
    own : array (m,)
        The site's intercept, beside the shared one.
    """

    own: Floats = np.zeros(1)

    def prepare(self, encoder: TableEncoder) -> None:
        """Take the shared encoder."""
        super().prepare(encoder)
        self.encoder = encoder

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        return {**super()._known(), "own_scale": self._rescale}

    def _rescale(self, message: Message) -> dict[str, NDArray[Any]]:
        """Go over to the site's own means and scales."""
        self.prepare(self._own_encoder())
        return {}

    def _take(self, message: Message) -> dict[str, NDArray[Any]]:
        settings = message["settings"]
        self._hold = float(settings[-1])
        return super()._take({"settings": settings[: len(NAMES)]})

    def _own_encoder(self) -> TableEncoder:
        encoder = copy.deepcopy(self.encoder)
        A = self._table.numbers[:, encoder.value_columns_]
        seen = ~np.isnan(A)
        n = self._w @ seen
        mean = self._w @ np.where(seen, A, 0.0) / np.maximum(n, 1e-300)
        scale = np.sqrt(self._w @ np.where(seen, A - mean, 0.0) ** 2 / np.maximum(n, 1e-300))
        measured = patients_with(seen, self._units) >= self._min_patients
        varies = measured & (scale > 1e-12 * np.maximum(np.abs(mean), encoder.scale_))
        encoder.mean_ = np.where(measured, mean, encoder.mean_)
        encoder.scale_ = np.where(varies, scale, encoder.scale_)
        encoder.fill_ = encoder.mean_.copy()
        return encoder

    def _inputs(self, Z: Floats) -> Floats:
        return np.column_stack([Z, np.ones(len(Z))])

    def _gradient(self, beta: Floats, rate: float) -> Floats:
        """Gradient (m, p + 1); the site's own intercept makes its step at the same time."""
        if len(self.own) != len(beta):
            self.own = np.zeros(len(beta))
        gradient = self._push(beta, self.own)
        weight = self._w[self._labelled].sum()
        if weight:
            self.own = self.own - rate * (gradient[:, -1] + self._hold / weight * self.own)
        return gradient


@method(
    "fed-centre",
    family="federated",
    needs=("source",),
    cost="O(R E n p), R rounds of E steps",
    refs=("Li et al. 2021, arXiv:2102.07623 (FedBN)", "McMahan et al. 2017, arXiv:1602.05629"),
)
class FedCentre(FederatedRounds):
    r"""Average the slopes over hospitals, and leave each hospital its own means, scales and intercept.

    Use it where hospitals measure the same things on other scales (another assay, another scanner) or with
    another share of ill patients, and the target has labels. Not where a hospital's mean is itself the news:
    measured from its own mean, a ward of old patients looks like any other.

    FedBN keeps a network's normalisation at the site; for a linear model that is

    .. math:: \eta_i = B \frac{x_i - \bar x_s}{\sigma_s} + c + u_s

    with the site's own means :math:`\bar x_s`, standard deviations :math:`\sigma_s` (of numbers; words stay
    as they are) and intercept :math:`u_s`, none of which is sent. :math:`B` and :math:`c` are averaged as in
    ``fedavg``; the objective adds :math:`\frac{\kappa}{2} \sum_s \|u_s\|^2`.

    Parameters
    ----------
    task, random_state, estimator, rounds, local_steps, penalty, min_patients
        See `FedAvg`.
    hold : float
        :math:`\kappa` in patients: how strongly a site's intercept is drawn to the shared one.
    own_scale : bool
        Whether a site measures numbers in its own mean and standard deviation; false leaves the shared ones.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Shared slopes and intercept, in encoded features.
    effect_ : array (1 or K,)
        The target's own intercept; zero without labelled target patients.
    encoder_ : TableEncoder
        With the target's own means and scales, if it takes part.
    rounds_, bytes_, log_, report_, note_
        See `FedAvg`.

    Raises
    ------
    InputError
        An `estimator` was given, a setting out of range, or no site is large enough.

    Notes
    -----
    With one local step it ends at the optimum of the objective above; with `own_scale` false that is
    ``federated-newton`` with `centre_effects`. A column that fewer than `min_patients` of a site have keeps
    the shared mean and scale there, one that does not vary the shared scale. The shared scaling, which all
    sites need to agree on columns, still goes through sums.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = X @ [1.0, -1.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> X[site == "north"] = 10.0 * X[site == "north"] + 5.0  # other units
    >>> m = FedCentre().fit(X, y, domain=site, target="here")
    >>> m.coef_.round(1).tolist()
    [[2.0, -1.6]]
    """

    site = CentreSite

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        rounds: int = 500,
        local_steps: int = 5,
        penalty: float = 1.0,
        hold: float = 1.0,
        own_scale: bool = True,
        min_patients: int = 5,
    ) -> None:
        super().__init__(
            task=task,
            estimator=estimator,
            random_state=random_state,
            rounds=rounds,
            local_steps=local_steps,
            penalty=penalty,
            min_patients=min_patients,
        )
        self.hold = hold
        self.own_scale = own_scale

    def _hold(self) -> float:
        return self.hold

    def _more(self) -> list[float]:
        return [self.hold]

    def _run(self, federation: Federation, theta: Floats) -> Floats:
        if self.own_scale:
            federation.ask("own_scale", {})
        return super()._run(federation, theta)

    def _deliver(self, federation: Federation, sited: Sited, beta: Floats) -> None:
        shared = self._shared(beta)
        here = shared.copy()
        self.effect_ = np.zeros(len(beta))
        target = [s for s in federation.sites if s.name == sited.names[0]] if (sited.site == 0).any() else []
        for site in target:  # its own means and intercept, which are at hand where the target is
            self.encoder_ = site.encoder
            self.effect_ = self._scale * np.broadcast_to(site.own, len(beta)).copy()
        here[:, -1] += self.effect_
        if sited.rows.k:
            own = sited.learner(np.column_stack([np.zeros((len(beta), 1)), self.effect_]))
            self.effect_ = np.asarray(own.intercept_)
        self._finish(federation, sited, shared, here)
