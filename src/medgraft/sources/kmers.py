"""Words of k letters, counted."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.sources.letters import check_letters, letters_of

MOST = 100_000  # different words


@cache
def kmer_names(k: int, alphabet: str, gap: int = 0, reverse_complement: bool = False) -> tuple[str, ...]:
    """Return the words that `kmers` counts, in its order; a dot stands for a skipped letter.

    Raises
    ------
    MedgraftError
        As `kmers`.

    Examples
    --------
    >>> kmer_names(1, "nucleotide"), kmer_names(2, "nucleotide", gap=1)[:2]
    (('A', 'C', 'G', 'T'), ('A.A', 'A.C'))
    """
    letters = letters_of(alphabet)
    longest = int(np.log(MOST) / np.log(len(letters)))
    if not 1 <= k <= longest or gap < 0:
        raise MedgraftError(
            f"Words of {k} letters with gaps of {gap} cannot be counted in the alphabet '{alphabet}': use 1 "
            f"to {longest} letters, and gaps of 0 or more."
        )
    words = ["".join(word) for word in product(letters, repeat=k)]
    if reverse_complement:
        words = [words[i] for i in np.unique(_strandless(k, alphabet))]
    return tuple(("." * gap).join(word) for word in words)


def kmers(
    text: str, k: int, alphabet: str, gap: int = 0, reverse_complement: bool = False
) -> NDArray[np.float32]:
    """Return how often each word of `k` letters stands in a sequence, overlaps included.

    Use it where composition decides, as a table of few columns for small cohorts. Not where a long motif
    does: from about six letters of DNA on, most words never occur.

    Parameters
    ----------
    text : str
        In either case; U is T.
    k : int
        Letters of a word, 1 to 8 for nucleotides, 1 to 3 for proteins.
    alphabet : str
        ``"nucleotide"`` or ``"protein"``.
    gap : int, default 0
        Letters skipped between each two of a word: pairs of amino acids one apart are ``k=2, gap=1``.
    reverse_complement : bool, default False
        Count a word and its reverse complement as one, under the name that comes first in the alphabet, for
        DNA whose strand is not known.

    Returns
    -------
    ndarray of float32, (p,)
        In the order of `kmer_names`. Words with a letter that stands for several, or for none, do not count.

    Raises
    ------
    MedgraftError
        A letter is unknown (the message has its place), there are more than 100,000 words, or the reverse
        complement of proteins is asked for.

    Notes
    -----
    Cost: O(k len(text) + letters ** k).

    Examples
    --------
    >>> kmers("ACGACNAC", 2, "nucleotide")[[1, 6, 8]]  # AC, CG, GA
    array([3., 1., 1.], dtype=float32)
    """
    names = kmer_names(k, alphabet, gap, reverse_complement)
    letters = letters_of(alphabet)
    place = {letter: i for i, letter in enumerate(letters)}
    word = check_letters(text, alphabet)
    if alphabet == "nucleotide":
        word = word.replace("U", "T")
    codes = np.array([place.get(letter, -1) for letter in word], dtype=np.int64)
    count = len(word) - (k - 1) * (gap + 1)
    if count < 1:
        return np.zeros(len(names), dtype=np.float32)
    spread = np.stack([codes[j * (gap + 1) :][:count] for j in range(k)])
    found = (len(letters) ** np.arange(k - 1, -1, -1)) @ spread[:, (spread >= 0).all(axis=0)]
    counts = np.bincount(found, minlength=len(letters) ** k)
    if reverse_complement:
        kept, of = np.unique(_strandless(k, alphabet), return_inverse=True)
        counts = np.bincount(of, weights=counts, minlength=len(kept))
    return counts.astype(np.float32)


@cache
def _strandless(k: int, alphabet: str) -> NDArray[np.int64]:
    """For each word, which of it and its reverse complement comes first."""
    if alphabet != "nucleotide":
        raise MedgraftError(f"The alphabet '{alphabet}' has no reverse complement: leave it out.")
    own = np.arange(4**k)
    other, rest = np.zeros_like(own), own.copy()
    for _ in range(k):  # from the last letter on; the complement of letter i of ACGT is 3 - i
        other, rest = 4 * other + 3 - rest % 4, rest // 4
    return np.minimum(own, other)
