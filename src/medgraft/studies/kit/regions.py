"""Sequences that overlap, as one region: what must not be on both sides of a split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.audit.relatives import clusters


def regions(texts: Sequence[str], shared: int = 25) -> NDArray[np.intp]:
    """Number sequences so that those that share so many letters in a row have one number.

    Sharing is passed on: if a overlaps b, and b overlaps c, all three are of one region. Unknown letters (N)
    are shared with nothing.

    Parameters
    ----------
    texts : sequence (n,) of str
        Of any lengths; shorter ones than `shared` are regions of their own.
    shared : int

    Examples
    --------
    >>> regions(["AACCGG", "CCGGTT", "TTTTTT", "GGTTAA"], shared=4).tolist()
    [0, 0, 1, 0]
    """
    places: dict[str, int] = {}
    pairs = [
        (i, places.setdefault(word, len(places)))
        for i, text in enumerate(texts)
        for word in {text[k : k + shared] for k in range(len(text) - shared + 1)}
        if "N" not in word
    ]
    n = len(texts)
    linked = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    linked[:, 1] += n  # words stand behind the texts
    found = clusters(n + len(places), linked)[:n]
    return np.unique(found, return_inverse=True)[1].astype(np.intp)
