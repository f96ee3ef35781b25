"""Memory and time of a whole methylation array: 450,000 sites of 500 samples, from .csv.gz to 50 columns.

    python benchmarks/omics_memory.py [SITES SAMPLES]

The file (sites in rows, beta values of four decimals, 1 % missing, a batch effect of 5 % of the variance) is
generated in pieces in the system's temporary folder and deleted. Reading, cleaning and reducing run in a
process
of their own, whose largest resident memory is printed; the limit for the default size is 4 GiB.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIMIT = 4 * 2**30


def generate(path: Path, sites: int, samples: int) -> None:
    """Write beta values in pieces of 2,000 sites; half of the samples are of another batch."""
    rng = np.random.default_rng(0)
    texts = np.array([f"{i / 10000:.4f}," for i in range(10001)] + ["    NA,"], dtype="S7")
    letters = texts.view(np.uint8).reshape(len(texts), 7)
    batch = np.arange(samples) % 2
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(("ID_REF," + ",".join(f"GSM{1000000 + i}" for i in range(samples)) + "\n").encode())
        for start in range(0, sites, 2000):
            k = min(2000, sites - start)
            centre = rng.choice([0.1, 0.5, 0.85], size=(k, 1)) + rng.normal(0, 0.05, (k, 1))
            shift = rng.normal(0, 0.0468, (k, 1))  # a quarter of its square is 5 % of all variance
            beta = centre + shift * (batch - 0.5) + rng.normal(0, 0.1, (k, samples))
            codes = np.rint(beta.clip(0, 1) * 10000).astype(np.int64)
            codes[rng.random((k, samples)) < 0.01] = 10001
            rows = letters[codes].reshape(k, -1)
            lines = [
                b"cg%08d," % (start + i) + row.tobytes()[:-1].replace(b" ", b"") for i, row in enumerate(rows)
            ]
            file.write(b"\n".join(lines) + b"\n")


def work(path: str) -> None:
    """Read, clean and reduce; print what was found, the seconds, and the peak of memory."""
    from medgraft.cohort.omics import Omics

    seconds = {}
    start = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal start
        seconds[name] = round(time.perf_counter() - start, 1)
        start = time.perf_counter()

    omics = Omics.open(path)
    lap("read")
    train = np.arange(omics.n) % 5 != 0
    kept = omics.keep(max_missing=0.02, rows=train)
    lap("clean")
    scores = kept.reduce(50, rows=train)
    lap("reduce")
    batch = np.arange(omics.n) % 2
    apart = abs(np.corrcoef(scores["pc1"], batch)[0, 1])
    facts = {
        "shape": omics.shape,
        "kept": kept.shape[1],
        "columns": scores.shape[1],
        "batch": round(apart, 3),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(facts | {"seconds": seconds, "peak": peak}))


def main(sites: int, samples: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "betas.csv.gz"
        start = time.perf_counter()
        generate(path, sites, samples)
        print(
            f"generated {path.stat().st_size / 1e6:.0f} MB in {time.perf_counter() - start:.0f} s", flush=True
        )
        environment = os.environ | {"MEDGRAFT_CACHE": folder}
        line = [sys.executable, __file__, "--work", str(path)]
        said = subprocess.run(line, env=environment, check=True, capture_output=True, text=True).stdout
        facts = json.loads(said)
        print(
            f"{facts['shape'][0]} samples x {facts['shape'][1]} sites; {facts['kept']} kept; "
            f"{facts['columns']} columns"
        )
        print(f"first component and batch correlate by {facts['batch']}")
        print("seconds: " + ", ".join(f"{k} {v}" for k, v in facts["seconds"].items()))
        print(f"peak memory {facts['peak'] / 2**30:.2f} GiB (limit {LIMIT / 2**30:.0f} GiB)")
        if facts["peak"] > LIMIT:
            raise SystemExit("over the limit")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2])
    else:
        main(*(int(word) for word in sys.argv[1:3] or ("450000", "500")))
