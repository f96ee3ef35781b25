"""Fit a graft's probabilities, sets and threshold to the place where it will be used."""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.labels import names, sort_names
from medgraft.evidence.aggregate import aggregate_labels
from medgraft.evidence.calibration import Platt, Recalibrator, Temperature
from medgraft.evidence.calibration.scaling import HOTTEST
from medgraft.evidence.decision import OperatingPoint, choose_threshold
from medgraft.evidence.decision.operating_point import Rule
from medgraft.graft.cross_fit import cross_fitted
from medgraft.graft.recipe import Recipe, checked, settled
from medgraft.graft.use import Use

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.graft.graft import Graft


def calibrate(
    graft: Graft,
    data: Cohort,
    *,
    method: str = "auto",
    level: float | None = 0.9,
    by_class: bool | None = None,
    rule: Rule | None = None,
    value: float = 0.0,
    prevalence: float | None = None,
) -> Use:
    r"""Learn from labelled patients of a place how a graft's predictions are to be read there.

    Use it before a graft goes into use anywhere, on patients of that very place whom it has never seen. Not
    on the patients of its training, nor on those who are to judge it afterwards: the evidence that comes with
    it is cross-fitted and needs no others. It cannot mend a model that does not tell patients apart.

    Three things, each of them optional: a recalibrator of the probabilities p; a conformal threshold, so that
    sets of classes (or intervals) hold the truth with probability `level`; and for two classes a threshold t
    on the recalibrated probability of the event,

    .. math:: \text{told} = g(p), \qquad \text{set} = \{k : 1 - g(p)_k \le q\}, \qquad
              \text{flagged} = [g(p)_1 \ge t]

    g is `Temperature`, `VectorScaling`, `Platt`, or the correction of the intercept alone (`PriorShift`),
    :math:`g(p)_k \propto p_k r_k`: r brings the probabilities to the share of events among these patients, by
    maximum likelihood. With `prevalence` :math:`\pi` it is the last, and r brings them from there to
    :math:`\pi`, as is right where these patients were sampled by their label.

    The scores that set q are out of fold, each patient's by a g that the others taught: with scores of the g
    that they taught themselves too few sets would hold the truth. Without g the promise is exact; with it
    nearly, and a little more than kept where patients are few. For the recalibrator and the sets patients
    count once, however many rows they have; thresholds, log loss and calibration error count rows, so that
    with several rows a patient a graft that joins them is the better one.

    Parameters
    ----------
    graft : Graft
        Not calibrated yet.
    data : Cohort
        Labelled patients; classes by their names. Of a graft that joins the rows of a patient, with `group`.
    method : {"auto", "intercept", "temperature", "vector", "platt", "none"}
        "auto": see `medgraft.graft.recipe.settled`.
    level : float or None
        None for no sets.
    by_class : bool, optional
        Promise coverage for each class. Default where each has patients enough for that, and always so with
        `prevalence`; else for all patients together, and then a rarer class is held less often.
    rule : {"sensitivity", "specificity", "cost"}, optional
        How the threshold is chosen, as in `choose_threshold`.
    value : float
        The rule's number. A cost counts at the stated prevalence, if there is one.
    prevalence : float, optional
        Share of patients with the event in the place, where it is known and not that of `data`.

    Returns
    -------
    Use
        With its evidence; `medgraft.graft.use.write` puts it into a copy of the graft.

    Raises
    ------
    MedgraftError
        The graft is calibrated already, outlines, or has several labels; the patients are too few or of one
        class; the model ranks them the wrong way round.

    Warns
    -----
    UserWarning
        The rows are the very ones that the trial tested.

    Notes
    -----
    Cost of one prediction of the data, and O(2000 n) for the intervals. The order of the rows plays no part.
    Guo et al. 2017, arXiv:1706.04599; Platt 1999; Sadinle, Lei and Wasserman 2019,
    doi:10.1080/01621459.2017.1395341; Steyerberg et al. 2004, doi:10.1002/sim.1844.

    Examples
    --------
    >>> import tempfile
    >>> import medgraft as mg
    >>> from medgraft.graft import load, save
    >>> def patients(n, seed):
    ...     rng = np.random.default_rng(seed)
    ...     x = rng.normal(size=n)
    ...     ill = np.where(x + rng.logistic(size=n) > 0, "yes", "no")
    ...     return mg.read(pd.DataFrame({"x": x, "ill": ill}), label="ill")
    >>> here = patients(100, 0)
    >>> folder = tempfile.mkdtemp()
    >>> save(folder, mg.methods["target-only"]().fit(here.X, here.y), here, {})
    >>> use = calibrate(load(folder), patients(200, 1), rule="sensitivity", value=0.9)
    >>> use.recalibrator.kind, use.evidence["patients"], use.point.rule
    ('platt', 200, 'sensitivity')
    """
    classes = graft.classes
    check_offered(graft)
    recipe = checked(Recipe(method, level, by_class, rule, value), classes, prevalence)
    y = _truth(graft, data)
    if _tested(graft, data, y):
        warnings.warn(
            "These are the very rows that the trial tested: unless the graft was kept from learning from "
            "them, all that is said here is too good.",
            stacklevel=2,
        )
    order, unit = _in_order(data)
    data, y, unit = data.select(order), y[order], unit[order]
    p = graft.unit_predictions(data)[1]
    joined = graft.aggregates(data)
    if joined:
        y = aggregate_labels(y, data.groups, graft.manifest["aggregate"]["how"])[0]
        unit = np.arange(len(y))
    recipe = settled(recipe, y, unit, classes)
    if recipe.rule == "cost" and prevalence is not None:
        share = float(y.mean())
        odds = prevalence / share / ((1 - prevalence) / (1 - share))
        recipe = replace(recipe, value=value * odds)
    curve = recipe.recalibrator(p, y, unit)
    _check_fitted(curve)
    evidence = cross_fitted(recipe, p, y, unit, classes)
    if prevalence is not None:
        evidence["prevalence"] = prevalence
    told = p if curve is None else curve.transform(p)
    point = None if rule is None else _point(recipe, y, told, unit, value)
    return Use(curve, recipe.conformal(p, y, unit), point, joined, evidence)


