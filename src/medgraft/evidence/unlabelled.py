"""Choosing among arms when no target patient has a label: scores from arrays alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.guard import Choice
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Floats

LEAST_EFFECTIVE = 10.0


def row_loss(y: ArrayLike, p: ArrayLike) -> Floats:
    """Bounded loss of each row: Brier score of probabilities (n, K), or squared error of values (n,).

    Examples
    --------
    >>> row_loss([1, 0], [[0.5, 0.5], [1.0, 0.0]]).tolist()
    [0.5, 0.0]
    """
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    if p.ndim == 1:
        return np.asarray((p - y) ** 2)
    return np.asarray(((p - np.eye(p.shape[1])[y.astype(int)]) ** 2).sum(axis=1))


def deviance_risk(loss: ArrayLike, weight: ArrayLike) -> float:
    r"""Risk on the target from weighted source losses, with a control variate (deep embedded validation).

    Use it where the rule is the same in both domains and only the patients differ (covariate shift). Not
    where the rule differs: the source's losses then say nothing about the target.

    With weights :math:`w_i = p_t(x_i) / p_s(x_i)` the mean of :math:`w \ell` is the target's risk (importance
    weighted validation), and since :math:`E\,w = 1` so is :math:`\overline{w \ell} + \eta (\bar w - 1)`, with
    the least variance at :math:`\eta = -\mathrm{cov}(w \ell, w) / \mathrm{var}(w)`. The weights must be the
    ratio itself: divided by their mean they have mean 1 exactly, and the control variate does nothing.

    Parameters
    ----------
    loss, weight : (n,) arrays
        Losses and density ratios (not normalised) of held-out source rows.

    Returns
    -------
    float

    Notes
    -----
    Cost O(n). Sugiyama, Krauledat and Mueller 2007, J. Mach. Learn. Res. 8:985-1005 (importance weighting);
    You, Wang, Long and Jordan 2019, Proc. ICML 97:7124-7133 (control variate).

    Examples
    --------
    >>> deviance_risk([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    2.0
    """
    w = np.asarray(weight, dtype=float)
    z = w * np.asarray(loss, dtype=float)
    spread = float(((w - w.mean()) ** 2).mean())
    eta = -float(((z - z.mean()) * (w - w.mean())).mean()) / spread if spread > 0 else 0.0
    return float(z.mean() + eta * (w.mean() - 1.0))


def entropy(p: ArrayLike) -> float:
    """Mean entropy in nats of predicted probabilities (n, K): small where a model is sure.

    Use it to compare arms on unlabelled rows; not alone, for a model that gives everyone one class is sure
    too (Morerio, Cavazza and Murino 2018, arXiv:1711.10288).

    Examples
    --------
    >>> entropy([[1.0, 0.0], [1.0, 0.0]])
    0.0
    """
    q = np.asarray(p, dtype=float)
    logs = np.log(np.where(q > 0, q, 1.0))
    return float(-(q * logs).sum(axis=1).mean()) + 0.0


def soft_neighbourhood_density(
    p: ArrayLike, *, temperature: float = 0.05, seed: int = 0, max_rows: int = 4000
) -> float:
    r"""Mean entropy of each row's similarities to its neighbours: large where rows form dense clusters.

    Use it to compare arms on unlabelled rows; larger is better. Not across sets of other size: it grows with
    the number of rows.

    Rows of p are scaled to length one; the similarities :math:`s_{ij}`, without the row itself, go through a
    softmax with the temperature; the score is the mean over i of the entropy.

    Parameters
    ----------
    p : (n, K) array
        Probabilities.
    temperature : float
    seed, max_rows : int
        Above `max_rows` rows, so many are drawn at random and each is compared with these: O(max_rows^2 K).

    Notes
    -----
    Saito et al. 2021, doi:10.1109/ICCV48922.2021.00905.

    Examples
    --------
    >>> round(soft_neighbourhood_density([[1.0, 0.0]] * 5), 6) == round(math.log(4), 6)
    True
    """
    q = np.asarray(p, dtype=float)
    if len(q) < 2:
        return 0.0
    if len(q) > max_rows:
        q = q[np.random.default_rng(seed).choice(len(q), max_rows, replace=False)]
    q = q / np.maximum(np.linalg.norm(q, axis=1, keepdims=True), 1e-12)
    total = 0.0
    for start in range(0, len(q), 500):  # 500 x max_rows similarities at a time
        s = q[start : start + 500] @ q.T / temperature
        i = np.arange(len(s))
        s[i, start + i] = -np.inf
        s -= s.max(axis=1, keepdims=True)
        e = np.exp(s)
        share = e / e.sum(axis=1, keepdims=True)
        total -= float((share * np.log(np.where(share > 0, share, 1.0))).sum())
    return total / len(q)


def effective_patients(
    weight: ArrayLike, group: ArrayLike | None = None, target_ratio: ArrayLike | None = None
) -> float:
    r"""How many held-out source patients weigh as much as patients of the target would.

    The lesser of two estimates of one number, :math:`n / E_s r^2` for the density ratio r of mean 1: by the
    weights of the patients, :math:`(\sum w)^2 / \sum w^2`; and, as :math:`E_s r^2 = E_t r`, by the mean ratio
    at the target's rows. Where the domains do not overlap no source row shows it, but the target's do.

    Parameters
    ----------
    weight : (n,) array
        Of held-out source rows; all zero: nobody is like the target.
    group : (n,) array, default every row its own
        Patients.
    target_ratio : (m,) array, optional
        Density ratio (not normalised) at target rows.

    Examples
    --------
    >>> effective_patients([1.0, 1.0, 0.0, 0.0]), effective_patients(np.ones(4), None, [20.0, 20.0])
    (2.0, 0.2)
    """
    w = np.asarray(weight, dtype=float)
    if not w.sum() > 0:
        return 0.0
    unit = np.arange(len(w)) if group is None else np.unique(np.asarray(group), return_inverse=True)[1]
    sums = np.bincount(unit, weights=w)
    found = float(sums.sum() ** 2 / (sums**2).sum())
    if target_ratio is None:
        return found
    return min(found, len(sums) / max(float(np.asarray(target_ratio, dtype=float).mean()), 1.0))


def too_few(effective: float) -> str:
    """Why so few patients cannot choose, or an empty string."""
    if effective >= LEAST_EFFECTIVE:
        return ""
    return f"only {effective:.1f} source patients are like the target's, too few to choose by"


def choose_unlabelled(
    y: ArrayLike,
    preds: Mapping[str, ArrayLike],
    weight: ArrayLike,
    control: str,
    *,
    group: ArrayLike | None = None,
    how: str = "importance-weighted",
) -> Choice:
    r"""Choose among arms by importance-weighted losses of held-out source rows; keep the control in doubt.

    Use it where no target patient has a label. Not where some have: `choose` needs no assumption then.

    With :math:`d_i` the loss of the control less that of arm a on row i, the gain of the arm and its standard
    error over n patients u are those of a ratio of two sums:

    .. math:: \Delta_a = \frac{\sum_i w_i d_i}{\sum_i w_i}, \qquad
              s_a^2 = \frac{n}{n - 1} \frac{\sum_u r_u^2}{(\sum_i w_i)^2}, \qquad
              r_u = \sum_{i \in u} w_i (d_i - \Delta_a).

    The scale of the weights plays no part. The best arm is chosen if its gain exceeds one standard error (an
    arm that is no better on the target is thus taken in about one case of six), and the control is kept if
    the effective number of patients is under ten.

    Parameters
    ----------
    y : (n,) array
        Class codes, or values, of held-out source rows.
    preds : mapping of name to (n, K) or (n,) array
        Predictions of these rows, the control's among them.
    weight : (n,) array
        Density ratio target/source, times the weights of the rows; all zero: every row counts the same.
    control : str
    group : (n,) array, default every row its own
        Patients.
    how : {"importance-weighted", "circular"}
        What the predictions are, for the reason: "circular" says that they were made on the way back from the
        target.

    Returns
    -------
    Choice
        Its "value" is the estimated loss on the target: smaller is better.

    Raises
    ------
    MedgraftError
        The control has no predictions.
    """
    if control not in preds:
        raise MedgraftError(f"The control '{control}' has no predictions.{did_you_mean(control, preds)}")
    w = np.asarray(weight, dtype=float)
    w = w if w.sum() > 0 else np.ones_like(w)
    unit = np.arange(len(w)) if group is None else np.unique(np.asarray(group), return_inverse=True)[1]
    loss = {name: row_loss(y, p) for name, p in preds.items()}
    rows: list[dict[str, Any]] = []
    for name in preds:
        gain, se = _gain(loss[control] - loss[name], w, unit)
        value = float(w @ loss[name] / w.sum())
        numbers = {"value": value, "difference": -gain, "se": se, "needed": se}
        rows.append({"name": name, **{k: jsonable(v) for k, v in numbers.items()}, "chosen": False})
    others = [r for r in rows if r["name"] != control]
    best = min(others, key=lambda r: (r["difference"], r["name"]), default=None)
    told = "weighted to be like the target's" if how == "importance-weighted" else "there and back"
    name, reason = control, f"The control {control} is kept"
    if best is None:
        reason += ": there is no other candidate."
    elif few := too_few(effective_patients(w, unit)):
        reason += f": {few}."
    elif -best["difference"] > best["se"] > 0:
        name = best["name"]
        reason = (
            f"{name} is chosen without target labels: its loss on held-out source patients, {told}, is "
            f"{-best['difference']:.2g} lower than that of the control {control}, more than the "
            f"{best['se']:.2g} asked for."
        )
    else:
        reason += f": no candidate has a clearly lower loss on held-out source patients, {told}."
    for row in rows:
        row["chosen"] = row["name"] == name
    return Choice(name, rows, reason)


def _gain(d: Floats, w: Floats, unit: NDArray[np.intp]) -> tuple[float, float]:
    """Weighted mean of a difference, and its standard error over the patients of positive weight."""
    total = float(w.sum())
    gain = float(w @ d) / total
    rest = np.bincount(unit, weights=w * (d - gain))
    n = int((np.bincount(unit, weights=w) > 0).sum())
    return gain, math.sqrt(float(rest @ rest) * n / max(n - 1, 1)) / total
