"""Which network suits labelled images, from features it gave once: no training, arrays in, numbers out.

``scores`` is the registry; every score is higher where the network suits better.
"""

from __future__ import annotations

from medgraft.sources.rank.registry import Score, scores

__all__ = ["Score", "scores"]
