"""Embeddings of the clinical codes in patients' records, which travel between hospitals; no patient does."""

from medgraft.methods.records.baselines import averaged_embedding, pooled_embedding
from medgraft.methods.records.cooccurrence import cooccurrence, pmi, sppmi
from medgraft.methods.records.embedding import align_hospitals, procrustes, svd_embedding
from medgraft.methods.records.mugs import MUGS
from medgraft.methods.records.pairs import pair_auc

REGISTERS = False  # no arms of a trial

__all__ = [
    "MUGS",
    "align_hospitals",
    "averaged_embedding",
    "cooccurrence",
    "pair_auc",
    "pmi",
    "pooled_embedding",
    "procrustes",
    "sppmi",
    "svd_embedding",
]
