"""Deletion and insertion: whether the places that a map names carry what the model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.compare import Comparison, compare
from medgraft.evidence.metrics.base import REGRESSION, Floats, Metric, weighted_mean
from medgraft.methods.explain.cells import cells, emptied, over_channels
from medgraft.methods.explain.frame import Attribution
from medgraft.methods.explain.scores import Scores, evaluating, scores_of

if TYPE_CHECKING:
    import torch

STEPS = 14
AT_ONCE = 8


def _area(better: Any) -> Metric:
    return Metric(
        f"{better}_area",
        REGRESSION,
        better,
        "the area under the curve",
        lambda y, p, w, block: weighted_mean(p, w),
        lambda y, p, block: p[:, None],
    )


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How a model's chance of a class falls and rises as a map's places go and come.

    Attributes
    ----------
    shares : array (t,)
        Shares of the sample that are taken away, or put in.
    deleted, inserted : arrays (n, t)
        The chance (or value) of each sample, most important places first.
    random_deleted, random_inserted : arrays (n, t)
        The same in random order, the mean over draws.
    deletion, insertion : Comparison
        Area under the map's curve minus that of random order, over patients: "helps" where the map is
        better, which is lower for deletion and higher for insertion.
    """

    shares: Floats
    deleted: Floats
    inserted: Floats
    random_deleted: Floats
    random_inserted: Floats
    deletion: Comparison
    insertion: Comparison

    def to_dict(self) -> dict[str, Any]:
        """Return areas and comparisons, JSON-able."""
        return {
            "deletion_area": float(area(self.deleted).mean()),
            "random_deletion_area": float(area(self.random_deleted).mean()),
            "deletion_difference": self.deletion.to_dict(),
            "insertion_area": float(area(self.inserted).mean()),
            "random_insertion_area": float(area(self.random_inserted).mean()),
            "insertion_difference": self.insertion.to_dict(),
        }


def area(curves: Floats) -> Floats:
    """Area (n,) under curves (n, t) over shares from 0 to 1, by the trapezoid rule.

    Examples
    --------
    >>> area(np.array([[1.0, 0.5, 0.0]])).tolist()
    [0.5]
    """
    return np.asarray((curves[:, :-1] + curves[:, 1:]).mean(axis=1) / 2)


def deletion(
    model: Any,
    paths: Sequence[str],
    maps: Mapping[str, Sequence[Attribution]],
    *,
    group: ArrayLike | None = None,
    draws: int = 3,
    seed: int = 0,
) -> dict[str, Faithfulness]:
    r"""Take away what a map calls important, and see whether the model cares more than for random places.

    Use it beside every map that is shown. Not to compare models with each other: a model that is unsure
    from the start has little area to lose. What is taken away looks unlike any patient, which all such
    curves suffer from; random places suffer alike.

    The sample is cut into cells (14 a side of an image, 6 of a volume, 28 of each channel of a signal; of
    sequences each letter, of omics each feature). Cells are put in the order of the map's mean in them, ties
    at random, and in steps of a fourteenth replaced by the sample's blurred copy (letters by empty columns,
    features by 0: deletion), or put into it (insertion). With the chance p of the explained class after a
    share t,

    .. math:: A = \int_0^1 p(t)\, dt

    is small for deletion and large for insertion where the map is right. Random orders of the same cells
    are drawn `draws` times; areas are compared pairwise over samples by `medgraft.evidence.compare`.

    Parameters
    ----------
    model : estimator or Graft
        As in `grad_cam`.
    paths : list of str
        The samples (n).
    maps : dict of name to list of Attribution
        What `attribute` gave for them; all about the same class of a sample.
    group : (n,) array, optional
        Patients; default each sample its own.
    draws : int
        Random orders.
    seed : int
        Of random orders and of the bootstrap.

    Returns
    -------
    dict of name to Faithfulness

    Raises
    ------
    MedgraftError
        Maps and samples do not belong together.

    Notes
    -----
    Cost: 28 (maps + draws) forward passes a sample. Source: Petsiuk, Das and Saenko 2018, arXiv:1806.07421.

    Examples
    --------
    >>> deletion(object(), ["a.png"], {"grad-cam": []})
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: 'grad-cam' has 0 maps for 1 samples: give one a sample.
    """
    import torch

    from medgraft.sources.forward import pick_device

    for name, given in maps.items():
        if len(given) != len(paths):
            raise MedgraftError(
                f"'{name}' has {len(given)} maps for {len(paths)} samples: give one a sample."
            )
    scores = model if isinstance(model, Scores) else scores_of(model)
    rng = np.random.default_rng(seed)
    curves: dict[str, list[NDArray[Any]]] = {name: [] for name in maps}
    chance: list[NDArray[Any]] = []
    device = pick_device(scores.device)
    with evaluating(scores, device), torch.no_grad():
        for i, path in enumerate(paths):
            mine = {name: given[i] for name, given in maps.items()}
            code = _one_target(scores, path, mine)
            pixels = scores.preprocess.open(path)[None].float().to(device)
            blurred, cell = emptied(pixels, scores), cells(pixels, scores)
            for name, found in mine.items():
                order = _order(found.grid, cell, rng)
                curves[name].append(_curves(scores, pixels, blurred, cell, order, code))
            orders = [rng.permutation(int(cell.max()) + 1) for _ in range(draws)]
            random = [_curves(scores, pixels, blurred, cell, order, code) for order in orders]
            chance.append(np.mean(random, axis=0))
    return {name: _judged(np.array(each), np.array(chance), group, seed) for name, each in curves.items()}


def _judged(own: Floats, random: Floats, group: ArrayLike | None, seed: int) -> Faithfulness:
    """Compare areas of curves (n, 2, t)."""
    shares, zeros = np.linspace(0, 1, own.shape[2]), np.zeros(len(own))
    found = [
        compare(_area(better), zeros, area(own[:, k]), area(random[:, k]), group=group, seed=seed)
        for k, better in enumerate(("lower", "higher"))
    ]
    return Faithfulness(shares, own[:, 0], own[:, 1], random[:, 0], random[:, 1], *found)


def _one_target(scores: Scores, path: str, mine: Mapping[str, Attribution]) -> int:
    targets = {found.target for found in mine.values()}
    if len(targets) != 1:
        raise MedgraftError(f"The maps of '{path}' are about different classes: explain one class of each.")
    return scores.code(targets.pop()) if scores.names else 0


def _order(grid: NDArray[Any], cell: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the cells, those with the largest mean of the map first; ties lie at random."""
    count = np.bincount(cell.ravel())
    mean = np.bincount(cell.ravel(), weights=grid.astype(float).ravel()) / count
    return np.lexsort([rng.random(len(mean)), -mean])


def _curves(
    scores: Scores,
    pixels: torch.Tensor,
    blurred: torch.Tensor,
    cell: NDArray[np.intp],
    order: NDArray[np.intp],
    code: int,
) -> NDArray[np.float64]:
    """Return the chances (2, t) as cells are deleted, and as they are inserted, in an order."""
    import torch

    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    place = over_channels(torch.from_numpy(rank[cell]), scores).to(pixels.device)
    limits = np.rint(np.linspace(0, len(order), STEPS + 1)).astype(int)
    states = []
    for background, front in ((pixels, blurred), (blurred, pixels)):
        states += [torch.where(place < int(limit), front, background) for limit in limits]
    size = max(1, AT_ONCE // max(1, scores.slices))
    parts = [scores.chances(torch.cat(states[k : k + size]), code) for k in range(0, len(states), size)]
    return np.asarray(torch.cat(parts).double().numpy()).reshape(2, -1)
