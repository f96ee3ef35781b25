"""The patients of every generator: their sites, classes and what their samples show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.truth import Array, Truth

Prevalence = float | Sequence[float] | Mapping[str, float] | None


@dataclass(frozen=True)
class People:
    r"""Patients with sites and classes; the settings that all generators of files share.

    The class y of a patient is dealt, the content c of their samples follows from it:
    P(c = y) = 1 - e_s and every other content has the share e_s / (K - 1). The best rule for a site knows
    no more than c, so its accuracy is sum_c max_y P(y) P(c | y), which is 1 - e_s for equal classes.

    Parameters
    ----------
    n_patients : int
    sites : sequence of str, default ("a", "b")
        Patients are dealt to them in equal numbers. Site k of K has the share f = k / (K - 1) of every
        shift: none in the first, all of it in the last.
    classes : sequence of str, default ("healthy", "ill")
    prevalence : float, or one per site (sequence or mapping), optional
        The share of the last class; the others share the rest equally. Kept exactly, up to rounding.
        ``(1, 0)`` makes the class equal to the site. All classes are equally frequent by default.
    noise : float, default 0
        e: the share of patients whose samples look like another class, at every site.
    concept : float, default 0
        Added to e at the last site: a change of what the content means. With two classes, 1 - 2 * noise
        swaps the meaning of both.
    rows_per_patient : int or (int, int), default 1
        Samples of each patient, or the smallest and largest number of them.
    mixed_labels : bool, default False
        Deal the class to rows instead of patients, so that a patient's rows can differ.
    seed : int, default 0

    Raises
    ------
    MedgraftError
        A setting is out of its range.
    """

    n_patients: int = 40
    sites: Sequence[str] = ("a", "b")
    classes: Sequence[str] = ("healthy", "ill")
    prevalence: Prevalence = None
    noise: float = 0.0
    concept: float = 0.0
    rows_per_patient: int | tuple[int, int] = 1
    mixed_labels: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_patients < 1 or not self.sites or len(set(self.sites)) < len(self.sites):
            raise MedgraftError("Generated data need one or more patients, and sites of different names.")
        if len(set(self.classes)) < max(2, len(self.classes)):
            raise MedgraftError("Generated data need two or more classes, of different names.")
        if not 0 <= self.noise <= self.noise + self.concept <= 1:
            raise MedgraftError("noise and concept must be 0 or more, and at most 1 together.")
        low, high = self._rows()
        if not 1 <= low <= high:
            raise MedgraftError("rows_per_patient must be 1 or more, or (smallest, largest).")
        self.shares()

    def _rows(self) -> tuple[int, int]:
        rows = self.rows_per_patient
        return (rows, rows) if isinstance(rows, int) else (rows[0], rows[1])

    def shift_of(self, site: str) -> float:
        """Return the share f of every shift that a site has."""
        return list(self.sites).index(site) / max(1, len(self.sites) - 1)

    def shares(self) -> dict[str, Array]:
        """Return the prevalence of each class by site."""
        return shares(self.prevalence, self.sites, len(self.classes))

    def deal(self) -> pd.DataFrame:
        """Return one row per sample: patient, site, sex, age, label and shown."""
        rng = np.random.default_rng([self.seed, 1])
        n, low, high = self.n_patients, *self._rows()
        site = rng.permutation(np.arange(n) % len(self.sites))
        patient = np.repeat(np.arange(n), rng.integers(low, high + 1, n))
        unit = np.arange(len(patient)) if self.mixed_labels else np.arange(n)
        owner = patient if self.mixed_labels else np.arange(n)
        label = np.empty(len(unit), dtype=int)
        for k, share in enumerate(self.shares().values()):
            at = np.flatnonzero(site[owner] == k)
            label[at] = rng.permutation(quota(share, len(at)))
        wrong = self.noise + self.concept * site[owner] / max(1, len(self.sites) - 1)
        other = (label + rng.integers(1, len(self.classes), len(unit))) % len(self.classes)
        shown = np.where(rng.random(len(unit)) < wrong, other, label)
        sex, age = rng.choice(["female", "male"], n), rng.integers(20, 90, n)
        at = np.arange(len(patient)) if self.mixed_labels else patient
        names = np.array(self.classes, dtype=object)
        return pd.DataFrame(
            {
                "patient": [f"P{i + 1:04d}" for i in patient],
                "site": np.array(self.sites, dtype=object)[site[patient]],
                "sex": sex[patient],
                "age": age[patient],
                "label": names[label[at]],
                "shown": names[shown[at]],
            }
        )

    def truth(self, changes: dict[str, dict[str, Any]] | None = None) -> Truth:
        """Return what the best rule for the content can do at each site."""
        k, prevalence = len(self.classes), self.shares()
        joint = {}
        for site, share in prevalence.items():
            wrong = self.noise + self.concept * self.shift_of(site)
            seen = np.full((k, k), wrong / (k - 1))
            np.fill_diagonal(seen, 1 - wrong)
            joint[site] = share[:, None] * seen  # (class, content)
        rule = joint[self.sites[0]].argmax(axis=0)
        return Truth(
            task="binary" if k == 2 else "multiclass",
            classes=tuple(self.classes),
            sites=tuple(self.sites),
            prevalence=prevalence,
            accuracy={s: float(j.max(axis=0).sum()) for s, j in joint.items()},
            transfer={s: float(j[rule, np.arange(k)].sum()) for s, j in joint.items()},
            changes=changes or {},
        )


def shares(prevalence: Prevalence, sites: Sequence[str], k: int) -> dict[str, Array]:
    """Return the share of each of `k` classes by site.

    Examples
    --------
    >>> {s: p.tolist() for s, p in shares((0.5, 0.25), ("a", "b"), 2).items()}
    {'a': [0.5, 0.5], 'b': [0.75, 0.25]}
    """
    if prevalence is None:
        last: list[float] = [1 / k] * len(sites)
    elif isinstance(prevalence, Mapping):
        last = [prevalence.get(site, 1 / k) for site in sites]
        unknown = set(prevalence) - set(sites)
        if unknown:
            raise MedgraftError(f"prevalence names the site '{min(unknown)}': there is no such site.")
    elif isinstance(prevalence, Sequence):
        last = list(prevalence)
    else:
        last = [float(prevalence)] * len(sites)
    if len(last) != len(sites) or not all(0 <= p <= 1 for p in last):
        raise MedgraftError("prevalence must be a number from 0 to 1, or one such number for each site.")
    return {site: np.r_[np.full(k - 1, (1 - p) / (k - 1)), p] for site, p in zip(sites, last, strict=True)}


def quota(share: Array, n: int) -> Array:
    """Return `n` class numbers in the given shares, rounded by largest remainder.

    Examples
    --------
    >>> quota(np.array([0.7, 0.3]), 5).tolist()
    [0, 0, 0, 0, 1]
    """
    exact = share * n
    count = np.floor(exact + 1e-9).astype(int)
    most = np.argsort(count - exact, kind="stable")
    count[most[: n - count.sum()]] += 1
    return np.repeat(np.arange(len(share)), count)


def rows(table: pd.DataFrame) -> Iterator[Any]:
    """Return the rows as named tuples, of which the type checker asks nothing."""
    return iter(table.itertuples())


def sample_rng(seed: int, i: int) -> np.random.Generator:
    """Return the random numbers of sample `i`, which do not depend on those of the others."""
    return np.random.default_rng([seed, 2, i])
