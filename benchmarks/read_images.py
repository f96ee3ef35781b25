"""What reading and decoding a folder of images costs beside a bare Pillow loop.

``python benchmarks/read_images.py FOLDER`` reads a folder of class folders into a cohort and decodes every
image, and does the same with Pillow alone; both five times in turn, and the least CPU time counts. The
ratio is to be at most 1.1.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PIL import Image

from medgraft.cohort import read


def with_medgraft(folder: str) -> int:
    """Read the cohort and decode all of it."""
    cohort = read(folder)
    return sum(cohort.open_image(i).width for i in range(cohort.n))


def with_pillow(folder: str) -> int:
    """Decode all of it with Pillow."""
    width = 0
    for path in sorted(Path(folder).glob("*/*")):
        with Image.open(path) as image:
            image.load()
            width += image.width
    return width


def main(folder: str) -> None:
    best = {with_pillow: float("inf"), with_medgraft: float("inf")}
    seen = set()
    for _ in range(5):
        for loop in best:
            start = time.process_time()
            seen.add(loop(folder))
            best[loop] = min(best[loop], time.process_time() - start)
    if len(seen) != 1:
        raise SystemExit("the two loops saw different images")
    pillow, ours = best[with_pillow], best[with_medgraft]
    print(f"Pillow {pillow:.2f} CPU s; medgraft {ours:.2f} CPU s; ratio {ours / pillow:.2f} (limit 1.10)")


if __name__ == "__main__":
    main(sys.argv[1])
