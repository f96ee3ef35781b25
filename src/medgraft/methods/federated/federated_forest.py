"""One forest from several hospitals: each grows trees on its own patients, and only trees travel."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.federated.forest_site import ForestSite, SideBySide, unpack
from medgraft.methods.federated.messages import Federation
from medgraft.methods.model.trees import Growth, lone_forest, recoded, together
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees


class ForestMethod(FederatedMethod):
    """Base of the methods that ship forests: settings, the forest of a lone site, the log.

    Derive from it and implement ``_transfer(sited)``. Not for methods that send sums.
    """

    site = ForestSite
    falls_back_to_pooled = False  # without a source it is a forest, which no linear learner equals

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        trees: int = 100,
        leaf: int = 5,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, min_patients=min_patients)
        self.trees = trees
        self.leaf = leaf

    def _fit(self, rows: Rows) -> None:
        if self.trees < 1 or self.leaf < 1:
            raise InputError("trees and leaf must be 1 or more.")
        super()._fit(rows)

    def _alone(self, rows: Rows) -> None:
        """Fit a forest on everyone."""
        growth = Growth(rows.k, self.trees, self.leaf, self.random_state)
        self.encoder_, self.learner_ = lone_forest(Sited.of(rows), growth)
        self._report(Federation([]), [])

    def _ask(self, federation: Federation, sited: Sited, **amount: float) -> list[tuple[Any, Trees, int]]:
        """Encoder, forest and number of labelled patients of every site that gives trees."""
        message = {n: np.array([v]) for n, v in amount.items()}
        message |= {"leaf": np.array([self.leaf]), "seed": np.array([self.random_state])}
        answers = federation.ask("forest", message)
        return [
            (*unpack(a, sited.rows.table, sited.rows.k), int(a["patients"][0]))
            for a in answers
            if "left" in a
        ]

    def _report(self, federation: Federation, names: list[str]) -> None:
        """Keep what was sent, and the names of the sites whose trees are in the model."""
        self.rounds_, self.bytes_, self.log_ = federation.rounds, federation.bytes, federation.log
        self.report_ = {
            "rounds": self.rounds_,
            "bytes": self.bytes_,
            "sites": names,
            "left out": self.__dict__.pop("_small", []),
        }


@method(
    "federated-forest",
    family="federated",
    needs=("source",),
    cost="O(T n p log n), T trees",
    refs=("Breiman 2001, doi:10.1023/A:1010933404324", "Xiang et al. 2024, doi:10.1016/j.csda.2024.107975"),
)
class FederatedForest(ForestMethod):
    r"""Average trees that each hospital has grown on its own patients and sent to the target.

    Use it when several hospitals want one forest and no patient may leave. Not when the hospitals' rules
    differ much: every tree counts the same everywhere (``ftrf`` weighs them).

    Of T trees, site s with :math:`n_s` labelled patients of N in all grows :math:`T_s = T n_s / N` (rounded,
    at least one) on patients drawn from its own with replacement. The prediction is the mean over all trees:
    :math:`f(x) = \sum_s \sum_{t \le T_s} f_{st}(x) / \sum_s T_s`; each tree reads x as its site would (gaps
    filled by the site's own medians).

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method has a model of its own.
    trees : int
        T.
    leaf : int
        Fewest patients in a leaf, so that no number of the model is about fewer.
    min_patients : int
        Sites with fewer patients take no part; with fewer labelled ones they send no trees.

    Attributes
    ----------
    rounds_, bytes_ : int
        Two rounds: numbers of patients, then trees; bytes of all messages. The target's own trees do not
        travel.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    report_ : dict
        "rounds", "bytes", "sites" (whose trees are in the model), "left out", "trees" by site.
    note_ : str
        Names of sites that were too small, or that nothing was shared.

    Raises
    ------
    InputError
        An `estimator` was given, a setting below one, or every site is too small.

    Notes
    -----
    Without a labelled source it is a forest of the target's patients. Each tree draws at most 5000 patients.
    Memory O(nodes); a node costs about 40 bytes. Thresholds lie half-way between two patients' values: this
    is no differential privacy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> site = np.repeat(["north", "south", "here"], [150, 100, 50])
    >>> m = FederatedForest(trees=30).fit(X, X[:, 0] > 0, domain=site, target="here")
    >>> m.report_["trees"], m.rounds_
    ({'here': 5, 'north': 15, 'south': 10}, 2)
    """

    def _transfer(self, sited: Sited) -> None:
        sites = self._sites(sited)
        here = sites.pop(0, None)
        federation = Federation(list(sites.values()))
        own = here.labelled_patients if here is not None else 0
        counts = [int(a["patients"][0]) for a in federation.ask("patients", {})] if sites else []
        share = self.trees / (own + sum(counts))
        shipped = self._ask(federation, sited, share=share) if sites else []
        names = [s.name for s, n in zip(federation.sites, counts, strict=True) if n]
        if here is not None and own:
            encoder, trees, _ = here.grow(max(1, round(share * own)), self.leaf, self.random_state)
            shipped, names = [(encoder, trees, own), *shipped], [here.name, *names]
        self.encoder_ = SideBySide([e for e, _, _ in shipped])
        forest = together([t for _, t, _ in shipped], self.encoder_.offsets)
        self.learner_ = recoded(forest, sited.classes)
        self._report(federation, sorted(names))
        self.report_["trees"] = {
            n: len(t.roots) for n, (_, t, _) in sorted(zip(names, shipped, strict=True), key=lambda x: x[0])
        }
