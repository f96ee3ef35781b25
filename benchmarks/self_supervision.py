"""Do images without labels help a network, before it is taught on few with labels?

    python benchmarks/self_supervision.py DATA WEIGHTS.safetensors OUT [--images 160] [--repeats 3]

DATA holds brain_mri_4class (public, four classes). `--images` of its training images are there, and 5 or
20 of each class have a label; all its test images are tested. The network learns from all those images
without their labels, three epochs of a task and the upper 40 % of its blocks, and is saved; then it is the
source of the same fine-tuning (12 epochs of those blocks) as the network as it was. `--repeats` draws images,
labels and seeds anew. Printed after each: accuracy and calibration error, and their differences from plain
fine-tuning. What OUT holds already is not run again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.trial import Trial
from pooled import rows_of, run, table

UNFREEZE = 0.4
ARMS = [f"finetune:unfreeze={UNFREEZE},views=1,validation=0", "scratch:epochs=0,validation=0"]
STAGES = ("none", "rotation", "simclr", "masked")
BUDGETS = (5, 20)


def taught_without_labels(weights: Path, paths: list[str], task: str, seed: int, out: Path) -> Path:
    """Return the file of the network after a task on some images."""
    import torch
    from safetensors.torch import save_file

    from medgraft.methods.finetune.groups import make_policy
    from medgraft.methods.selfsup.pretrain import pretrain

    if task == "none":
        return weights
    if out.exists():
        return out
    backbone = mg.Pretrained(str(weights)).load()
    names = [name for name, _ in backbone.module.blocks]
    rates = {"lr": 5e-4, "lr_decay": 1.0, "head_lr": 5e-4}
    policy = make_policy(names, unfreeze=UNFREEZE, gradual=0.0, epochs=3, **rates)
    begun = time.process_time()
    said = pretrain(
        backbone,
        paths,
        task,
        epochs=3,
        policy=policy,
        changes=True,
        batch_size=32,
        batchnorm="frozen",
        seed=seed,
        device=torch.device("cpu"),
        tell=lambda done, total: None,
    )
    print(f"{said}, {time.process_time() - begun:.0f} CPU s", flush=True)
    spec = backbone.spec
    facts = {"library": spec.library, "architecture": spec.architecture, "input_size": str(spec.input_size)}
    facts |= {"licence": spec.licence}
    tensors = {n: t.contiguous() for n, t in backbone.tensors().items()}
    save_file(tensors, out, metadata=facts)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description="Self-supervision before fine-tuning.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    data = given.folder / "brain_mri_4class"
    whole, test = mg.read(data / "Training"), mg.read(data / "Testing")
    given.out.mkdir(parents=True, exist_ok=True)
    found: dict[int, list[pd.DataFrame]] = {budget: [] for budget in BUDGETS}
    for repeat in range(given.repeats):
        drawn = np.sort(np.random.default_rng(repeat).permutation(whole.n)[: given.images])
        cohort = whole.select(drawn)
        for task in STAGES:
            place = given.out / f"{task}{repeat}.safetensors"
            file = taught_without_labels(given.weights, list(cohort.X["image"]), task, repeat, place)
            for budget in BUDGETS:
                trial = Trial(
                    cohort,
                    ARMS,
                    source=mg.Pretrained(str(file)),
                    test=test,
                    labels_per_class=budget,
                    seed=repeat,
                    metric="accuracy",
                )
                result = run(trial, given.out / f"{task}{repeat}-{budget}")
                frame = rows_of(result, trial.design.data.X["image"].to_numpy(), repeat)
                found[budget].append(frame[frame["arm"] == ARMS[0]].assign(arm=task))
        for budget in BUDGETS:
            print(f"\n{budget} labels a class, {given.images} images without; {test.n} tested")
            print(table(pd.concat(found[budget]), STAGES[0]), flush=True)


if __name__ == "__main__":
    main()
