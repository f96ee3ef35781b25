"""A trial of twelve arms: what does it cost beside one forward pass, and beside the same arms as plain loops?

    python benchmarks/twelve_arms.py FOLDER_OF_THE_DATA WEIGHTS.safetensors [--train 1000] [--test 240]

FOLDER holds brain_mri_4class (public, four classes). Half of the training images go through another scanner
(see scanner_shift.py) and are the source domain; the others, and all test images, are the target. The arms:
four heads on frozen features, three methods of feature space on them, fine-tuning of the last block, of half
of the network, and by LoRA, the network from scratch, and the guard over all of these.

The plain loops are what one writes without medgraft: each arm decodes and forwards its images anew, with
torch's own threads; fine-tuning runs the whole network in each of its epochs, on augmented images; the guard
does all that on three quarters of the target, and again for what it chose. Heads and feature-space methods
are medgraft's own in both, so that only features and training differ. Printed: CPU seconds of one plain pass,
of the frozen arms (with plan and audit) and of everything, accuracy arm by arm, and the two ratios (limits
3 and 1/4).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

import medgraft as mg
from medgraft.methods.finetune.adapters import adapt
from medgraft.methods.finetune.augment import augment
from medgraft.methods.finetune.head import scaling
from medgraft.sources.network import Head, Network
from medgraft.trial import Trial
from medgraft.trial.arms import build
from scanner_shift import rescan

FROZEN = [
    "linear-probe",
    "linear-probe+svm",
    "linear-probe+random-forest",
    "linear-probe+mlp",
    "coral",
    "subspace-alignment",
    "tca",
]
LAST, HALF = "finetune:unfreeze=0.1,gradual=0,views=2", "finetune:views=2"
TRAINED = [LAST, HALF, "finetune:adapter=lora,lr=0.002,views=2", "scratch"]
MOST_PASSES, MOST_SHARE = 3.0, 0.25


def draw(folder: Path, out: Path, train: int, test: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw images of both parts, and write half of the training ones as another scanner would."""
    rng = np.random.default_rng(0)
    frames = []
    for part, count in (("Training", train), ("Testing", test)):
        cohort = mg.read(folder / "brain_mri_4class" / part)
        labels, rows = np.array(cohort.classes)[cohort.y], []
        for label in np.unique(labels):
            for i, path in enumerate(rng.permutation(cohort.X["image"][labels == label])[: count // 4]):
                other = part == "Training" and i % 2 == 1
                place = out / f"{label}{i}.png" if other else Path(path)
                if other:
                    rescan(Image.open(path), rng, 1.0).save(place)
                rows.append({"image": str(place), "label": label, "scanner": "other" if other else "ours"})
        frames.append(pd.DataFrame(rows))
    return frames[0], frames[1]


class Loops:
    """The arms as plain loops over images, with torch's own threads."""

    def __init__(self, weights: str, train: pd.DataFrame, test: pd.DataFrame) -> None:
        self.source, self.train, self.test = mg.Pretrained(weights), train, test
        self.classes = np.unique(train["label"])
        self.size = self.source.facts.input_size

    def decode(self, path: str) -> torch.Tensor:
        image = Image.open(path).convert("RGB").resize((self.size, self.size), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    def features(self, paths: list[str]) -> np.ndarray:
        net = self.source.load().module
        parts = []
        with torch.inference_mode():
            for start in range(0, len(paths), 32):
                parts.append(net(torch.stack([self.decode(p) for p in paths[start : start + 32]])).numpy())
        return np.concatenate(parts)

    def on_features(self, arm: mg.Arm, bench: object, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
        """Fit a method on features computed for it alone; return probabilities."""
        F, G = self.features(list(train["image"])), self.features(list(test["image"]))
        if arm.method == "linear-probe":  # its head is pooled's, on standardised features
            mean, scale = scaling(F, np.ones(len(F)))
            F, G = (F - mean) / scale, (G - mean) / scale
            arm = mg.arm(arm.name.replace("linear-probe", "pooled"))
        model = build(arm, replace(bench, kind="table", pretrained=None), 0)
        model.fit(F, train["label"], domain=train["scanner"], target="ours")
        return model.predict_proba(G)

    def trained(self, name: str, train: pd.DataFrame, test: pd.DataFrame, epochs: int = 12) -> np.ndarray:
        """Train a network on augmented images, all of it in every step; return probabilities."""
        scratch, lora = name == "scratch", "lora" in name
        rng = np.random.default_rng(0)
        torch.manual_seed(0)
        backbone = self.source.load(pretrained=not scratch)
        blocks = range(len(backbone.module.blocks))
        first = 0 if scratch else blocks[-1] if name == LAST else len(blocks) // 2
        network = Network(
            backbone.module, Head(backbone.d, len(self.classes)), "adapt" if scratch else "frozen"
        )
        y = torch.from_numpy(np.searchsorted(self.classes, train["label"]))
        if not scratch:  # linear probing first: its head is where fine-tuning starts
            F = torch.from_numpy(self.features(list(train["image"])))
            network.head.mean.copy_(F.mean(dim=0))
            network.head.scale.copy_(F.std(dim=0) + 0.1 * F.std())
            optimiser = torch.optim.LBFGS(network.head.parameters(), max_iter=100)

            def closure() -> torch.Tensor:
                optimiser.zero_grad()
                loss = cross_entropy(network.head(F), y) + 1e-3 * network.head.linear.weight.square().sum()
                loss.backward()
                return loss

            optimiser.step(closure)
        if lora:
            adapt(network, "lora", 8, blocks[first:], 0)
        network.release(blocks[first:])
        lr = 1e-3 if scratch else 2e-3 if lora else 5e-4
        optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=lr)
        steps = epochs * -(-len(train) // 32)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(epochs):
            network.train()
            for rows in np.array_split(rng.permutation(len(train)), -(-len(train) // 32)):
                images = torch.stack([self.decode(train["image"].iloc[i]) for i in rows])
                optimiser.zero_grad()
                cross_entropy(network(augment(images, rng)), y[rows]).backward()
                optimiser.step()
                schedule.step()
        network.eval()
        with torch.inference_mode():
            parts = [
                torch.softmax(
                    network(torch.stack([self.decode(p) for p in test["image"][s : s + 32]])), dim=1
                )
                for s in range(0, len(test), 32)
            ]
        return torch.cat(parts).numpy()

    def one(self, name: str, bench: object, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
        if name in TRAINED:
            return self.trained(name, train, test)
        return self.on_features(mg.arm(name), bench, train, test)

    def guarded(self, bench: object) -> np.ndarray:
        """Compare all arms on a quarter of the target's training images; fit the best again."""
        rng = np.random.default_rng(1)
        held = rng.random(len(self.train)) < 0.25
        held &= (self.train["scanner"] == "ours").to_numpy()
        inner, other = self.train[~held].reset_index(drop=True), self.train[held].reset_index(drop=True)
        names = [*FROZEN, *TRAINED]
        reached = [self.accuracy(self.one(n, bench, inner, other), other) for n in names]
        return self.one(names[int(np.argmax(reached))], bench, self.train, self.test)

    def accuracy(self, p: np.ndarray, test: pd.DataFrame) -> float:
        return float((self.classes[p.argmax(axis=1)] == test["label"].to_numpy()).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description="A trial of twelve arms.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights")
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--test", type=int, default=240)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        os.environ["MEDGRAFT_CACHE"] = str(Path(out) / "cache")
        (Path(out) / "other").mkdir()
        train, test = draw(given.folder, Path(out) / "other", given.train, given.test)
        roles = {"image": "image", "label": "label", "domain": "scanner"}
        trial = Trial(
            mg.read(train, **roles),
            [*FROZEN, *TRAINED, "guarded"],
            source=mg.Pretrained(given.weights),
            target="ours",
            test=mg.read(test, **roles),
            metric="accuracy",
        )
        loops = Loops(given.weights, train, test)
        loops.features(list(test["image"][:32]))  # libraries
        start = time.process_time()
        loops.features([*train["image"], *test["image"]])
        one_pass = time.process_time() - start
        start = time.process_time()
        trial.plan()
        trial.audit()
        before = time.process_time() - start  # the audit is where features are computed first
        result = trial.run(Path(out) / "run")
        whole = time.process_time() - start
        ours = {a["name"]: (a["value"], a["cpu_seconds"]) for a in result.arms}
        frozen = before + sum(ours[name][1] for name in (*FROZEN, trial.control))
        print(
            f"one plain pass {one_pass:.1f} CPU s; plan and audit {before:.1f}, frozen arms {frozen:.1f};",
            end=" ",
        )
        print(f"whole trial {whole:.1f}", flush=True)
        plain = {}
        for name in (*FROZEN, *TRAINED, "guarded"):
            start = time.process_time()
            p = loops.guarded(trial.bench) if name == "guarded" else loops.one(name, trial.bench, train, test)
            plain[name] = (loops.accuracy(p, test), time.process_time() - start)
            a, b = ours[name], plain[name]
            print(f"{name:<34} {a[0]:.3f} {a[1]:8.1f} CPU s   plain {b[0]:.3f} {b[1]:8.1f} CPU s", flush=True)
    passes, share = frozen / one_pass, whole / sum(seconds for _, seconds in plain.values())
    better = np.mean([ours[name][0] - plain[name][0] for name in plain])
    print(f"frozen arms: {passes:.2f} plain passes (limit {MOST_PASSES:g})")
    print(f"whole trial: {share:.2f} of the plain loops (limit {MOST_SHARE:g}); mean accuracy {better:+.3f}")
    return int(passes > MOST_PASSES or share > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main())
