"""Balance classes by rows between neighbours of the rare class, as imbalanced-learn makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.prepare.balance import Balanced, Sample
from medgraft.methods.prepare.registry import step
from medgraft.methods.table import InputError


class Between(Balanced):
    """Base of SMOTE and its kin.

    Parameters
    ----------
    estimator, correct, random_state
        See `Balanced`.
    n_neighbours : int
        Nearest rows of the class among which the other end of a segment is drawn.
    """

    sampler = "SMOTE"

    def __init__(
        self, *, estimator: Any = None, correct: bool = True, n_neighbours: int = 5, random_state: int = 0
    ) -> None:
        super().__init__(estimator=estimator, correct=correct, random_state=random_state)
        self.n_neighbours = n_neighbours

    def _sampler(self, most: int, wanted: dict[int, int]) -> Any:
        """Return imbalanced-learn's sampler for classes with at least `most` + 1 rows."""
        return getattr(over_sampling(), self.sampler)(
            sampling_strategy=wanted,
            k_neighbors=min(self.n_neighbours, most),
            random_state=int(self.random_state),
        )

    def _balance(self, sample: Sample, rng: np.random.Generator) -> Sample:
        over_sampling()
        if not (isinstance(self.n_neighbours, int | np.integer) and self.n_neighbours >= 1):
            raise InputError(f"n_neighbours must be a whole number from 1 on, not {self.n_neighbours!r}.")
        rows = np.bincount(sample.y)
        lacking = np.round(sample.total.max() - sample.total).astype(int)
        short = [k for k in range(sample.k) if lacking[k] > 0 and rows[k] > 1]
        made, y = sample.Z, sample.y
        for k in short:  # one class at a time, each with as many neighbours as it has
            try:
                sampler = self._sampler(int(rows[k]) - 1, {k: int(rows[k] + lacking[k])})
                Z, codes = sampler.fit_resample(sample.Z, sample.y)
            except (ValueError, RuntimeError):  # no row near another class: nothing to make
                continue
            made, y = np.vstack([made, Z[len(sample.Z) :]]), np.r_[y, codes[len(sample.y) :]]
        new = len(made) - len(sample.Z)
        units = np.arange(new, dtype=np.intp) + sample.units.max() + 1
        return Sample(made, y, np.r_[sample.weight, np.ones(new)], np.r_[sample.units, units])


@step("smote", around="learner", refs=("Chawla et al. 2002, doi:10.1613/jair.953",))
class Smote(Between):
    r"""Add rows on the segments between neighbouring patients of the rare classes, then learn.

    Use it when one class is rare and its patients form clusters. Not with many features and few patients,
    where neighbours mean little (van den Goorbergh et al. 2022, doi:10.1093/jamia/ocac093, found no gain and
    bad calibration for logistic models). Not for regression.

    Every class is filled up to the largest by rows :math:`x_i + u (x_j - x_i)`, with :math:`x_j` one of the
    nearest rows of the same class and u uniform on [0, 1]. With `correct`, predicted probabilities are
    brought back to the shares of the given rows (see `corrected`).

    Parameters
    ----------
    estimator, correct, random_state
        See `Balanced`.
    n_neighbours : int
        Nearest rows of the class, at most.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted.
    learner_ : estimator
        Fitted on real and made rows.
    shift_ : array (K,)
        Share in the given over share in the made rows; ones without `correct`.

    Raises
    ------
    MedgraftError
        imbalanced-learn is not installed.

    Notes
    -----
    It works on encoded columns: a made row may lie between two words. A row made from patients i and j
    belongs to neither, so a learner that splits its rows by itself would be flattered; the default learner's
    penalty is chosen on real rows. Classes of one distinct row stay as they are. Cost O(n m p) for m rows of
    the rare class.
    """


@step("borderline-smote", around="learner", refs=("Han, Wang and Mao 2005, doi:10.1007/11538059_91",))
class BorderlineSmote(Between):
    """Add rows as ``smote`` does, but only from patients with more foreign than own neighbours.

    Use it when the border between the classes matters and the rare class is not noise. Not when labels are
    often wrong: wrong labels sit where it adds rows. Not for regression.

    A patient of the rare class starts segments if at least half, but not all, of the ten nearest rows are of
    other classes. The rest is as in `Smote`; where no patient is on a border, nothing is added.

    Parameters
    ----------
    estimator, correct, n_neighbours, random_state
        See `Smote`.

    Raises
    ------
    MedgraftError
        imbalanced-learn is not installed.
    """

    sampler = "BorderlineSMOTE"


@step("adasyn", around="learner", refs=("He, Bai, Garcia and Li 2008, doi:10.1109/IJCNN.2008.4633969",))
class Adasyn(Between):
    """Add rows as ``smote`` does, the more the more foreign neighbours a patient has.

    Use it when part of the rare class is hard and part is easy. Not when labels are often wrong: hard
    patients may be mislabelled ones. Not for regression.

    A patient of the rare class starts segments in proportion to the share of other classes among the nearest
    rows. The rest is as in `Smote`; where no patient has a foreign neighbour, nothing is added.

    Parameters
    ----------
    estimator, correct, n_neighbours, random_state
        See `Smote`.

    Raises
    ------
    MedgraftError
        imbalanced-learn is not installed.
    """

    def _sampler(self, most: int, wanted: dict[int, int]) -> Any:
        return over_sampling().ADASYN(
            sampling_strategy=wanted,
            n_neighbors=min(self.n_neighbours, most),
            random_state=int(self.random_state),
        )


def over_sampling() -> Any:
    """Return imbalanced-learn's module, or say how to get it."""
    try:
        from imblearn import over_sampling  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise MedgraftError(
            "SMOTE and its kin need imbalanced-learn: pip install 'medgraft[boost]'."
        ) from error
    return over_sampling
