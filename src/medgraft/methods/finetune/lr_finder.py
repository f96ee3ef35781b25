"""The learning-rate range test: how fast can this network learn from these images?"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medgraft.methods.finetune.penalties import Penalty

if TYPE_CHECKING:
    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.loop import Recipe
    from medgraft.sources.network import Network

LOW, HIGH, STEPS = 1e-2, 1e2, 40  # factors of the peak rates, and steps from one to the other
SMOOTH = 0.9
BLOWN = 4.0  # times the least loss: it has diverged


def find_factor(network: Network, recipe: Recipe, fit: Batches, seed: int) -> float:
    """Return the factor of the recipe's learning rates at which the loss falls fastest.

    A copy of the network takes up to 40 steps while all rates grow from a hundredth to a hundred times
    those of the recipe; the factor of the steepest fall of the smoothed loss is taken (Smith 2017,
    doi:10.1109/WACV.2017.58). 1 where the loss never falls.

    Parameters
    ----------
    network : Network
        Is left as it was.
    recipe : Recipe
    fit : Batches
        Training rows only.
    seed : int
    """
    from medgraft.methods.finetune.optimisers import make_optimiser
    from medgraft.methods.finetune.step import Step

    recipe = replace(recipe, penalty=Penalty(0.0))
    trial = copy.deepcopy(network)
    trial.release([g.block for g in recipe.policy.groups])
    trial.train()
    optimiser = make_optimiser(recipe.optimizer, recipe.groups(trial), recipe.weight_decay)
    step = Step(trial, recipe, fit.inputs.first)
    factors = np.geomspace(LOW, HIGH, STEPS)
    losses: list[float] = []
    average = 0.0
    for number, batch in enumerate(fit.endless(STEPS, seed)):
        optimiser.zero_grad()
        loss = step.gradient(batch, np.random.default_rng([seed, number]))
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factors[number]
        optimiser.step()
        average = SMOOTH * average + (1.0 - SMOOTH) * loss
        losses.append(average / (1.0 - SMOOTH ** (number + 1)))
        if not math.isfinite(loss) or losses[-1] > BLOWN * min(losses):
            break
    return steepest(factors, losses)


def steepest(factors: np.ndarray, losses: list[float]) -> float:
    """Return the factor at which the loss falls fastest per step; 1 where it never falls.

    Examples
    --------
    >>> steepest(np.array([0.1, 1.0, 10.0, 100.0]), [3.0, 2.9, 1.0, 2.0])
    1.0
    """
    known = [loss for loss in losses if math.isfinite(loss)]
    if len(known) < 2:
        return 1.0
    slope = np.diff(known)
    at = int(slope.argmin())
    return float(factors[at]) if slope[at] < 0 else 1.0
