"""How knowledge moves: one file a method, found by name through one registry.

Light names (`method`, `Method`, `entries`) are here at once; the estimators are imported when first asked
for, because they bring scikit-learn along.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from medgraft.base.lookup import lookup
from medgraft.methods.registry import Method, entries, method

if TYPE_CHECKING:
    from medgraft.methods.base import TransferEstimator
    from medgraft.methods.guarded import Guarded
    from medgraft.methods.pipeline import Pipeline
    from medgraft.methods.suit import rank_sources

__all__ = ["Guarded", "Method", "Pipeline", "TransferEstimator", "entries", "method", "rank_sources"]

_LAZY = {
    "Guarded": "medgraft.methods.guarded",
    "Pipeline": "medgraft.methods.pipeline",
    "TransferEstimator": "medgraft.methods.base",
    "rank_sources": "medgraft.methods.suit",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'medgraft.methods' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


lookup(__name__, entries, lambda entry: entry.cls)
