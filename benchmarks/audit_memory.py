"""Whether auditing ten times more images takes more memory.

``python benchmarks/audit_memory.py [n]`` writes n (300) and 10 n JPEGs of 224 x 224 pixels, audits each set
in a process of its own, and compares the largest resident sizes. Less than 10 % more is wanted. About a
minute.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

_AUDIT = """
import resource, sys, time
from medgraft.cohort import read
from medgraft.cohort.audit import audit
start = time.perf_counter()
audit(read(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.perf_counter() - start)
"""


def write(folder: Path, n: int) -> None:
    """Write smooth random grey pictures into two class folders."""
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = 128 + 600 * gaussian_filter(rng.normal(size=(224, 224)), 5)
        path = folder / ("ill", "well")[i % 2] / f"{rng.integers(10**9)}.jpg"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def measure(folder: Path) -> tuple[float, float]:
    """Return the peak of the resident memory, in MiB, and the seconds of an audit of a folder."""
    done = subprocess.run(
        [sys.executable, "-c", _AUDIT, str(folder)], capture_output=True, text=True, check=True
    )
    peak, seconds = map(float, done.stdout.split())
    return peak, seconds


def main(n: int) -> None:
    peaks = []
    with tempfile.TemporaryDirectory() as root:
        for count in (n, 10 * n):
            folder = Path(root) / str(count)
            write(folder, count)
            peak, seconds = measure(folder)
            peaks.append(peak)
            print(f"{count:6d} images: peak {peak:7.1f} MiB, {seconds:.1f} s", flush=True)
    print(f"{100 * (peaks[1] / peaks[0] - 1):+.1f} % (limit +10 %)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
