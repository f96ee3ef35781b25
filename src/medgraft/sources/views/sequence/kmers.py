"""Shares of words of k letters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.sources.kmers import kmer_names, kmers
from medgraft.sources.views.base import View, view


@view(
    "kmers",
    kind="sequence",
    refs=("Chen, Kurgan and Ruan 2007, doi:10.1186/1472-6807-7-25",),
)
@dataclass(frozen=True)
class Kmers(View):
    r"""Shares of the words of k letters in a sequence, with gaps or on both strands if asked.

    Use it as the first table for sequences of a small cohort, and for sequences of different length. Not
    where one long motif decides, or where it matters where a word stands: use a network of sequences.

    With :math:`c_w` the times that word w stands in the sequence, overlaps included (see
    `medgraft.sources.kmers.kmers`),

    .. math:: v_w = c_w / \sum_u c_u

    Parameters
    ----------
    k : int, default 3
        Letters of a word: 1 to 8 for nucleotides, 1 to 3 for proteins. There are ``4 ** k`` or ``20 ** k``.
    alphabet : str, default "nucleotide"
        Or ``"protein"``.
    gap : int, default 0
        Letters skipped between each two of a word; pairs of amino acids with gaps are the paper's.
    reverse_complement : bool, default False
        A word and its reverse complement are one: for DNA whose strand is not known.

    Raises
    ------
    MedgraftError
        A letter is none of the alphabet's, there are too many words, or there is no such alphabet.

    Notes
    -----
    Cost: O(k n + letters ** k) for n letters. A sequence without a whole word is a row of gaps (NaN).

    Examples
    --------
    >>> view = Kmers(k=2, reverse_complement=True)
    >>> dict(zip(view.names("ACGTT"), view("ACGTT").tolist(), strict=True))["AC"]
    0.5
    """

    k: int = 3
    alphabet: str = "nucleotide"
    gap: int = 0
    reverse_complement: bool = False

    def __post_init__(self) -> None:
        self.names("")

    def names(self, sample: str) -> list[str]:
        """Return the words, in the order of the alphabet."""
        return list(kmer_names(self.k, self.alphabet, self.gap, self.reverse_complement))

    def __call__(self, sample: str) -> NDArray[np.float32]:
        """Return the share of each word (p,)."""
        counts = kmers(sample, self.k, self.alphabet, self.gap, self.reverse_complement)
        return counts / (counts.sum() or np.float32(np.nan))