def check_offered(graft: Graft) -> None:
    """Refuse a graft that cannot be calibrated, or is already.

    Raises
    ------
    MedgraftError
    """
    if graft.use is not None:
        raise MedgraftError("This graft is calibrated already: start from the one that it was made of.")
    if graft.manifest["task"] in ("segmentation", "multilabel"):
        what = "outlines" if graft.outlines else "predicts several labels"
        raise MedgraftError(f"This graft {what}, for which no calibration is offered.")


def _truth(graft: Graft, data: Cohort) -> NDArray[Any]:
    """Return codes into the graft's classes, or values."""
    if graft.manifest.get("aggregate") and data.group is None:
        raise MedgraftError(
            "This graft was tested on patients, whose samples were joined: say with --group which column "
            "names the patients."
        )
    own, classes = data.y, graft.classes  # refuses what is not labelled
    if classes is None:
        if data.classes is not None:
            raise MedgraftError(f"This graft predicts a number, but the label '{data.label}' has classes.")
        return own
    given = names(data.table[str(data.label)])
    codes = pd.Index(classes).get_indexer(pd.Index(given))
    if (codes < 0).any():
        new = sort_names(set(given[codes < 0]))
        more = f" and {len(new) - 5} more" if len(new) > 5 else ""
        raise MedgraftError(
            f"The label '{data.label}' has values that are no classes of the graft: {', '.join(new[:5])}"
            f"{more}; it knows {', '.join(classes)}."
        )
    return codes.astype(np.int64)


def _in_order(data: Cohort) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return an order of the rows that is theirs and not the file's, and each row's patient.

    Without a column of patients, copies of a row are one.
    """
    rows = pd.util.hash_pandas_object(data.table, index=False).to_numpy()
    if data.group is None:
        unit = np.unique(data.content(), return_inverse=True)[1]
    else:
        unit = data.groups.copy()
        unknown = data.table[data.group].isna().to_numpy()
        unit[unknown] = unit.max() + 1 + np.argsort(np.argsort(rows[unknown], kind="stable"))
    return np.lexsort((rows, unit)), np.unique(unit, return_inverse=True)[1]


def _tested(graft: Graft, data: Cohort, y: NDArray[Any]) -> bool:
    """Whether these are, in order, the rows whose checksum the trial recorded as tested."""
    known = ((graft.evidence or {}).get("cohort") or {}).get("tested")
    if known is None:
        return False
    content = data.content()
    if data.kind == "table":
        wanted = [c["name"] for c in graft.manifest["schema"]["columns"]]
        if not set(wanted) <= set(data.table.columns):
            return False
        content = pd.util.hash_pandas_object(data.table[wanted], index=False).to_numpy().astype(str)
    h = hashlib.sha256("\0".join(content.tolist()).encode())
    h.update(y.astype(str).tobytes())
    return h.hexdigest() == known


def _check_fitted(curve: Recalibrator | None) -> None:
    """Refuse a curve that turns predictions round, or that nothing is left of."""
    if isinstance(curve, Platt) and curve.slope_ <= 0:
        raise MedgraftError(
            "The graft ranks these patients the wrong way round: the likelier it calls the event, the rarer "
            "it is. No recalibration makes it fit for this place."
        )
    if isinstance(curve, Temperature) and curve.temperature_ >= HOTTEST:
        raise MedgraftError(
            "No temperature helps: the graft's favourite class is the true one no more often than by chance. "
            "Where classes are more or less frequent than in its training, another --method may help."
        )


def _point(
    recipe: Recipe, y: NDArray[Any], told: NDArray[Any], unit: NDArray[Any], value: float
) -> OperatingPoint:
    """Choose the threshold, and name it by the number that was asked for."""
    rule: Any = recipe.rule
    found = choose_threshold(y, told, rule, recipe.value, group=unit)
    if not math.isfinite(found.threshold):
        raise MedgraftError(f"By a {rule} of {value:g} it is best to flag nobody: choose another rule.")
    return OperatingPoint(found.threshold, rule, value)
