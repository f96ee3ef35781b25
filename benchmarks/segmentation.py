"""Segmentation on real patients: vessels of the retina, and the hippocampus with and without transfer.

    python benchmarks/segmentation.py FOLDER_OF_THE_DATA FOLDER_OF_THE_WEIGHTS [--part ...] [--out FOLDER]

``vessels``: the published W-Net weights load strictly and draw the vessels of a fundus photograph, which is
saved beside the photograph. ``unet`` and ``unet3d``: of 100 volumes of the hippocampus 80 train and 20 test
(one seed); a U-Net on MobileNetV2's weights, slice by slice, and a 3-D U-Net. Limits: mean Dice of both parts
of the hippocampus 0.80, and 15 CPU minutes each for training and outlining. ``few``: 10 of the 80 train;
transfer against scratch, paired over the 20 test volumes, with an interval of the difference. The 3-D source
is the other 70 volumes: the same scanner and the same organ, so an upper bound of what a source can give.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.evidence.bootstrap import counts, percentiles
from medgraft.evidence.metrics.overlap import dice, hd95, iou
from medgraft.methods.segment.cases import open_case, open_mask
from medgraft.methods.segment.unet import UNet
from medgraft.methods.segment.unet3d import UNet3d
from medgraft.methods.segment.unet3d_scratch import UNet3dScratch
from medgraft.methods.segment.unet_scratch import UNetScratch

ENOUGH, LONGEST = 0.80, 15 * 60
FLAT = {"epochs": 5, "size": 96}  # settings were chosen on training volumes
DEEP = {"epochs": 20}
FEW_FLAT, FEW_DEEP = {"epochs": 15, "size": 96}, {"epochs": 60, "batch_size": 2}


def main() -> int:
    parts = {"vessels": vessels, "unet": whole, "unet3d": whole, "few": few}
    parser = argparse.ArgumentParser(description="Segmentation on real patients.")
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--part", nargs="*", choices=list(parts), default=list(parts))
    parser.add_argument("--out", type=Path, default=Path())
    given = parser.parse_args()
    return max(parts[name](name, given) for name in given.part)


def vessels(name: str, given: argparse.Namespace) -> int:
    import torch
    from PIL import Image
    from safetensors.torch import load_file

    from medgraft.networks.wnet import WNet

    net = WNet()
    net.load_state_dict(load_file(given.weights / "lwnet_retina" / "wnet_drive.safetensors"), strict=True)
    photo = given.data / "eye_fundus_4class" / "normal" / "1034_left.jpg"
    image = np.asarray(Image.open(photo).convert("RGB").resize((512, 512)))
    with torch.no_grad():
        x = torch.from_numpy(image / np.float32(255.0)).permute(2, 0, 1)[None]
        p = torch.sigmoid(net.eval()(x))[0, 0].numpy()
    drawn = np.repeat(np.rint(p * 255).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(np.concatenate([image, drawn], axis=1)).save(given.out / "vessels.png")
    print(f"{name}: {(p > 0.5).mean():.3f} of the photograph are vessels; see {given.out / 'vessels.png'}")
    return 0


def volumes(given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the names of 80 training and of 20 test volumes."""
    names = sorted(p.name for p in (given.data / "hippocampus_nifti" / "images").iterdir())
    order = np.random.default_rng(0).permutation(len(names))
    return [names[i] for i in order[20:]], [names[i] for i in order[:20]]


def run(name: str, model: Any, train: list[str], test: list[str], given: argparse.Namespace) -> Any:
    """Fit, outline, print; return the mean Dice of each test volume, and the CPU seconds."""
    root = given.data / "hippocampus_nifti"

    def frame(names: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"volume": [str(root / "images" / n) for n in names]})

    start = time.process_time()
    model.fit(frame(train), [str(root / "labels" / n) for n in train])
    fitted = time.process_time() - start
    found = model.predict(frame(test))
    seconds = time.process_time() - start
    truth = [open_mask(str(root / "labels" / n)) for n in test]
    spacings = [open_case("volume", str(root / "images" / n)).spacing for n in test]
    d, j = (np.array([m(t, f, [1, 2]) for t, f in zip(truth, found, strict=True)]) for m in (dice, iou))
    h = np.array([hd95(t, f, [1, 2], s) for t, f, s in zip(truth, found, spacings, strict=True)])
    front, back = d.mean(axis=0)
    print(
        f"{name:<24} {len(train):3d} train {len(test)} test  Dice {d.mean():.3f} (front {front:.3f}, back "
        f"{back:.3f}; lowest volume {d.mean(axis=1).min():.3f})  IoU {j.mean():.3f}  HD95 {h.mean():.2f} mm  "
        f"{fitted:.0f} + {seconds - fitted:.0f} CPU s",
        flush=True,
    )
    return d.mean(axis=1), seconds


def whole(name: str, given: argparse.Namespace) -> int:
    train, test = volumes(given)
    source = str(given.weights / "mobilenetv2_100.safetensors")
    model = UNet(source, **FLAT) if name == "unet" else UNet3dScratch(**DEEP)
    d, seconds = run(name, model, train, test, given)
    if name == "unet3d":
        model.save_weights(given.out / "hippocampus80.safetensors")
    return int(d.mean() < ENOUGH or seconds > LONGEST)


def few(name: str, given: argparse.Namespace) -> int:
    train, test = volumes(given)
    source = str(given.weights / "mobilenetv2_100.safetensors")
    some, others = train[:10], train[10:]
    flat = [
        run(f"{name}: {m}", cls(source, **FEW_FLAT), some, test, given)[0]
        for m, cls in (("unet", UNet), ("unet-scratch", UNetScratch))
    ]
    difference("unet - unet-scratch", *flat)
    teacher = UNet3dScratch(**DEEP)
    run(f"{name}: source of unet3d", teacher, others, test, given)
    file = given.out / "hippocampus70.safetensors"
    teacher.save_weights(file)
    deep = [
        run(f"{name}: unet3d", UNet3d(str(file), **FEW_DEEP), some, test, given)[0],
        run(f"{name}: unet3d-scratch", UNet3dScratch(**FEW_DEEP), some, test, given)[0],
    ]
    difference("unet3d - unet3d-scratch", *deep)
    return 0


def difference(what: str, a: Any, b: Any) -> None:
    """Print the mean difference over the test volumes, and its interval from paired resamples of them."""
    n = len(a)
    weight = counts(np.random.default_rng(0), n, 10_000)
    low, high = percentiles((a - b) @ weight / n, n, 0.95)
    print(
        f"{what}: Dice {np.mean(a - b):+.3f} (95 % interval {low:+.3f} to {high:+.3f}, n = {n})", flush=True
    )


if __name__ == "__main__":
    raise SystemExit(main())
