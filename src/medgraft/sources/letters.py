"""Letters of DNA, RNA and proteins as numbers: one vocabulary for all networks and views of sequences."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

# The letters that have a column each, and the others: which of the former they may stand for.
ALPHABETS = {"nucleotide": "ACGT", "protein": "ACDEFGHIKLMNPQRSTVWY"}
_OTHERS = {
    "nucleotide": {"U": "T", "N": "", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
    | {"B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG"},
    "protein": {"X": "", "U": "", "O": "", "B": "DN", "Z": "EQ", "J": "IL"},
}
_COMPLEMENT = str.maketrans("ACGTUNRYSWKMBDHV", "TGCAANYRSWMKVHDB")
_SURE = 0.99
_PLAIN = frozenset("ACGTUN")  # a text of which these are half is no protein
WHERE = ("centre", "left")


def letters_of(alphabet: str) -> str:
    """Return the letters that have a column, in the order of the columns.

    Raises
    ------
    MedgraftError
        No such alphabet.
    """
    if alphabet not in ALPHABETS:
        raise MedgraftError(f"There is no alphabet '{alphabet}': use one of {', '.join(ALPHABETS)}.")
    return ALPHABETS[alphabet]


def check_letters(text: str, alphabet: str, which: str = "") -> str:
    """Return a sequence in capitals.

    Parameters
    ----------
    text, alphabet : str
    which : str
        What the message calls the sequence besides, as in ``" 2"``.

    Raises
    ------
    MedgraftError
        A letter is none of the alphabet's; the message has its place.

    Examples
    --------
    >>> check_letters("acgu", "nucleotide")
    'ACGU'
    """
    word, known = text.upper(), _columns(alphabet)
    if odd := set(word) - set(known):
        at = min(word.index(letter) for letter in odd)
        raise MedgraftError(
            f"The letter '{word[at]}' at place {at + 1} of the sequence{which} is none of the alphabet "
            f"'{alphabet}': mend the sequence, or name another alphabet (--reading alphabet=protein)."
        )
    return word


def alphabet_of(texts: Iterable[str]) -> str:
    """Return ``"nucleotide"`` or ``"protein"``, by the letters of all sequences together.

    They are nucleotides if all letters are IUPAC's codes of nucleotides, ambiguous ones included, and at
    least half of them are A, C, G, T, U or N; or if 99 % are, so that another letter is refused as a slip.

    Raises
    ------
    MedgraftError
        There is no letter, or one that is none of either alphabet; the message has its place.

    Examples
    --------
    >>> alphabet_of(["ACGU", "ggnt"]), alphabet_of(["MKVLA"])
    ('nucleotide', 'protein')
    """
    words = [text.upper() for text in texts]
    total = sum(map(len, words))
    if not total:
        raise MedgraftError("The sequences have no letter, so that their alphabet is unknown: name it.")
    found = set().union(*words)
    plain = sum(word.count(letter) for word in words for letter in _PLAIN)
    if found <= set(_columns("nucleotide")) and 2 * plain >= total:
        return "nucleotide"
    likely = "nucleotide" if plain >= _SURE * total else "protein"  # a slip of one letter makes no protein
    for i, word in enumerate(words):
        check_letters(word, likely, f" {i + 1}")
    return "protein"


def one_hot(text: str, length: int, alphabet: str, where: str = "centre") -> NDArray[np.float32]:
    r"""Return a sequence as one column of zeros and a one for each place.

    Use it to make input for `medgraft.networks` of sequences. Not for tables: a letter's column moves with
    every insertion before it; see `medgraft.sources.kmers`.

    Case does not matter. U is T. N in DNA and RNA, and X, U and O in proteins, are all-zero columns; letters
    that stand for several (R = A or G, ..., B = D or N, Z = E or Q, J = I or L) share the one equally.

    Parameters
    ----------
    text : str
    length : int
        Columns. A longer sequence is cut, a shorter one gets all-zero columns.
    alphabet : str
        ``"nucleotide"`` or ``"protein"``.
    where : str, default "centre"
        ``"centre"``: letter ``len(text) // 2`` (from 0) comes to column ``length // 2``, so that the middle
        of an odd window stays the middle. ``"left"``: the first letter comes to the first column.

    Returns
    -------
    ndarray of float32, (letters, length)
        Rows are A, C, G, T, or the amino acids in the alphabet's order.

    Raises
    ------
    MedgraftError
        A letter is unknown (the message has its place), or the alphabet, `length` or `where` cannot be used.

    Notes
    -----
    Cost: O(letters * (length + len(text))).

    Examples
    --------
    >>> one_hot("aCNu", 6, "nucleotide", where="left").astype(int)
    array([[1, 0, 0, 0, 0, 0],
           [0, 1, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0],
           [0, 0, 0, 1, 0, 0]])
    """
    known = letters_of(alphabet)
    if length < 1:
        raise MedgraftError(f"A sequence cannot become {length} columns: use a length of 1 or more.")
    if where not in WHERE:
        raise MedgraftError(f"where='{where}' does not exist: use one of {', '.join(WHERE)}.")
    word = check_letters(text, alphabet)
    shift = length // 2 - len(word) // 2 if where == "centre" else 0
    word = word[max(-shift, 0) :][: length - max(shift, 0)]
    out = np.zeros((len(known), length), dtype=np.float32)
    columns = _columns(alphabet)
    if word:
        out[:, max(shift, 0) : max(shift, 0) + len(word)] = np.array([columns[c] for c in word]).T
    return out


def reverse_complement(text: str) -> str:
    """Return the other strand of DNA, or the strand of DNA that pairs with RNA, read from its start.

    Raises
    ------
    MedgraftError
        A letter is no nucleotide; the message has its place.

    Examples
    --------
    >>> reverse_complement("AACGR")
    'YCGTT'
    """
    return check_letters(text, "nucleotide").translate(_COMPLEMENT)[::-1]


@cache
def _columns(alphabet: str) -> dict[str, NDArray[np.float32]]:
    letters = letters_of(alphabet)
    means = {letter: letter for letter in letters} | _OTHERS[alphabet]
    return {
        letter: (np.array([c in ones for c in letters]) / max(len(ones), 1)).astype(np.float32)
        for letter, ones in means.items()
    }
