"""Metrics of outlines: means of what was measured on each sample.

A prediction is here one number for each row: how well its mask agrees with the true one, averaged over the
classes of the foreground, as `medgraft.evidence.metrics.overlap` measures it.
"""

from __future__ import annotations

from medgraft.evidence.metrics.base import OUTLINES, Floats, Ints, metric, weighted_mean
from medgraft.evidence.metrics.regression import values


@metric(
    "dice",
    tasks=OUTLINES,
    better="higher",
    label="Dice",
    view=values,
    bounded=True,
    meaning=(
        "Dice coefficient: twice the overlap of the drawn and the true outline, divided by their "
        "sizes, averaged over what is outlined and then over samples; 1 is perfect, 0 is no overlap."
    ),
)
def dice(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean over samples of the Dice coefficient, averaged over the classes of the foreground.

    .. math:: \sum_i w_i p_i / \sum_i w_i, \quad p_i = \frac1K \sum_k \frac{2 |A_{ik} \cap B_{ik}|}
       {|A_{ik}| + |B_{ik}|}

    with A the true mask of a class and B the predicted one.
    """
    return weighted_mean(p, w)


@metric(
    "iou",
    tasks=OUTLINES,
    better="higher",
    label="IoU",
    view=values,
    bounded=True,
    meaning=(
        "Intersection over union: the overlap of the drawn and the true outline, divided by what the "
        "two cover together; 1 is perfect, 0 is no overlap."
    ),
)
def iou(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean over samples of the intersection over union, averaged over the classes of the foreground.

    .. math:: \sum_i w_i p_i / \sum_i w_i, \quad p_i = \frac1K \sum_k |A_{ik} \cap B_{ik}| /
       |A_{ik} \cup B_{ik}|
    """
    return weighted_mean(p, w)


@metric(
    "hd95",
    tasks=OUTLINES,
    better="lower",
    label="HD95",
    view=values,
    meaning=(
        "How far apart the borders of the drawn and the true outline are, leaving out the farthest 5 "
        "%: in millimetres for volumes, in pixels for images; 0 is perfect."
    ),
)
def hd95(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean over samples of the 95th percentile of the distance between the outlines, averaged over classes.

    .. math:: \sum_i w_i p_i / \sum_i w_i

    In millimetres for volumes, in pixels for images. Where a class is in one of the masks only, the distance
    is the diagonal of the sample: to leave it out would reward an arm for drawing nothing.
    """
    return weighted_mean(p, w)
