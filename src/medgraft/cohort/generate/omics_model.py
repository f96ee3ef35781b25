"""Methylation-like values with a class effect and a batch effect, drawn probe by probe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People
from medgraft.cohort.generate.truth import Array, Truth

BLOCK = 4096  # probes drawn at once: 16 MB at 500 samples


@dataclass(frozen=True)
class OmicsModel:
    """M-values m = base_j + effect_j [class] + batch_sj + N(0, noise^2) and betas 2^m / (1 + 2^m).

    Parameters
    ----------
    people : People
        Rows are samples.
    probes : int
    informative : int
        The number of probes, at random places, whose m differs by `effect` or -`effect` in the last class.
    effect : float
    shift : float
        Standard deviation over the probes of batch_sj, at the last site.
    noise : float
        Standard deviation within a class and site.
    missing : float
        Share of missing values.
    """

    people: People
    probes: int
    informative: int = 20
    effect: float = 1.0
    shift: float = 0.0
    noise: float = 0.5
    missing: float = 0.0

    def __post_init__(self) -> None:
        inside = 0 <= self.informative <= self.probes and 0 <= self.missing < 1 and self.noise > 0
        if self.probes < 1 or not inside or len(self.people.classes) != 2:
            raise MedgraftError(
                "Generated omics need two classes, one or more probes of which at most all are informative, "
                "noise above 0 and a share of missing values below 1."
            )

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The samples: sample, patient, site, sex, age, label, shown."""
        table = self.people.deal()
        table.insert(0, "sample", [f"S{i + 1:05d}" for i in range(len(table))])
        return table

    @cached_property
    def slopes(self) -> Array:
        """Difference of m between the classes, (probes,)."""
        rng = np.random.default_rng([self.people.seed, 6])
        slopes = np.zeros(self.probes)
        at = rng.choice(self.probes, self.informative, replace=False)
        slopes[at] = self.effect * rng.choice([-1.0, 1.0], self.informative)
        return slopes

    def blocks(self) -> Iterator[Array]:
        """Yield betas of the next probes, (some probes, samples) of float32, NaN where missing."""
        rng = np.random.default_rng([self.people.seed, 7])
        ill = (self.samples["shown"] == self.people.classes[-1]).to_numpy(np.float32)
        f = np.array([self.people.shift_of(s) for s in self.samples["site"]], np.float32) * self.shift
        for start in range(0, self.probes, BLOCK):
            slope = self.slopes[start : start + BLOCK, None].astype(np.float32)
            n = len(slope)
            # Most probes are fully on or off, as those of methylation arrays are.
            base = rng.choice([-3.0, 0.0, 3.0], (n, 1), p=[0.4, 0.2, 0.4]) + rng.normal(
                scale=0.5, size=(n, 1)
            )
            batch = rng.normal(size=(n, 1)).astype(np.float32) * f
            m = rng.standard_normal((n, len(ill)), np.float32) * np.float32(self.noise)
            m += base.astype(np.float32) + slope * ill + batch
            beta = 1 / (1 + np.exp2(-m))
            if self.missing:
                beta[rng.random(beta.shape, np.float32) < self.missing] = np.nan
            yield beta

    @cached_property
    def truth(self) -> Truth:
        """The truth of the people, with the slopes of m as coefficients."""
        f = {s: self.people.shift_of(s) for s in self.people.sites}
        truth = self.people.truth({s: {"batch": self.shift * g} for s, g in f.items()})
        truth.coefficients.update(dict.fromkeys(f, self.slopes))
        return truth
