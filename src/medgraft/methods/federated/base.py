"""What all federated methods do first: make the sites, leave out small ones, share an encoder by sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.scaling import federated_encoder, federated_units
from medgraft.methods.federated.site import Site
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


class FederatedMethod(SiteMethod):
    """Base of the methods whose sites keep their rows and answer questions.

    Derive from it, call ``_join`` first in ``_transfer`` and ``_finish`` last. Not for methods that put the
    rows of several sites together. It adds the setting `min_patients`: a site with fewer takes no part,
    and what fewer of its patients have (a number column, a word) is as if missing there.
    """

    site = Site  # what stands at the other end of a line

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.min_patients = min_patients

    def _join(self, sited: Sited) -> Federation:
        """Make the sites and give them the shared encoder, which is kept as ``encoder_``."""
        federation = Federation(list(self._sites(sited).values()))
        self.encoder_ = federated_encoder(federation, sited.rows.table)
        return federation

    def _sites(self, sited: Sited) -> dict[int, Any]:
        """Make the sites that are large enough, by their number; 0 is the target."""
        rows = sited.rows
        sites: dict[int, Any] = {}
        self._small: list[str] = []
        for k, name in enumerate(sited.names):
            at = np.flatnonzero(sited.site == k)
            if not len(at):
                continue
            made = self.site(
                name,
                rows.table.take(at),
                rows.y[at],
                rows.weight[at],
                rows.labelled[at],
                rows.units[at],
                classes=rows.k,
                seed=self.random_state,
                min_patients=self.min_patients,
            )
            if made.patients >= self.min_patients:
                sites[k] = made
            else:
                self._small.append(name)
        if not any(s.labelled_patients for s in sites.values()):
            raise InputError(
                f"Every site has fewer than {self.min_patients} labelled patients: lower min_patients."
            )
        if self._small:
            self._say(f"Too few patients to share sums, so left out: {', '.join(self._small)}.")
        return sites

    def _units(self, federation: Federation, sited: Sited) -> None:
        """Let the sites measure values from their common mean, in common standard deviations."""
        self._centre, self._scale = (0.0, 1.0) if sited.rows.k else federated_units(federation)

    def _shared(self, beta: Floats) -> Floats:
        """Coefficients (m, p + 1) in the units of the values; intercepts of several classes sum to zero."""
        out = beta * self._scale
        out[:, -1] += self._centre
        if len(out) > 1:
            out[:, -1] -= out[:, -1].mean()
        return np.asarray(out)

    def _say(self, sentence: str) -> None:
        self.note_ = f"{self.note_} {sentence}".strip()

    def _finish(self, federation: Federation, sited: Sited, shared: Floats, here: Floats) -> None:
        """Keep the shared coefficients (m, p + 1), those that predict at the target, and the log."""
        learner = sited.learner(shared.copy())
        self.coef_, self.intercept_ = learner.coef_.copy(), np.atleast_1d(learner.intercept_).copy()
        self.learner_ = sited.learner(here.copy())
        self.log_, self.bytes_ = federation.log, federation.bytes
        self.report_: dict[str, Any] = {
            "rounds": self.rounds_,
            "rounds in all": federation.rounds,
            "bytes": self.bytes_,
            "sites": [s.name for s in federation.sites],
            "left out": self._small,
        }
        for scratch in ("_small", "_centre", "_scale"):
            self.__dict__.pop(scratch, None)

    rounds_: int
