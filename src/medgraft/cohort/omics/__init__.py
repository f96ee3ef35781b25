"""Wide matrices (genes, CpG sites, metabolites): read in pieces, kept on disk, reduced to what a model "
"takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medgraft.cohort.omics.attach import attach
from medgraft.cohort.omics.matrix import Omics

if TYPE_CHECKING:
    from medgraft.cohort.omics.reduce import OmicsReducer

__all__ = ["Omics", "OmicsReducer", "attach"]


def __getattr__(name: str) -> Any:
    if name == "OmicsReducer":  # scikit-learn takes seconds to import, and reading needs none of it
        from medgraft.cohort.omics.reduce import OmicsReducer

        return OmicsReducer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
