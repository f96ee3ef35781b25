"""Concepts: whether what people have a name for moves a network's score, more than chance would."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import ttest_ind

from medgraft.base import MedgraftError
from medgraft.methods.explain.activations import block_place, each_block
from medgraft.methods.explain.scores import Scores, evaluating, scores_of
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

FEWEST = 5  # images of a concept, and of each random set


@dataclass(frozen=True, eq=False)
class Concept:
    """What a concept does to the score of a class.

    Attributes
    ----------
    score : float
        Mean share of the patients whose score rises with the concept.
    scores : array (sets,)
        The share against each random set.
    random : array (sets,)
        The share of random "concepts", each a random set against the next one.
    p : float
        Of Welch's two-sided t-test that `scores` and `random` have one mean.
    """

    score: float
    scores: Floats
    random: Floats
    p: float


def tcav(
    model: Any,
    concept: Sequence[str],
    random: Sequence[str],
    examples: Sequence[str],
    *,
    target: Any,
    block: str | None = None,
    sets: int = 10,
    group: ArrayLike | None = None,
    seed: int = 0,
) -> Concept:
    r"""Test with concept activation vectors whether a named concept moves a network's score of a class.

    Use it to ask a network about something people have a word for: a ruler, a pigment network, air. Not
    with a handful of concept images, nor without the test: any direction in a wide layer moves the score
    somehow, and a random one often in most images.

    In the activations h of a block, v is the normal of a linear rule that tells concept images from a
    random set. With the score :math:`y^c` as a function of h,

    .. math:: \mathrm{TCAV} = \frac{|\{x : v \cdot \nabla_h y^c(h(x)) > 0\}|}{|\{x\}|}

    The random images are dealt into disjoint sets: the concept is told from each of them, and each of them
    from the next, which gives as many random concepts. The two groups of shares are compared by a t-test.
    Test several concepts at a level divided by their number.

    Parameters
    ----------
    model : estimator or Graft
        As in `grad_cam`.
    concept : list of str
        Images of the concept, of other patients than the examples.
    random : list of str
        Other images; at least five times `sets`.
    examples : list of str
        Images (n) of the class, on which the score is differentiated.
    target : label
        The class.
    block : str, optional
        Default the last but one.
    sets : int
        Random sets.
    group : array (n,), optional
        Patients of the examples: each counts once, by the mean over its images.
    seed : int
        Of the sets.

    Returns
    -------
    Concept

    Raises
    ------
    MedgraftError
        Too few images; no gradient; no such class or block.

    Notes
    -----
    Cost: a forward pass for each image, a gradient for each example, 2 sets linear rules. The random
    concepts share sets two by two, and the concept's scores share the concept's images, so that p is
    approximate, as in the source: Kim et al. 2018, arXiv:1711.11279.

    Examples
    --------
    >>> tcav(object(), [], [], [], target="ill")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: 10 random sets need 50 random images or more, and there are 0.
    """
    if sets < 3:
        raise MedgraftError(f"A test over random concepts needs 3 sets or more, not {sets}.")
    if len(random) < FEWEST * sets:
        raise MedgraftError(
            f"{sets} random sets need {FEWEST * sets} random images or more, and there are {len(random)}."
        )
    if len(concept) < FEWEST or not len(examples):
        raise MedgraftError(f"A concept needs {FEWEST} images or more, and an example: give more.")
    scores = scores_of(model)
    scores.smooth("TCAV")
    place, code = block_place(scores, block), scores.code(target)
    known, others = (_flat(each_block(scores, paths, place)) for paths in (concept, random))
    slopes = _slopes(scores, examples, place, code)
    who = np.arange(len(examples)) if group is None else np.asarray(group)
    if who.shape != (len(examples),):
        raise MedgraftError(f"'group' has shape {who.shape}, but there are {len(examples)} examples.")
    return tested(known, others, slopes, who, sets, seed)


def tested(known: Floats, others: Floats, slopes: Floats, who: Any, sets: int, seed: int) -> Concept:
    """Test a concept in activations and gradients that are at hand, as `tcav` does.

    Parameters
    ----------
    known, others : arrays (m, d), (r, d)
        Activations of the concept's samples, and of others.
    slopes : array (n, d)
        Gradient of the class's score at each example.
    who : array (n,)
        Patients of the examples.
    sets, seed : int
    """
    parts = np.array_split(np.random.default_rng(seed).permutation(len(others)), sets)
    own = np.array([_share(slopes, direction(known, others[part]), who) for part in parts])
    ring = [*parts[1:], parts[0]]
    chance = np.array(
        [_share(slopes, direction(others[a], others[b]), who) for a, b in zip(parts, ring, strict=True)]
    )
    return Concept(float(own.mean()), own, chance, _p(own, chance))


def direction(concept: Floats, others: Floats) -> Floats:
    """Return the unit normal (d,) of a linear rule, towards the concept."""
    X = np.concatenate([concept, others]).astype(np.float64)
    size = float(np.sqrt(((X - X.mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    y = np.arange(len(X)) < len(concept)
    coef = LogisticLearner(penalties=[1.0]).fit((X - X.mean(axis=0)) / size, y).coef_[0]
    return np.asarray(coef / max(float(np.linalg.norm(coef)), 1e-300))


def _flat(rows: list[torch.Tensor]) -> Floats:
    return np.stack([h.flatten().double().numpy() for h in rows])


def _slopes(scores: Scores, examples: Sequence[str], place: int, code: int) -> Floats:
    """Return the gradient (n, d) of the class's score in the block's activations."""
    import torch

    from medgraft.sources.forward import pick_device

    device, found = pick_device(scores.device), []
    for h in each_block(scores, examples, place):
        with evaluating(scores, device), torch.enable_grad():
            h = h.to(device).requires_grad_(True)
            out = scores.head(scores.trunk.suffix(h, place))[0, code]
            (slope,) = torch.autograd.grad(out, h)
        found.append(slope.cpu())
    return _flat(found)


def _share(slopes: Floats, v: Floats, who: Any) -> float:
    """Return the share of patients whose score rises along a direction."""
    rises = (slopes @ v > 0).astype(float)
    of = np.unique(np.asarray(who).astype(str), return_inverse=True)[1]
    return float((np.bincount(of, rises) / np.bincount(of)).mean())


def _p(own: Floats, chance: Floats) -> float:
    if np.ptp(own) == 0 and np.ptp(chance) == 0:  # no scatter, no t: equal or not
        return 1.0 if own[0] == chance[0] else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one side may have no scatter, as a sure concept has
        return float(ttest_ind(own, chance, equal_var=False).pvalue)
