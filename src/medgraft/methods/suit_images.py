"""Which pretrained network suits labelled images: scores of frozen features, without training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import t as student

from medgraft.base import MedgraftError
from medgraft.methods.finetune.features import BackboneFeatures, loaded
from medgraft.methods.finetune.head import one_thread
from medgraft.methods.finetune.images import Progress, copies, image_paths, kind_of
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.rank import Score, scores
from medgraft.sources.rank.checks import as_codes, as_values

BLOCKS = 20  # of patients; leaving out one after the other shows how far a score depends on who is there
MOST_WORK = 1e9  # n d min(n, d) up to which a score is cheap enough (about a second) for so many repeats


@dataclass(frozen=True)
class NetworkSuitability:
    """How one pretrained network stands to labelled images.

    Attributes
    ----------
    name : str
        The source, without the folder of its file.
    images, features : int
        Rows that were scored, and numbers that the network makes of each.
    values : dict
        Score by name; None where it is not known. Higher is better.
    unknown : dict
        Why, for those that are not known, in a sentence.
    low, high : float or None
        95 % interval over patients of the score that ranks; None where it is not known or too dear.
    cpu_seconds : float
        For features (about none if they were kept) and scores.
    """

    name: str
    images: int
    features: int
    values: dict[str, float | None]
    unknown: dict[str, str]
    low: float | None
    high: float | None
    cpu_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return asdict(self)


def rank_networks(
    X: Any,
    y: Any,
    sources: Sequence[Pretrained | str],
    *,
    score: str = "logme",
    task: str = "classification",
    labelled: Any = None,
    groups: Any = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> list[NetworkSuitability]:
    r"""Rank pretrained networks by how well their frozen features explain the labels.

    Use it to choose among networks before a trial: one forward pass each, and no training. Not as proof that
    transfer helps: the ranking has seen the labels, and only a trial holds patients back.

    Parameters
    ----------
    X : DataFrame (n, ...)
        Its column ``image`` or ``volume`` holds paths.
    y : array (n,)
        Labels of any type, or values; ignored where `labelled` is false.
    sources : sequence of Pretrained or str
        The networks.
    score : str, default "logme"
        Name of the score that ranks (see `medgraft.sources.rank.scores`); all are computed.
    task : str, default "classification"
        ``"classification"`` or ``"regression"`` (only LogME).
    labelled : array (n,) of bool, optional
        Rows whose label may be used; default all.
    groups : array (n,), optional
        Patient of each row; without it, copies of a file count as one patient.
    device : str, default "auto"
        Where the networks run.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    list of NetworkSuitability
        Best first; networks whose score is not known come last.

    Raises
    ------
    MedgraftError
        No network, an unknown score or one that does not fit the task, fewer than two classes, a missing
        label, or weights that cannot be had.

    Notes
    -----
    Intervals: patients are dealt into 20 blocks, classes evenly, and the score is taken without each block,
    :math:`\theta_{(g)}`; :math:`\theta \pm t_{0.975, G-1} \sqrt{\frac{G-1}{G} \sum_g (\theta_{(g)} -
    \bar\theta)^2}` is the interval (the grouped jackknife; Kott 2001, Journal of Official Statistics 17).
    A bootstrap would repeat images, and with more features than images a model of the features explains a
    repeated image for nothing, so that its draws lie above the score itself.
    Intervals of two networks share the patients: two that overlap may still differ.
    LEEP needs the classifier that the network was trained with; it is read from a safetensors file if it is
    one linear layer on the features.
    Cost: one forward pass over each image and network, once ever; then O(n d min(n, d)) for each score.
    """
    known = scores[score]
    if task not in known.tasks:
        raise InputError(f"{known.label} is not for {task}: use --score logme.")
    if not sources:
        raise InputError("There is no network to rank: give at least one, as in timm:NAME.")
    paths = image_paths(X)
    use = np.ones(len(paths), dtype=bool) if labelled is None else np.asarray(labelled, dtype=bool)
    given = np.asarray(y)
    if use.shape != (len(paths),) or given.shape != (len(paths),):
        raise InputError(f"There are {len(paths)} images: give one label for each.")
    rows = np.flatnonzero(use)
    given, kept = given[rows], [paths[i] for i in rows]
    classifies = task == "classification"
    target = as_codes(given) if classifies else as_values(given)
    units = copies(kept) if groups is None else np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
    blocks = deal_blocks(np.asarray(units, dtype=np.intp), target)
    frame = pd.DataFrame({kind_of(X): kept})
    named = [Pretrained.of(source).reading(kind_of(X)) for source in sources]
    names = [Path(source.spec).name for source in named if source.facts]  # a wrong name is said at once
    made = []
    for source, name in zip(named, names, strict=True):
        label = name if names.count(name) == 1 else source.spec
        made.append(_judge(source, label, frame, target, blocks, known, task, device, progress))
    return sorted(made, key=lambda m: (m.values[score] is None, -(m.values[score] or 0.0), m.name))


def _judge(
    source: Pretrained,
    name: str,
    X: pd.DataFrame,
    y: Any,
    blocks: Ints,
    chosen: Score,
    task: str,
    device: str,
    progress: Progress | None,
) -> NetworkSuitability:
    start = time.process_time()
    featuriser = BackboneFeatures(source, device=device)
    if progress is not None:
        featuriser.progress = lambda what, done, total: progress(f"{what} of {name}", done, total)
    F = featuriser.transform(X).astype(np.float64)
    values: dict[str, float | None] = {}
    unknown: dict[str, str] = {}
    low = high = None
    with one_thread():
        for key, score in scores.items():
            try:
                if task not in score.tasks:
                    raise MedgraftError(f"{score.label} is not for {task}.")
                given = F if score.needs == "features" else own_probabilities(source, F)
                values[key] = score(given, y, task)
            except MedgraftError as error:
                values[key], unknown[key] = None, str(error)
                continue
            if score is chosen:
                low, high = block_interval(score, given, y, blocks, task)
    seconds = time.process_time() - start
    return NetworkSuitability(name, len(F), F.shape[1], values, unknown, low, high, seconds)


def own_probabilities(source: Pretrained, F: Floats) -> Floats:
    """Return the probabilities (n, Z) of the classes that a network was trained on, from its features.

    Raises
    ------
    MedgraftError
        The weights come without a classifier, or it is more than one linear layer on the features.
    """
    path = source.facts.path
    if path is None or not path.endswith(".safetensors"):
        raise MedgraftError("The classifier is read from a .safetensors file only.")
    from safetensors import safe_open

    skipped = loaded(source).report.skipped
    with safe_open(Path(path).expanduser(), framework="pt") as file:
        names = list(file.keys())
        shared = {n.partition(".")[0] for n in names}
        wrapper = f"{shared.pop()}." if len(shared) == 1 else ""  # loading took it off
        head = [file.get_tensor(n).float().numpy() for n in names if n.removeprefix(wrapper) in skipped]
    if not head:
        raise MedgraftError("The file holds no classifier.")
    matrices, offsets = [a for a in head if a.ndim > 1], [a for a in head if a.ndim == 1]
    if len(matrices) != 1 or len(offsets) > 1 or matrices[0].shape[1:] != F.shape[1:]:
        raise MedgraftError("The classifier in the file is not one linear layer on the features.")
    out: Floats = softmax(F @ matrices[0].T + (offsets[0] if offsets else 0.0), axis=1)
    return out


def deal_blocks(units: Ints, y: Any) -> Ints:
    """Return the block (n,) of each row: patients whole, dealt in turn in the order of their labels.

    Examples
    --------
    >>> deal_blocks(np.array([0, 0, 1, 2]), np.array([1, 1, 0, 1])).tolist()
    [1, 1, 0, 2]
    """
    count = np.bincount(units)
    level = np.bincount(units, weights=y) / count
    place = np.empty(len(count), dtype=np.intp)
    place[np.lexsort([np.arange(len(count)), level])] = np.arange(len(count)) % BLOCKS
    return np.asarray(place[units])


def block_interval(
    score: Score, given: Floats, y: Any, blocks: Ints, task: str
) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the grouped jackknife; None where it is too dear or a class would go."""
    n, d = given.shape
    drawn = np.unique(blocks)
    classes = len(np.unique(y))
    parts = [np.flatnonzero(blocks != b) for b in drawn]
    lost = task == "classification" and any(len(np.unique(y[part])) < classes for part in parts)
    if n * d * min(n, d) > MOST_WORK or len(drawn) < 3 or lost:
        return None, None
    try:
        draws = np.array([score(given[part], y[part], task) for part in parts])
    except MedgraftError:  # one image of a class is left, which some scores refuse
        return None, None
    value = score(given, y, task)
    error = np.sqrt((len(drawn) - 1) / len(drawn) * ((draws - draws.mean()) ** 2).sum())
    reach = float(student.ppf(0.975, len(drawn) - 1) * error)
    return value - reach, value + reach
