"""What each quality step costs, and how often each crop finds what it looks for.

    python benchmarks/quality_steps.py [CROP=FOLDER ...]

Prints the CPU time of every step on generated images of two sizes, and for each CROP=FOLDER (such as
crop_lungs=films) over all images below the folder: the share in which it was found, the quantiles of the part
of the image that was kept, and the reasons where nothing was found.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from medgraft.cohort import decode_image, quality
from medgraft.cohort.images import is_image


def scene(side: int, colour: bool) -> np.ndarray:
    """A bright disk with texture, dark hairs and highlights on black: something for every step to do."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side - 0.5
    values = np.where(np.hypot(y, x) < 0.4, 120 + 40 * np.sin(20 * x) * np.cos(16 * y), 3)
    values += rng.normal(scale=4, size=values.shape)
    for k in range(1, 6):
        values[:, side * k // 7 : side * k // 7 + max(1, side // 200)] *= 0.4
    values[side // 2 : side // 2 + side // 60, side // 3 : side // 3 + side // 60] = 250
    image = np.clip(values, 0, 255).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2) if colour else image


def milliseconds(name: str, image: np.ndarray) -> float:
    """The smallest CPU time of three runs."""
    function = quality.by_name[name].function
    times = []
    for _ in range(3):
        start = time.process_time()
        function(image)
        times.append(time.process_time() - start)
    return 1000 * min(times)


def costs() -> None:
    images = {"224 x 224 x 3": scene(224, True), "1024 x 1024": scene(1024, False)}
    print(f"{'ms':20}" + "".join(f"{title:>16}" for title in images))
    for name in quality.by_name:
        row = "".join(f"{milliseconds(name, image):16.1f}" for image in images.values())
        print(f"{name:20}{row}")


def crops(name: str, folder: str) -> None:
    find = quality.by_name[name].find
    if find is None:
        raise SystemExit(f"{name} is no crop.")
    files = [p for p in sorted(Path(folder).rglob("*")) if is_image(str(p))]
    reasons: Counter[str] = Counter()
    kept = []
    for file in files:
        image = np.asarray(decode_image(file))
        box = find(image)
        reasons[box.reason] += 1
        if box.found:
            kept.append((box.bottom - box.top) * (box.right - box.left) / (image.shape[0] * image.shape[1]))
    print(f"\n{name} on {len(files)} images: found in {reasons.pop('', 0) / max(1, len(files)):.1%}")
    if kept:
        quantiles = np.quantile(kept, [0, 0.05, 0.5, 0.95, 1])
        print("  kept of the image (0, 5, 50, 95, 100 %):", " ".join(f"{q:.2f}" for q in quantiles))
    for reason, count in reasons.most_common():
        print(f"  {count} left whole: {reason}")


if __name__ == "__main__":
    costs()
    for argument in sys.argv[1:]:
        crops(*argument.split("=", 1))
