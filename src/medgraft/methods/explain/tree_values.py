"""Shapley values of trees, exactly, by shap's tree explainer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.columns import TreeRule
from medgraft.methods.explain.extra import needed
from medgraft.methods.splits import Floats


def by_trees(rule: TreeRule, ZX: Floats, ZB: Floats, outputs: int) -> tuple[Floats, Floats, Floats]:
    """Return values (n, q, K) of encoded columns, the background's mean (K,) and scores (n, K).

    Parameters
    ----------
    rule : TreeRule
    ZX, ZB : arrays (n, q), (B, q)
        Encoded rows, and those of the background.
    outputs : int
        K.
    """
    shap = needed("shap")
    X, B = (np.asarray(rule.standard(Z), np.float32).astype(float) for Z in (ZX, ZB))
    explainer = shap.TreeExplainer({"trees": _plain(rule)}, B, feature_perturbation="interventional")
    each = np.asarray(explainer.shap_values(X, check_additivity=False))
    each = each[:, :, None] if each.ndim == 2 else each
    own = np.zeros((*each.shape[:2], outputs))
    base, score = np.zeros(outputs), np.zeros((len(X), outputs))
    own[:, :, rule.at] = each
    sums = [rule.trees.predict_values(Z) * (rule.scale * len(rule.trees.roots)) + rule.shift for Z in (B, X)]
    base[rule.at], score[:, rule.at] = sums[0].mean(axis=0), sums[1]
    return own, base, score


def _plain(rule: TreeRule) -> list[dict[str, NDArray[Any]]]:
    """Return trees as shap reads them: each with nodes of its own, numbered from 0."""
    t = rule.trees
    ends = np.append(t.roots[1:], len(t.left))
    out = []
    for start, end in zip(t.roots, ends, strict=True):
        nodes = slice(int(start), int(end))
        left, right = (np.where(side[nodes] < 0, -1, side[nodes] - start) for side in (t.left, t.right))
        out.append(
            {
                "children_left": left,
                "children_right": right,
                "children_default": right,
                "features": np.where(left < 0, -2, t.feature[nodes]),
                "thresholds": t.threshold[nodes].astype(float),
                "values": t.value[nodes] * rule.scale,
                "node_sample_weight": np.ones(end - start),
            }
        )
    return out
