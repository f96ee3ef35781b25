"""Retrieval without labels of the target: what a network learnt on one kind of molecule ranks another's."""

from medgraft.methods.retrieval.embed import embed
from medgraft.methods.retrieval.measures import mean_reciprocal_rank, top_k, true_ranks
from medgraft.methods.retrieval.rank import rank

REGISTERS = False  # no arms of a trial: nothing is fitted

__all__ = ["embed", "mean_reciprocal_rank", "rank", "top_k", "true_ranks"]
