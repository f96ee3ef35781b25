"""What a linear probe costs beside one plain pass of decoding and forwarding all images.

    python benchmarks/linear_probe_cost.py TRAIN TEST WEIGHTS

TRAIN and TEST are folders of class folders, WEIGHTS a source (a safetensors file or timm:NAME). Both sides
run in one process, in turn, three times; the ratio printed is that of the smallest CPU times.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from PIL import Image

import medgraft as mg


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def plain_pass(paths: list[str], weights: str) -> None:
    """Decode, resize and forward in batches of 32: what any loop must do."""
    backbone = mg.Pretrained(weights).load()
    size = backbone.spec.input_size
    with torch.inference_mode():
        for start in range(0, len(paths), 32):
            batch = []
            for path in paths[start : start + 32]:
                image = Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
                batch.append(
                    torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(size, size, 3)
                )
            images = torch.stack(batch).permute(0, 3, 1, 2)  # a view: channels stay last in memory
            backbone.module(images)


def probe(train: mg.Cohort, test: mg.Cohort, weights: str) -> None:
    """Fit and predict with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MEDGRAFT_CACHE"] = cache
        model = mg.methods["linear-probe"](mg.Pretrained(weights))
        model.fit(train.X, train.y).predict_proba(test.X)


def main(train_folder: str, test_folder: str, weights: str) -> None:
    train, test = mg.read(train_folder), mg.read(test_folder)
    paths = [*train.X["image"], *test.X["image"]]
    plain_pass(paths[:64], weights)  # warm up
    plain, probed = [], []
    for _ in range(3):
        plain.append(cpu_seconds(lambda: plain_pass(paths, weights)))
        probed.append(cpu_seconds(lambda: probe(train, test, weights)))
    print(f"images {len(paths)}; plain pass {min(plain):.1f} CPU s; linear probe {min(probed):.1f} CPU s")
    print(f"ratio {min(probed) / min(plain):.2f} (limit 1.30)")


if __name__ == "__main__":
    main(*sys.argv[1:4])
