"""Alignment of subjects: each one's trials in coordinates in which their mean covariance is the identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import Signal
from medgraft.sources.montage import whole
from medgraft.sources.spd import check_spd, covariance, frechet_mean, inverse_root

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """A matrix for each subject, by which its trials are multiplied.

    It holds a mean over a subject's trials and no trial; but the names of subjects and what is peculiar to
    each: it belongs with the data, not into a model that is given away.

    Attributes
    ----------
    channels : tuple of str
        In the matrices' order.
    whitening : dict of arrays (C, C)
        By subject.
    """

    channels: tuple[str, ...]
    whitening: dict[str, Floats]

    def __call__(self, signal: Signal, subject: object) -> Signal:
        """Return a trial of a known subject, old or new, in the common coordinates.

        Values are without units; each is a mixture of the channels, most of it of the one whose name it has.

        Raises
        ------
        MedgraftError
            The subject is not known, or the channels are others.
        """
        name = str(subject)
        if name not in self.whitening:
            hint = (
                did_you_mean(name, self.whitening)
                or " Align it with its own trials first; no label is needed."
            )
            raise MedgraftError(f"There is no alignment for the subject '{name}'.{hint}")
        _same(signal, self.channels)
        values = self.whitening[name] @ whole(signal)
        return Signal(values.astype(np.float32), signal.rate, signal.channels, ("",) * len(values))


def euclidean_alignment(signals: Sequence[Signal], subjects: Sequence[object]) -> Alignment:
    r"""Learn from unlabelled trials to whiten each subject by the mean covariance.

    Use it where subjects' EEG differs by electrodes and skulls and a model of some is to serve others. It
    needs unlabelled trials of every subject, the target's too, and takes them to hold the same mixture of
    classes: where they do not, it does harm. Not for a subject of whom a single trial is known, and not for
    signals with a mean: filter them first (``low=...``).

    Measured on simulated subjects (``benchmarks/subject_alignment.py``, 30 runs): a model of seven subjects
    was right in 0.95 of the eighth's trials with alignment and 0.76 without where half of them were of each
    class, and in 0.59 with it and 0.78 without where 95 % were of one class; the AUROC was 0.013 and 0.004
    higher.

    With trials :math:`X_i` (C, L) of one subject

    .. math:: R = \frac1n \sum_i \frac{X_i X_i^\top}{L}, \qquad \tilde X_i = R^{-1/2} X_i,
        \qquad \frac1n \sum_i \frac{\tilde X_i \tilde X_i^\top}{L} = I

    (He and Wu 2020, doi:10.1109/TBME.2019.2913914; they do not divide by L, which scales all trials alike).

    Parameters
    ----------
    signals : sequence of Signal
        Of the same channels and length.
    subjects : sequence
        Whose trial each is.

    Returns
    -------
    Alignment
        ``alignment(signal, subject)`` aligns a trial.

    Raises
    ------
    MedgraftError
        Channels or lengths differ, there are gaps, or a subject's covariance is singular (an average
        reference makes it so: leave a channel out).

    Notes
    -----
    No label is read. In a trial of methods it is transductive: the mean of the subject's unlabelled test
    trials is part of it, as it would be of the calibration of a new user; say so beside the figures. Cost:
    O(n C^2 L + C^3).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trials = [Signal(rng.normal(size=(2, 50)).astype(np.float32) * 9, 1.0, ("C3", "C4"), ("uV",) * 2)] * 3
    >>> align = euclidean_alignment(trials, ["ana"] * 3)
    >>> X = align(trials[0], "ana").values
    >>> bool(np.allclose(X @ X.T / 50, np.eye(2), atol=1e-6))
    True
    """
    return _aligned(signals, subjects, lambda S: np.asarray(S.mean(axis=0)), each=False)


def riemannian_alignment(signals: Sequence[Signal], subjects: Sequence[object]) -> Alignment:
    r"""Learn from unlabelled trials to whiten each subject by the affine-invariant mean covariance.

    Use it before ``covariance-tangent``: a trial with an artefact moves this mean less than the arithmetic
    one, and whatever invertible mixture of the channels a subject had leaves distances between aligned trials
    as they were. Not where trials have fewer samples than channels: each one's covariance must be regular.

    As `euclidean_alignment`, with R the solution of :math:`\sum_i \log(R^{-1/2} S_i R^{-1/2}) = 0`,
    :math:`S_i = X_i X_i^\top / L` (Zanini et al. 2018, doi:10.1109/TBME.2017.2742541, who take R from rest;
    here it is of all trials).

    Parameters
    ----------
    signals, subjects
        See `euclidean_alignment`.

    Returns
    -------
    Alignment

    Raises
    ------
    MedgraftError
        As `euclidean_alignment`; also where a single trial's covariance is singular.

    Notes
    -----
    Cost: O(n C^2 L + k n C^3) with k steps, some tens.

    Examples
    --------
    >>> a = Signal(np.array([[1, -1, 1, -1]], np.float32), 1.0, ("C3",), ("uV",))
    >>> b = Signal(np.array([[9, -9, 9, -9]], np.float32), 1.0, ("C3",), ("uV",))
    >>> riemannian_alignment([a, b], ["ana", "ana"]).whitening["ana"].round(6).tolist()
    [[0.333333]]
    """
    return _aligned(signals, subjects, frechet_mean, each=True)


def _aligned(
    signals: Sequence[Signal], subjects: Sequence[object], mean: Callable[[Floats], Floats], *, each: bool
) -> Alignment:
    if not len(signals) or len(signals) != len(subjects):
        raise MedgraftError(
            f"Alignment takes a subject for each signal: {len(signals)} and {len(subjects)} came."
        )
    channels = signals[0].channels
    own: dict[str, list[Floats]] = {}
    for signal, subject in zip(signals, subjects, strict=True):
        _same(signal, channels)
        if signal.values.shape != signals[0].values.shape:
            raise MedgraftError("Alignment takes trials of one length: cut them by SignalInput first.")
        own.setdefault(str(subject), []).append(covariance(whole(signal)))
    whitening = {}
    for name, found in own.items():
        S = np.array(found)
        check_spd(S if each else S.mean(axis=0), f"The covariance of the trials of subject '{name}'")
        whitening[name] = inverse_root(mean(S))
    return Alignment(channels, whitening)


def _same(signal: Signal, channels: tuple[str, ...]) -> None:
    if signal.channels != channels:
        raise MedgraftError(
            "Alignment takes signals of the same channels in one order: choose them by SignalInput first."
        )
