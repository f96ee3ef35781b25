"""Hospitals and plain re-implementations that several tests share."""

from __future__ import annotations

import numpy as np

from medgraft.methods.base import TableEncoder


def hospitals(task="classification", seed=0, sizes=(80, 60, 40), p=3, apart=0.5):
    """Features, labels and sites; `apart` is how much the sites' rules differ."""
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "here"], sizes)
    X = rng.normal(size=(len(site), p)) * rng.uniform(0.1, 10.0, p) + rng.normal(size=p)
    Z = TableEncoder().fit_transform(X)
    score = Z @ np.r_[1.5, -1.0, np.zeros(p - 2)]
    for i, name in enumerate(np.unique(site)):
        score += (site == name) * apart * (i - 1) * (1.0 + Z[:, 1])
    if task == "regression":
        return X, 200.0 + 30.0 * (score + rng.normal(size=len(site))), site
    noisy = score + rng.logistic(size=len(site))
    return X, np.digitize(noisy, np.quantile(noisy, [0.6] if task == "classification" else [0.3, 0.7])), site


def design(X):
    """Encoded rows with a column of ones."""
    Z = TableEncoder().fit(X).transform(X)
    return np.column_stack([Z, np.ones(len(Z))])


def slope(theta, Z, y, task):
    """Sum of the gradients (m, q) over rows, written the long way."""
    total = np.zeros_like(theta)
    for z, label in zip(Z, y, strict=True):
        eta = theta @ z
        if task == "regression":
            rest = eta - label
        elif task == "classification":
            rest = 1 / (1 + np.exp(-eta)) - label
        else:
            rest = np.exp(eta) / np.exp(eta).sum() - (np.arange(3) == label)
        total += np.outer(rest, z)
    return total


def rate_of(Z, site, task, penalty, names, mu=0.0):
    """One over the largest curvature of a site."""
    bend = {"regression": 1.0, "classification": 0.25}.get(task, 0.5)
    tops = [np.linalg.norm(Z[site == s], 2) ** 2 / (site == s).sum() for s in names]
    return 1.0 / (bend * max(tops) + penalty / len(Z) + mu)


def train(theta, Z, y, task, steps, rate, ridge, mu=0.0):
    """Local gradient steps on the mean loss of one site."""
    start, theta = theta, theta.copy()
    for _ in range(steps):
        g = slope(theta, Z, y, task) / len(y) + mu * (theta - start)
        g[:, :-1] += ridge * theta[:, :-1]
        theta = theta - rate * g
    return theta


def coefficients(model):
    """Slopes and intercepts (m, p + 1)."""
    return np.column_stack([np.atleast_2d(model.coef_), model.intercept_])
