"""Sequences as vectors: by a network or by a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.sources.views.base import View, read_view

if TYPE_CHECKING:
    from medgraft.methods.finetune.trained import NetworkEstimator
    from medgraft.sources.backbone import Backbone


def embed(by: NetworkEstimator | Backbone | View | str, sequences: Sequence[str]) -> NDArray[np.float32]:
    """Turn sequences into vectors whose cosines can be compared.

    Use it with a network trained on one kind of sequence to compare another kind with it, as windows of RNA
    and microRNAs. Not without a plain view, ``"kmers"``, beside it: what similarity of words already finds
    is no gain of the network.

    Parameters
    ----------
    by : NetworkEstimator, Backbone, View or str
        A fitted `scratch`, `finetune` or `pretrain-finetune`, whose features before the head are taken; a
        loaded network; or a view of sequences, or its name with settings.
    sequences : sequence of str
        n sequences. A network brings them to its length with empty columns: ``bilstm_attention`` passes these
        over, ``sequence_cnn`` sees them.

    Returns
    -------
    ndarray of float32, (n, d)

    Raises
    ------
    MedgraftError
        There is no sequence, the network reads other samples, or a sequence gives no numbers (it is shorter
        than a word of the view).

    Notes
    -----
    Cost: one pass of the network, on the CPU, or one look of the view, for each sequence. Nothing is kept.

    Examples
    --------
    >>> embed("kmers:k=1", ["ACCA", "uuuu"]).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    texts = [str(text) for text in sequences]
    if not texts:
        raise MedgraftError("There is no sequence to embed.")
    found = _seen(by, texts) if isinstance(by, View | str) else _passed(by, texts)
    empty = ~np.isfinite(found).all(axis=1)
    if empty.any():
        at = int(np.flatnonzero(empty)[0])
        raise MedgraftError(
            f"Sequence {at + 1} ('{texts[at][:20]}') has no embedding, as it is too short or its letters are "
            "unknown: leave it out."
        )
    return found


def _seen(by: View | str, texts: list[str]) -> NDArray[np.float32]:
    view: Any = read_view(by, "sequence") if isinstance(by, str) else by
    if view.kind != "sequence":
        raise MedgraftError(f"The view '{view.name}' is of a {view.kind}: give one of sequences.")
    rows = view.many(texts) if hasattr(view, "many") else [view(text) for text in texts]
    return np.asarray(rows, dtype=np.float32)


def _passed(by: Any, texts: list[str]) -> NDArray[np.float32]:
    from medgraft.sources.forward import features_of

    backbone = getattr(by, "backbone_", by)
    if getattr(backbone, "kind", None) != "sequence":
        raise MedgraftError(
            "Sequences are embedded by a network that reads sequences, fitted or loaded, or by a view."
        )
    return features_of(texts, backbone.preprocess, backbone.module.eval())
