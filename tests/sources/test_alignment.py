"""Subjects aligned without labels: identity covariances, invariance to mixtures, new trials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import inv, sqrtm

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.alignment import euclidean_alignment, riemannian_alignment
from medgraft.sources.spd import frechet_mean
from medgraft.sources.views.signal.covariance_tangent import CovarianceTangent

CHANNELS = ("Fz", "C3", "C4", "Pz")


def trial(X):
    return Signal(np.asarray(X, np.float32), 100.0, CHANNELS, ("uV",) * 4)


def cohort(n=8, seed=0):
    """Two subjects, each with a mixture of the sources of its own."""
    rng = np.random.default_rng(seed)
    mixtures = {who: rng.normal(size=(4, 4)) * 20 for who in ("ana", "bo")}
    who = [name for name in mixtures for _ in range(n)]
    return [trial(mixtures[name] @ rng.normal(size=(4, 200))) for name in who], who


def covariances(signals):
    return np.array([s.values.astype(float) @ s.values.T.astype(float) / 200 for s in signals])


@pytest.mark.parametrize(
    ("learn", "mean"),
    [(euclidean_alignment, lambda S: S.mean(axis=0)), (riemannian_alignment, frechet_mean)],
)
def test_after_alignment_each_subjects_mean_covariance_is_the_identity(learn, mean):
    signals, who = cohort()
    align = learn(signals, who)
    done = covariances([align(s, name) for s, name in zip(signals, who, strict=True)])
    for name in ("ana", "bo"):
        np.testing.assert_allclose(mean(done[np.array(who) == name]), np.eye(4), atol=1e-6)


def test_euclidean_alignment_is_the_papers_formula():
    signals, who = cohort()
    own = [s.values.astype(float) for s, name in zip(signals, who, strict=True) if name == "bo"]
    R = sum(X @ X.T / X.shape[1] for X in own) / len(own)
    aligned = euclidean_alignment(signals, who)(signals[-1], "bo")
    np.testing.assert_allclose(aligned.values, inv(sqrtm(R)) @ own[-1], rtol=1e-4, atol=1e-5)
    assert aligned.units == ("",) * 4 and aligned.channels == CHANNELS


@pytest.mark.parametrize("learn", [euclidean_alignment, riemannian_alignment])
def test_a_subjects_mixture_of_channels_does_not_change_distances_between_aligned_trials(learn):
    rng = np.random.default_rng(3)
    sources = [rng.normal(size=(4, 200)) * rng.uniform(0.5, 2, size=(4, 1)) for _ in range(6)]
    mixed = rng.normal(size=(4, 4))
    plain, skull = [trial(X) for X in sources], [trial(mixed @ X) for X in sources]
    align = learn(plain + skull, ["a"] * 6 + ["b"] * 6)
    spectra = []
    for signals, name in ((plain, "a"), (skull, "b")):
        S = covariances([align(s, name) for s in signals])
        spectra.append(np.sort(np.linalg.eigvals(np.linalg.solve(S[0], S[1])).real))
    np.testing.assert_allclose(spectra[0], spectra[1], rtol=1e-4)  # affine-invariant distance: of their logs


def test_a_new_trial_is_aligned_by_its_subjects_reference_and_trials_of_others_change_nothing():
    signals, who = cohort()
    alone = euclidean_alignment(signals[:8], who[:8])
    both = euclidean_alignment(signals, who)
    new = trial(np.random.default_rng(9).normal(size=(4, 50)))  # of another length
    np.testing.assert_array_equal(alone(new, "ana").values, both(new, "ana").values)
    with pytest.raises(MedgraftError, match="no alignment for the subject 'bo'"):
        alone(new, "bo")


def test_the_order_of_trials_and_the_names_of_subjects_change_nothing_and_no_trial_is_changed():
    signals, who = cohort()
    before = [s.values.copy() for s in signals]
    turned = euclidean_alignment(signals[::-1], who[::-1])
    for learn in (euclidean_alignment, riemannian_alignment):
        one, two = learn(signals, who), learn(signals, [{"ana": 7, "bo": 3}[name] for name in who])
        np.testing.assert_array_equal(one.whitening["ana"], two.whitening["7"])
    np.testing.assert_allclose(
        turned.whitening["bo"], euclidean_alignment(signals, who).whitening["bo"], rtol=1e-9, atol=1e-12
    )
    for s, values in zip(signals, before, strict=True):
        np.testing.assert_array_equal(s.values, values)


def test_subjects_who_differ_by_their_electrodes_scales_alone_are_one_after_alignment():
    rng = np.random.default_rng(4)
    sources = [rng.normal(size=(4, 200)) for _ in range(5)]
    gains = np.array([[1.0], [10.0], [0.1], [3.0]])
    signals = [trial(X) for X in sources] + [trial(X * gains) for X in sources]
    # not exactly one: the symmetric root undoes gains up to a turn, which independent sources keep small
    who = ["a"] * 5 + ["b"] * 5
    align, see = riemannian_alignment(signals, who), CovarianceTangent(shrinkage=0)
    before = np.linalg.norm(see(signals[0]) - see(signals[5]))
    after = np.linalg.norm(see(align(signals[0], "a")) - see(align(signals[5], "b")))
    assert before > 5 and after < 0.1 * before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s, w: (s, w[:-1]), "a subject for each signal: 16 and 15"),
        (lambda s, w: ([], []), "0 and 0"),
        (lambda s, w: ([*s[:-1], trial(np.ones((4, 9)))], w), "one length"),
        (lambda s, w: ([*s[:-1], Signal(s[0].values, 100.0, CHANNELS[::-1], ("",) * 4)], w), "in one order"),
        (
            lambda s, w: ([trial(x.values - x.values.mean(axis=0)) for x in s], w),
            "subject 'ana' has rank 3 of 4",
        ),
    ],
)
def test_what_cannot_be_aligned_is_refused_in_a_sentence(change, words):
    with pytest.raises(MedgraftError, match=words):
        euclidean_alignment(*change(*cohort()))


def test_a_single_singular_trial_is_refused_where_each_ones_logarithm_is_taken():
    signals, who = cohort()
    flat = signals[3].values.copy()
    flat[2] = 0
    signals[3] = trial(flat)
    euclidean_alignment(signals, who)
    with pytest.raises(MedgraftError, match="subject 'ana' has rank 3"):
        riemannian_alignment(signals, who)
