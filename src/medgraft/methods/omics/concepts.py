"""Whether what samples have in common, as a series or a laboratory, moves a class on a frozen code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.methods.explain.tcav import FEWEST, Concept, tested
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.omics.frozen_generative import FrozenGenerative
from medgraft.methods.splits import Floats


def code_concept(
    model: FrozenGenerative,
    concept: Any,
    random: Any,
    examples: Any,
    *,
    target: Any,
    sets: int = 10,
    group: ArrayLike | None = None,
    seed: int = 0,
) -> Concept:
    r"""Test with concept activation vectors whether a kind of samples moves a class of `frozen-generative`.

    Use it to ask whether a model tells a disease or the series it came from. Not as proof of the contrary: a
    concept that no linear rule on the code finds may move the class all the same.

    The activations are the codes :math:`\mu(x)`; with the head's coefficients :math:`B_k` and probabilities
    :math:`p_k`, the score's gradient is that of the log-probability,
    :math:`\nabla_\mu \log p_c = B_c - \sum_k p_k B_k`. The rest is as in
    `medgraft.methods.explain.tcav.tcav`.

    Parameters
    ----------
    model : FrozenGenerative
        Fitted, of classes, with the default learner.
    concept, random, examples : array or DataFrame (., p)
        Rows of the concept (of other patients than the examples), other rows, and rows of the class.
    target : label
        The class.
    sets : int, default 10
        Random sets.
    group : array (n,), optional
        Patients of the examples.
    seed : int, default 0

    Returns
    -------
    Concept

    Raises
    ------
    MedgraftError
        Too few rows; no such class; another model.

    Notes
    -----
    Cost O(rows p hidden), and 2 sets linear rules. Source: Kim et al. 2018, arXiv:1711.11279.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(120, 6))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> m = FrozenGenerative(latent=2, hidden=8, epochs=5)
    >>> m = m.fit(X, y, domain=["a"] * 60 + ["b"] * 60, target="b")
    >>> found = code_concept(m, X[:20], X[20:80], X[y == 1], target=1)
    >>> found.scores.shape
    (10,)
    """
    head = getattr(model, "learner_", None)
    if not isinstance(model, FrozenGenerative) or not isinstance(head, LogisticLearner):
        raise MedgraftError("Concepts on a code need a fitted frozen-generative model of classes.")
    places = [k for k, code in enumerate(head.classes_) if model.classes_[int(code)] == target]
    if not places:
        raise MedgraftError(f"The model's head knows no class '{target}'.")
    Z, others, at = (np.asarray(model._encode(rows)) for rows in (concept, random, examples))
    if sets < 3 or len(others) < FEWEST * sets or len(Z) < FEWEST or not len(at):
        raise MedgraftError(
            f"Concepts need {FEWEST} rows, an example, 3 random sets and {FEWEST} random rows for each."
        )
    who = np.arange(len(at)) if group is None else np.asarray(group)
    return tested(Z, others, _slopes(head, at, places[0]), who, sets, seed)


def _slopes(head: LogisticLearner, Z: Floats, place: int) -> Floats:
    """Return the gradient (n, d) of a class's log-probability in the code."""
    B = np.atleast_2d(head.coef_)
    B = np.vstack([np.zeros_like(B), B]) if len(B) == 1 else B
    return np.asarray(B[place] - head.predict_proba(Z) @ B)
