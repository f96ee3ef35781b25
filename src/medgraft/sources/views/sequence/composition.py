"""What a sequence is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.sources.letters import check_letters, letters_of, one_hot
from medgraft.sources.views.base import View, view

# Kyte and Doolittle's table 2.
HYDROPATHY = {
    **{"A": 1.8, "R": -4.5, "N": -3.5, "D": -3.5, "C": 2.5, "Q": -3.5, "E": -3.5, "G": -0.4, "H": -3.2},
    **{"I": 4.5, "L": 3.8, "K": -3.9, "M": 1.9, "F": 2.8, "P": -1.6, "S": -0.8, "T": -0.7, "W": -0.9},
    **{"Y": -1.3, "V": 4.2},
}
# What is summed over the letters, each with a weight.
SUMS: dict[str, dict[str, dict[str, float]]] = {
    "nucleotide": {"GC": dict.fromkeys("GC", 1.0)},
    "protein": {
        "hydropathy": HYDROPATHY,
        "charge": dict.fromkeys("KR", 1.0) | dict.fromkeys("DE", -1.0),
        "aromatic": dict.fromkeys("FWY", 1.0),
    },
}


@view(
    "composition",
    kind="sequence",
    refs=("Kyte and Doolittle 1982, doi:10.1016/0022-2836(82)90515-0",),
)
@dataclass(frozen=True)
class Composition(View):
    r"""Shares of the letters of a sequence, what they weigh together, how mixed they are, and its length.

    Use it as the plainest table for sequences: a method that sees more has to beat it. Not alone where the
    order of letters matters; put ``kmers`` beside it.

    With :math:`f_l` the share of letter l among the known letters and :math:`w_l` its weight, the columns are
    f, :math:`\sum_l f_l w_l` for each set of weights, the entropy :math:`-\sum_l f_l \log_2 f_l` in bits, the
    share of unknown letters, and the decimal logarithm of the length. Weights are: GC content of DNA and RNA;
    of proteins Kyte and Doolittle's hydropathy, net charge (K, R +1; D, E -1) and aromatic letters (F, W, Y).

    Parameters
    ----------
    alphabet : str, default "nucleotide"
        Or ``"protein"``. Letters that stand for several are shared (see `medgraft.sources.letters`).

    Raises
    ------
    MedgraftError
        A letter is none of the alphabet's, or there is no such alphabet.

    Notes
    -----
    Cost: O(letters n) for n letters. What an empty sequence, or one of unknown letters, has not is a gap
    (NaN).

    Examples
    --------
    >>> view = Composition()
    >>> view.names("")
    ['A', 'C', 'G', 'T', 'GC', 'entropy', 'unknown', 'log10 length']
    >>> view("GGCUNNNN").tolist()[:-1]
    [0.0, 0.25, 0.5, 0.25, 0.75, 1.5, 0.5]
    """

    alphabet: str = "nucleotide"

    def __post_init__(self) -> None:
        letters_of(self.alphabet)

    def names(self, sample: str) -> list[str]:
        """Return the letters, and what is said of them together."""
        return [*letters_of(self.alphabet), *SUMS[self.alphabet], "entropy", "unknown", "log10 length"]

    def __call__(self, sample: str) -> NDArray[np.float32]:
        """Return the numbers (p,)."""
        n = len(check_letters(sample, self.alphabet))
        if not n:
            return np.full(len(self.names(sample)), np.nan, dtype=np.float32)
        letters = letters_of(self.alphabet)
        counts = one_hot(sample, n, self.alphabet, where="left").sum(axis=1, dtype=np.float64)
        f = counts / (counts.sum() or np.nan)
        weights = [[sums.get(letter, 0.0) for letter in letters] for sums in SUMS[self.alphabet].values()]
        entropy = -(f * np.log2(np.where(f == 0, 1.0, f))).sum()
        unknown = 1 - counts.sum() / n
        return np.array([*f, *np.array(weights) @ f, entropy, unknown, np.log10(n)], dtype=np.float32)
