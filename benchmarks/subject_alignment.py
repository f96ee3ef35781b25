"""Does alignment of subjects help a model of some serve another, and when does it harm?

Simulated EEG with a known truth: ``python benchmarks/subject_alignment.py [runs]``. Eight subjects of 40
trials, six channels; each subject mixes six sources by a matrix and gains of its own, and the class sets the
size of two of them. A logistic model of the log-Euclidean covariances of seven subjects predicts the eighth,
whose trials hold a share of class 1 of 0.5, 0.8 or 0.95. Half a minute on one core for 30 runs.
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medgraft.cohort.media import Signal
from medgraft.sources.alignment import euclidean_alignment, riemannian_alignment
from medgraft.sources.views import read_view

SUBJECTS, TRIALS, CHANNELS, SAMPLES = 8, 40, 6, 160
WAYS = {"none": None, "euclidean": euclidean_alignment, "riemannian": riemannian_alignment}


def simulated(rng: np.random.Generator, share: float) -> tuple[list[Signal], np.ndarray, np.ndarray]:
    """Trials, their subjects and classes; subject 0 has the share of class 1, the others a half."""
    common = rng.normal(size=(CHANNELS, CHANNELS))
    signals, subject, y = [], [], []
    for who in range(SUBJECTS):
        own = common + 0.25 * rng.normal(size=(CHANNELS, CHANNELS))
        own = own * np.exp(0.5 * rng.normal(size=(CHANNELS, 1)))
        ones = round(TRIALS * (share if who == 0 else 0.5))
        for label in np.repeat([1, 0], [ones, TRIALS - ones]):
            size = np.exp(0.1 * rng.normal(size=(CHANNELS, 1)))
            size[1 - label] *= 1.35
            values = (own @ (size * rng.normal(size=(CHANNELS, SAMPLES)))).astype(np.float32)
            signals.append(Signal(values, 80.0, tuple("abcdef"), ("",) * CHANNELS))
            subject.append(who)
            y.append(label)
    return signals, np.array(subject), np.array(y)


def one(seed: int, share: float) -> list[tuple[float, float]]:
    """AUROC and accuracy on subject 0, for each way."""
    signals, subject, y = simulated(np.random.default_rng(seed), share)
    view, target, found = read_view("covariance-tangent"), subject == 0, []
    for learn in WAYS.values():
        seen = signals
        if learn is not None:
            align = learn(signals, subject)  # no label
            seen = [align(s, who) for s, who in zip(signals, subject, strict=True)]
        X = np.array([view(s) for s in seen])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        p = model.fit(X[~target], y[~target]).predict_proba(X[target])[:, 1]
        found.append((float(roc_auc_score(y[target], p)), float(((p > 0.5) == y[target]).mean())))
    return found


def main(runs: int) -> None:
    print("share of class 1   way          AUROC   accuracy   accuracy less that without (standard error)")
    for share in (0.5, 0.8, 0.95):
        found = np.array([one(seed, share) for seed in range(runs)])
        for i, way in enumerate(WAYS):
            auroc, accuracy = found[:, i].mean(axis=0)
            less = found[:, i, 1] - found[:, 0, 1]
            error = less.std(ddof=1) / np.sqrt(runs)
            print(f"{share:<18} {way:12} {auroc:.3f}   {accuracy:.3f}      {less.mean():+.3f} ({error:.3f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
