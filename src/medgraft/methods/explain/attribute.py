"""One verb for all maps: which places of a sample said what, by a method's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.explain.frame import Attribution, attributions
from medgraft.methods.explain.registry import explanations, map_names
from medgraft.methods.explain.scores import Scores, scores_of


def attribute(
    model: Any, paths: Sequence[str] | str, *, method: str = "auto", target: Any = None
) -> list[Attribution]:
    """Explain samples of a network by a map each, with what the method says of itself.

    Use it where the method is a setting; `grad_cam` and its like give the maps alone. Not for tables, nor for
    views of signals, sequences or omics: `medgraft.methods.explain.shap_values`.

    It solves no problem of its own: see the functions of the methods.

    Parameters
    ----------
    model : estimator or Graft
        As in `grad_cam`.
    paths : list of str
        References, as in the column ``image``, ``volume``, ``signal`` or ``omics``; sequences themselves.
    method : str
        One of `map_names`: ``"grad-cam"``, ``"grad-cam++"``, ``"integrated-gradients"``, ``"occlusion"``,
        ``"rollout"``; or ``"auto"``: grad-cam, for signals and sequences and where the learner has no
        gradient occlusion, for omics integrated-gradients.
    target : label, optional
        The class; default, for each sample, the one that is predicted.

    Returns
    -------
    list of Attribution
        Maps on the sample's own grid and on the network's, the class and its score. Of signals a map is
        (channels, samples), as they were brought to shape, of sequences (letters,), of omics (features,).

    Raises
    ------
    MedgraftError
        There is no such method or class, or the model has no maps.

    Notes
    -----
    Cost: see the methods; grad-cam is the cheapest by far, rollout the next.

    Examples
    --------
    >>> attribute(object(), [], method="gradcam")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: There is no map called 'gradcam'. Did you mean 'grad-cam'?
    """
    if method != "auto" and method not in map_names():
        hint = did_you_mean(method, map_names()) or f" There are {', '.join(map_names())}."
        raise MedgraftError(f"There is no map called '{method}'.{hint}")
    scores = model if isinstance(model, Scores) else scores_of(model)
    if method == "auto":
        method = scores.usual
    return attributions(scores, paths, explanations[method].run, target)
