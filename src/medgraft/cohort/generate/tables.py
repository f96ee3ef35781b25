"""Tables with covariate, measurement, concept and label shift, whose best accuracy is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.gauss import correct
from medgraft.cohort.generate.people import People, Prevalence
from medgraft.cohort.generate.truth import Array, Truth


@dataclass(frozen=True)
class TableModel:
    r"""A Gaussian model of patients at several sites, with each kind of shift in its own knob.

    Use it where a method's promise is to be checked against what is true: the accuracy of the best rule,
    that of the first site's rule elsewhere, and the coefficients are known in closed form. It says nothing
    about how real data are distributed.

    For classes, x | y, s ~ N(mu_ys, I) with mu_ys = W_s m_y + o_s W_0 d + h_s u. W_s has one orthonormal
    column per class, the m_y are the corners of a simplex at distance `effect`, d is the direction from
    the first to the last class and u is orthogonal to all W. For two classes that is one direction w_s with
    means -effect/2 and effect/2, and log odds effect * w_s' (x - o_s w_0) + logit(pi_s). For regression,
    x | s ~ N(o_s w_0 + h_s u, I) and y = effect * w_s' (x - o_s w_0) + N(0, 1).

    Four shifts, each of which grows from 0 at the first site to its whole size at the last (site k of K
    has the share k / (K - 1)):

    - ``shift`` (h): covariate shift, P(x) moves by h along u while P(y | x) stays;
    - ``offset`` (o): measurement shift, all x move by o along w_0, and P(y | x) with them: aligning the
      sites undoes it, pooling them does not;
    - ``concept``: concept shift, w_s is turned by this angle (radians) away from w_0: pi/2 makes the first
      site's rule useless, pi makes it always wrong;
    - ``prevalence``: label shift, P(y) differs while P(x | y) stays.

    Parameters
    ----------
    n_patients : int, default 200
    n_features : int, default 10
        ``x1``, ``x2``, ...; at least 3, and 2 K + 1 for K > 2 classes.
    sites, prevalence, mixed_labels, rows_per_patient, seed
        As for :class:`~medgraft.cohort.generate.people.People`. No prevalence for regression.
    task : str, default "binary"
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    classes : sequence of str, optional
        By default healthy and ill; healthy, mild and severe.
    effect : float, default 2
        Distance of the classes in standard deviations; the slope for regression.
    shift, offset, concept : float, default 0
    similarity : float, default 0.5
        Correlation of a patient's rows in x at equal class, from 0 to 1. Rows keep unit variance, so the
        accuracy for one row does not depend on it.
    missing : float or sequence of float, default 0
        Share of cells that are missing at random; one for each class makes missingness tell the class.
        The truth is for complete rows.
    protected : bool, default False
        Add ``sex`` and ``age``, which have to do with nothing.

    Raises
    ------
    MedgraftError
        A setting is out of its range.

    Notes
    -----
    For two classes the best accuracy is pi Phi(effect/2 - t) + (1 - pi) Phi(effect/2 + t) with
    t = -logit(pi)/effect, and the AUC is Phi(effect / sqrt 2); in general it is the one-dimensional integral
    sum_k pi_k int phi(u) prod_j Phi(u + m_k - m_j + (log pi_k - log pi_j)/a) du with a = effect / sqrt 2.
    Linear discriminant analysis: Fisher (1936), doi:10.1111/j.1469-1809.1936.tb02137.x. Kinds of shift:
    Moreno-Torres et al. (2012), doi:10.1016/j.patcog.2011.06.019.

    Examples
    --------
    >>> model = TableModel(prevalence=(0.5, 0.2), concept=1.0)
    >>> frame = model.draw()
    >>> frame.shape, {s: round(a, 3) for s, a in model.truth.accuracy.items()}
    ((200, 13), {'a': 0.841, 'b': 0.888})
    >>> {s: round(a, 3) for s, a in model.truth.transfer.items()}
    {'a': 0.841, 'b': 0.706}
    """

    n_patients: int = 200
    n_features: int = 10
    sites: Sequence[str] = ("a", "b")
    task: str = "binary"
    classes: Sequence[str] | None = None
    effect: float = 2.0
    shift: float = 0.0
    offset: float = 0.0
    concept: float = 0.0
    prevalence: Prevalence = None
    similarity: float = 0.5
    missing: float | Sequence[float] = 0.0
    rows_per_patient: int | tuple[int, int] = 1
    mixed_labels: bool = False
    protected: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task not in ("binary", "multiclass", "regression"):
            raise MedgraftError(f"task must be binary, multiclass or regression, not '{self.task}'.")
        if self.task == "regression" and (self.prevalence is not None or self.classes is not None):
            raise MedgraftError("prevalence and classes are for tables with classes, not for regression.")
        if self.task != "regression" and (len(self._names) == 2) != (self.task == "binary"):
            raise MedgraftError(
                f"The task is {self.task}, so {len(self._names)} classes are the wrong number."
            )
        least = 3 if self._k < 3 else 2 * self._k + 1
        if self.n_features < least:
            raise MedgraftError(f"A table of task '{self.task}' needs {least} or more features.")
        if not self.effect > 0 or not 0 <= self.similarity <= 1:
            raise MedgraftError("effect must be more than 0, and similarity from 0 to 1.")
        holes = self._holes()
        if len(holes) not in (1, self._k) or not all(0 <= h < 1 for h in holes):
            raise MedgraftError("missing must be a share below 1, or one such share for each class.")
        self._people()

    @property
    def _names(self) -> tuple[str, ...]:
        if self.classes is not None:
            return tuple(self.classes)
        return ("healthy", "ill") if self.task != "multiclass" else ("healthy", "mild", "severe")

    @property
    def _k(self) -> int:
        return 1 if self.task == "regression" else len(self._names)

    def _holes(self) -> Sequence[float]:
        return self.missing if isinstance(self.missing, Sequence) else (self.missing,)

    def _people(self) -> People:
        return People(
            n_patients=self.n_patients,
            sites=self.sites,
            classes=self._names,
            prevalence=self.prevalence,
            rows_per_patient=self.rows_per_patient,
            mixed_labels=self.mixed_labels,
            seed=self.seed,
        )

    @cached_property
    def _directions(self) -> tuple[Array, Array, Array, Array]:
        """Return class directions at the first site and where they turn to, d in their terms, and u."""
        many = self._k if self._k > 2 else 1
        square = np.random.default_rng([self.seed, 3]).normal(size=(self.n_features, 2 * many + 1))
        q = np.linalg.qr(square)[0]
        d = np.ones(1)
        if many > 1:
            d = np.zeros(many)
            d[[0, -1]] = -np.sqrt(0.5), np.sqrt(0.5)
        return q[:, :many], q[:, many : 2 * many], d, q[:, -1]

    def _corners(self) -> Array:
        """Return the class means in terms of the class directions, (K, K), or (K, 1) for two classes."""
        if self._k == 1:
            return np.zeros((1, 1))
        if self._k == 2:
            return np.array([[-self.effect / 2], [self.effect / 2]])
        return (np.eye(self._k) - 1 / self._k) * self.effect / np.sqrt(2)

    def _w(self, site: str) -> Array:
        start, end, _, _ = self._directions
        angle = self.concept * self._people().shift_of(site)
        return np.cos(angle) * start + np.sin(angle) * end

    def _move(self, site: str) -> Array:
        start, _, d, u = self._directions
        f = self._people().shift_of(site)
        return f * (self.offset * (start @ d) + self.shift * u)

    def draw(self) -> pd.DataFrame:
        """Return the table: patient, site, sex and age if asked, x1 to xp, and label."""
        people = self._people()
        table = people.deal()
        rng = np.random.default_rng([self.seed, 4])
        n, p = len(table), self.n_features
        patient = pd.factorize(table["patient"])[0]
        own = rng.normal(size=(self.n_patients, p))[patient]
        z = np.sqrt(self.similarity) * own + np.sqrt(1 - self.similarity) * rng.normal(size=(n, p))
        x = np.empty((n, p))
        code = pd.Categorical(table["label"], categories=list(self._names)).codes
        y = np.zeros(n)
        for site in self.sites:
            at = np.flatnonzero(table["site"] == site)
            w, move = self._w(site), self._move(site)
            if self.task == "regression":
                x[at] = z[at] + move
                y[at] = self.effect * (z[at] @ w[:, 0]) + rng.normal(size=len(at))
            else:
                x[at] = z[at] + move + self._corners()[code[at]] @ w.T
        hole = np.array(self._holes() if len(self._holes()) > 1 else [self._holes()[0]] * max(2, self._k))
        x[rng.random((n, p)) < hole[code][:, None]] = np.nan
        parts = table[["patient", "site", *(["sex", "age"] if self.protected else [])]]
        values = pd.DataFrame(x, columns=[f"x{j + 1}" for j in range(p)])
        label = pd.Series(y) if self.task == "regression" else table["label"]
        return pd.concat([parts, values, label.rename("label")], axis=1)

    @cached_property
    def truth(self) -> Truth:
        """What is true of it, at each site."""
        return self._regression() if self.task == "regression" else self._classes()

    def _facts(self) -> dict[str, Any]:
        f = {site: self._people().shift_of(site) for site in self.sites}
        knobs = ("shift", "offset", "concept")
        return {
            "task": self.task,
            "sites": tuple(self.sites),
            "means": {s: self._move(s) for s in self.sites},
            "changes": {s: {k: f[s] * getattr(self, k) for k in knobs} for s in self.sites},
        }

    def _regression(self) -> Truth:
        e, first = self.effect, self.sites[0]
        best = e**2 / (1 + e**2)
        transfer = {}
        for site in self.sites:
            # The first site's line errs by e (w_s - w_0)' z - e o, beside the noise of variance 1.
            turned = ((self._w(site) - self._w(first)) ** 2).sum()
            off = self.offset * self._people().shift_of(site)
            transfer[site] = float(1 - (1 + e**2 * (turned + off**2)) / (1 + e**2))
        return Truth(
            classes=(),
            prevalence={},
            accuracy=dict.fromkeys(self.sites, best),
            transfer=transfer,
            coefficients={s: e * self._w(s)[:, 0] for s in self.sites},
            **self._facts(),
        )

    def _classes(self) -> Truth:
        from scipy.stats import norm

        shares = self._people().shares()
        first, a = self.sites[0], self.effect / np.sqrt(2)
        accuracy, transfer = {}, {}
        for site, prior in shares.items():
            f = self._people().shift_of(site)
            still = np.eye(self._k) * a
            accuracy[site] = correct(prior, prior, still, a)
            turned = still * np.cos(f * self.concept)
            turned[:, 0] -= f * self.offset * np.sqrt(0.5)
            turned[:, -1] += f * self.offset * np.sqrt(0.5)
            transfer[site] = correct(prior, shares[first], turned, a)
        scale = self._corners().T if self._k > 2 else np.array([[self.effect]])
        slopes = {s: self._w(s) @ scale for s in self.sites}
        auc = dict.fromkeys(self.sites, float(norm.cdf(a))) if self._k == 2 else {}
        return Truth(
            classes=self._names,
            prevalence=shares,
            accuracy=accuracy,
            transfer=transfer,
            auc=auc,
            coefficients={s: c[:, 0] if self._k == 2 else c for s, c in slopes.items()},
            **self._facts(),
        )


def table(n_patients: int = 200, n_features: int = 10, **settings: Any) -> pd.DataFrame:
    """Return a generated table: a shortcut for ``TableModel(n_patients, n_features, ...).draw()``.

    Parameters
    ----------
    n_patients, n_features : int
    **settings
        Of :class:`TableModel`: sites, task, classes, effect, shift, offset, concept, prevalence, similarity,
        missing, rows_per_patient, mixed_labels, protected, seed.

    Examples
    --------
    >>> frame = table(30, 4, rows_per_patient=2, missing=0.1)
    >>> frame.shape, frame.groupby("patient")["label"].nunique().max()
    ((60, 7), np.int64(1))
    """
    return TableModel(n_patients, n_features, **settings).draw()
