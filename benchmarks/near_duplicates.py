"""How long the search for near hashes takes, beside a popcount of all pairs.

``python benchmarks/near_duplicates.py [n]`` compares `near_pairs` with a plain blocked popcount that a
careful
user would write, on random hashes with planted near ones, and on hashes as alike as those of one kind of
scan.
Both must find the same pairs. About two minutes on one core for 100,000 hashes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from medgraft.cohort.audit.neighbours import near_pairs


def popcount_all(hashes: np.ndarray, max_bits: int) -> np.ndarray:
    """Return all pairs i < j by comparing everything with everything, 64 rows at a time."""
    found = []
    for i in range(0, len(hashes), 64):
        bits = np.bitwise_count(hashes[i : i + 64, None] ^ hashes[None, i:]).sum(axis=-1, dtype=np.int16)
        p, q = np.nonzero(bits <= max_bits)
        found.append(np.stack([p + i, q + i], axis=1)[p < q])
    return np.concatenate(found)


def random_hashes(n: int, words: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform hashes, every hundredth followed by a copy with three bits changed."""
    hashes = rng.integers(0, 2**64, size=(n, words), dtype=np.uint64)
    for i in range(0, n - 1, 100):
        bits = rng.choice(64, 3, replace=False).astype(np.uint64)
        hashes[i + 1] = hashes[i]
        hashes[i + 1, 0] ^= np.bitwise_or.reduce(np.uint64(1) << bits)
    return hashes


def alike_hashes(n: int, words: int, rng: np.random.Generator) -> np.ndarray:
    """Hashes that differ from a common one in a quarter of their bits, as those of one kind of scan do."""
    common = rng.random((1, 64 * words)) < 0.5
    bits = common ^ (rng.random((n, 64 * words)) < 0.25)
    return np.packbits(bits, axis=1).view(np.uint64)


def many_equal(n: int, words: int, rng: np.random.Generator) -> np.ndarray:
    """Half of all hashes equal: what black images would make."""
    hashes = random_hashes(n, words, rng)
    hashes[: n // 2] = hashes[0]
    return hashes


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def main(n: int) -> None:
    print(f"{n} hashes            words  bits   pairs  near_pairs  all pairs by popcount")
    for name, draw in (("random", random_hashes), ("alike", alike_hashes)):
        for words, max_bits in ((1, 8), (2, 14)):
            hashes = draw(n, words, np.random.default_rng(0))
            mine, fast = timed(lambda h=hashes, k=max_bits: near_pairs(h, k))
            theirs, slow = timed(lambda h=hashes, k=max_bits: popcount_all(h, k))
            same = np.array_equal(mine, np.unique(theirs, axis=0))
            print(
                f"{name:24s} {words:5d} {max_bits:5d} {len(mine):7d} {fast:9.1f} s {slow:9.1f} s   "
                f"{'same pairs' if same else 'DIFFERENT PAIRS'}",
                flush=True,
            )
    hashes = many_equal(n, 2, np.random.default_rng(0))
    mine, fast = timed(lambda: near_pairs(hashes, 14))
    print(f"half of all equal            2    14 {len(mine):7d} {fast:9.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
