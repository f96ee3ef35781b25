"""Whether extracting features from ten times more images takes more memory.

``python benchmarks/features_memory.py WEIGHTS [n]`` writes n (60) and 10 n JPEGs of 224 x 224 pixels,
computes the features of each set in a process of its own, and compares the largest resident sizes. Less than
10 % more is wanted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from audit_memory import write

_FEATURES = """
import resource, sys
from medgraft.cohort import read
from medgraft.methods.finetune.features import BackboneFeatures
cohort = read(sys.argv[1])
F = BackboneFeatures(sys.argv[2]).fit(cohort.X).transform(cohort.X)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, F.shape[0])
"""


def main(weights: str, n: int) -> None:
    peaks = []
    with tempfile.TemporaryDirectory() as root:
        for count in (n, 10 * n):
            folder = Path(root) / str(count)
            write(folder, count)
            done = subprocess.run(
                [sys.executable, "-c", _FEATURES, str(folder), weights],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"MEDGRAFT_CACHE": f"{root}/cache"},
            )
            peak, rows = done.stdout.split()
            peaks.append(float(peak))
            print(f"{rows:>6} images: peak {peaks[-1]:7.1f} MiB", flush=True)
    print(f"{100 * (peaks[1] / peaks[0] - 1):+.1f} % (limit +10 %)")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)
