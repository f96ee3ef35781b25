"""Run folders as a trial writes them, from simulated predictions; no trial is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.evidence import Comparison, reliability, sentence
from medgraft.report import build

ARMS = {  # name: (method, role, family, quality of its predictions)
    "majority": ("majority", "control", "control", 0.0),
    "target-only": ("target-only", "control", "control", 0.55),
    "source-only": ("source-only", "control", "control", 0.75),
    "pooled": ("pooled", "control", "control", 0.95),
    "ulsif": ("ulsif", "transfer", "instance", 0.9),
    "coral": ("coral", "transfer", "feature", 0.2),
    "l2sp": ("l2sp", "transfer", "model", 1.05),
    "guarded": ("guarded", "transfer", "guard", 1.0),
}
NETWORK = {
    "scratch": ("scratch", "control", "control", 0.5),
    "linear-probe": ("linear-probe", "transfer", "finetune", 1.2),
    "finetune:epochs=5,learning_rate=0.001": ("finetune", "transfer", "finetune", 1.5),
}
METRICS = {
    "binary": ("accuracy", "auprc", "auroc", "balanced_accuracy", "brier", "ece", "f1", "log_loss"),
    "multiclass": ("accuracy", "auroc", "balanced_accuracy", "brier", "ece", "f1", "log_loss"),
    "regression": ("mae", "r2", "rmse"),
}
HEADLINE = {"binary": "auroc", "multiclass": "balanced_accuracy", "regression": "mae"}
LOWER = ("brier", "ece", "log_loss", "mae", "rmse")
CLASSES = {"binary": ["healthy", "ill"], "multiclass": ["glioma", "meningioma", "notumor", "pituitary"]}


def _predictions(
    task: str, arms: dict[str, Any], budgets: list[int], rng: np.random.Generator
) -> pd.DataFrame:
    n, repeats, frames = 120, 3, []
    k = len(CLASSES.get(task, ()))
    truth = rng.integers(k, size=n) if k else 150 + 60 * rng.normal(size=n)
    for name, (*_, quality) in arms.items():
        for budget in budgets:
            for repeat in range(repeats):
                columns: dict[str, Any] = {
                    "row": np.arange(n),
                    "fold": np.arange(n) // 2 % 5,  # patients stay whole
                    "repeat": repeat,
                    "budget": budget,
                    "arm": name,
                    "group": np.arange(n) // 2,
                    "by:sex": np.where(np.arange(n) // 2 % 3, "female", "male"),
                    "y_true": truth,
                }
                if k:
                    logits = rng.normal(size=(n, k)) + 2 * quality * np.eye(k)[truth]
                    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
                    columns |= {f"p_{c}": p[:, c] for c in range(k)}
                else:
                    columns["value"] = 150 + quality / 2 * (truth - 150) + 20 * rng.normal(size=n)
                frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _measured(metric: str, quality: float) -> dict[str, Any]:
    good = 1 / (1 + np.exp(-1.6 * quality))  # from 0.5 for a useless arm towards 1
    value = {"mae": 62 - 14 * quality, "rmse": 78 - 15 * quality, "r2": 0.3 * quality - 0.03}.get(metric)
    if value is None:
        value = 1 - good if metric in LOWER else good
    half = 0.08 * abs(value) + 0.004
    return {"value": value, "ci": [value - half, value + half * 0.8]}


def _comparison(
    name: str, control: str, mine: dict[str, Any], other: dict[str, Any], metric: str
) -> dict[str, Any]:
    d = mine["value"] - other["value"]
    half = 0.6 * (mine["ci"][1] - mine["ci"][0])
    gain = -d if metric in LOWER else d
    verdict = "helps" if gain > half else "harms" if gain < -half else "inconclusive"
    return {
        "arm": name,
        "control": control,
        "difference": d,
        "ci": [d - half, d + half],
        "verdict": verdict,
        "n_patients": 60,
        "note": "",
        "sentence": sentence(name, Comparison(d, d - half, d + half, verdict, 60), metric, control=control),
    }


def make_run(
    folder: Path, task: str = "binary", *, network: bool = False, curve: bool = False
) -> dict[str, Any]:
    """Write a run folder and return the content of its ``result.json``."""
    rng = np.random.default_rng(7)
    metric = HEADLINE[task]
    budgets = [10, 20, 40] if curve else [-1 if network else 10]
    arms = NETWORK if network else ARMS
    control = "scratch" if network else "target-only"
    frame = _predictions(task, arms, budgets, rng)
    rows = []
    for i, (name, (method, role, family, quality)) in enumerate(arms.items()):
        values = {m: _measured(m, quality) for m in METRICS[task]}
        rows.append(
            {
                "name": name,
                "method": method,
                "source": "mobilenetv2_100" if network and i else "cleveland, hungarian" if i > 1 else None,
                "role": role,
                "family": family,
                **values[metric],
                "cpu_seconds": 0.4 + 7.3 * i,
                "wall_seconds": 0.3 + 6 * i,
                "metrics": values,
                "settings": {"epochs": 5, "learning_rate": 0.001} if "epochs" in name else {},
                "loading": "312 of 312 tensors of the trunk loaded; the head is new."
                if network and i
                else None,
                "notes": ["kept every source patient (12 of 15 fits)"] if name == "ulsif" else [],
            }
        )
    by_name = {r["name"]: r for r in rows}
    comparisons = [
        _comparison(r["name"], control, r, by_name[control], metric) for r in rows if r["name"] != control
    ]
    chosen = list(arms)[-1]
    points = [
        {
            "arm": n,
            "labels_per_class": b,
            **_measured(metric, arms[n][3] * (0.6 + 0.4 * i / max(1, len(budgets) - 1))),
        }
        for n in arms
        for i, b in enumerate(budgets)
    ]
    classes = CLASSES.get(task)
    parts = {"training": 320, "test": 120} if network else {"cleveland": 303, "hungarian": 294, "va": 200}
    splits = [0.3, 0.2, 0.25, 0.25] if task == "multiclass" else [0.45, 0.55]
    columns = [c for c in frame if c.startswith("p_")]
    calibration = {
        str(name): reliability(part["y_true"], part[columns].to_numpy(), group=part["group"])
        for name, part in frame[frame["budget"] == budgets[0]].groupby("arm", sort=False)
        if classes
    }
    design = {
        "kind": "external test" if network else "cross-validation",
        "folds": 1 if network else 5,
        "repeats": 1 if network else 3,
        "labels_per_class": [] if network else budgets,
        "seed": 0,
        "grouped": True,
    }
    result = {
        "medgraft": "0.1.0",
        "task": task,
        "metric": metric,
        "better": "lower" if metric in LOWER else "higher",
        "n": 120,
        "n_patients": 60,
        "question": "Does transfer from 'cleveland', 'hungarian' help to predict 'disease' in 'va' "
        "with 10 labels per class?",
        "cohort": {
            "name": "heart",
            "kind": "image" if network else "table",
            "rows": sum(parts.values()),
            "features": 0 if network else 13,
            "label": "disease",
            "classes": classes,
            "class_counts": {
                k: {c: round(n * s) for c, s in zip(classes, splits, strict=True)} for k, n in parts.items()
            }
            if classes
            else {},
            "domains": parts,
            "target": None if network else "va",
            "groups": 400,
            "flow": {
                "left_out": ["12 rows have no label and were left out."],
                "included": {"rows": sum(parts.values()), "patients": 400},
                "source": {"rows": sum(parts.values()) - 200, "patients": 300},
                "target": {"rows": 200, "patients": 100},
                "learnt": [20, 24],
                "hidden": [0, 140],
                "tested": {"rows": 120, "patients": 60},
                "fits": 15,
            },
            "table_one": {
                "columns": [{"name": "va", "rows": 200}, {"name": "cleveland", "rows": 303}],
                "variables": [
                    {
                        "name": "sex",
                        "kind": "category",
                        "missing": [0.0, 0.0],
                        "cells": [{"male": None, "female": None}, {"male": 206, "female": 97}],
                    },
                    {
                        "name": "chol",
                        "kind": "number",
                        "missing": [0.28, 0.0],
                        "cells": [None, [241.0, 211.0, 275.0]],
                    },
                ],
                "more": 0,
            },
            "missing_fraction": None if network else 0.204,
        },
        "design": design,
        "budget": budgets[0],
        "arms": rows,
        "control": control,
        "comparisons": comparisons,
        "learning_curve": points if curve else None,
        "calibration": calibration,
        "guard": {
            "enabled": not network,
            "arm": None if network else "guarded",
            "choices": {} if network else {"pooled": 9, "l2sp": 4, "target-only": 2},
            "reasons": []
            if network
            else ["pooled is chosen: its inner AUROC (0.78) is 0.11 higher than that of target-only."],
        },
        "chosen": chosen,
        "delivered": chosen,
        "chosen_because": f"{chosen} chooses on the training patients alone, so its figure is not flattered.",
        "verdict": next(c["sentence"] for c in comparisons if c["arm"] == chosen),
        "audit": [],
        "warnings": ["12 rows have no label and were left out."],
        "versions": {"medgraft": "0.1.0", "python": "3.12.4", "numpy": "2.4.0"},
        "command": "medgraft trial heart.csv --label disease --domain site --target va --repeats 3",
        "seconds": {"cpu": 61.2, "wall": 33.9},
    }
    plan_arms = [
        {
            "name": r["name"],
            "method": r["method"],
            "role": r["role"],
            "family": r["family"],
            "settings": r["settings"],
        }
        | {"fits": 15, "cpu_seconds": 1.1 * r["cpu_seconds"]}
        for r in rows
    ]
    if network:
        plan_arms[2] |= {
            "load": "312 of 312 tensors of the trunk loaded; the head is new.",
            "adapt": ["classifier: 1000 to 4 classes"],
            "freeze": [f"blocks.{i}" for i in range(20)],
            "learning_rates": {"head": 0.001, "blocks.6": 0.0003},
            "batchnorm": "statistics of the source are kept",
            "augmentation": "flips, small turns",
        }
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "predictions.parquet", index=False)
    write(folder, result)
    (folder / "plan.json").write_text(
        json.dumps({"design": design, "arms": plan_arms, "digest": "ab12" * 16})
    )
    return result


def write(folder: Path, result: dict[str, Any]) -> None:
    """Replace the result of a run folder."""
    (folder / "result.json").write_text(json.dumps(result))


@pytest.fixture
def rewrite():
    """Return a function that replaces the result of a run folder."""
    return write


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a run folder: (folder, result)."""

    def run(task: str = "binary", **kind: bool) -> tuple[Path, dict[str, Any]]:
        folder = tmp_path / "run"
        return folder, make_run(folder, task, **kind)

    return run


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return a function that gives the finished page of one kind, built once; do not change it."""
    kinds: dict[str, dict[str, Any]] = {
        "curve": {"task": "binary", "curve": True},
        "multiclass": {"task": "multiclass", "network": True},
        "regression": {"task": "regression"},
    }
    done: dict[str, Path] = {}

    def page(kind: str) -> Path:
        if kind not in done:
            folder = tmp_path_factory.mktemp(kind)
            make_run(folder, **kinds[kind])
            done[kind] = build(folder)
        return done[kind]

    return page


@pytest.fixture
def outlines(tmp_path):
    """A run folder of a segmentation with two arms, five samples and two repeats, without examples."""
    values = {"unet": [0.9, 0.8, 0.7, 0.95, 0.2], "unet-scratch": [0.6, 0.5, 0.4, 0.3, 0.2]}
    frames, arms = [], []
    for name, own in values.items():
        for repeat in (0, 1):
            shift = 0.02 * (2 * repeat - 1)
            frames.append(
                pd.DataFrame(
                    {
                        "arm": name,
                        "row": range(5),
                        "repeat": repeat,
                        "budget": -1,
                        "dice": np.array(own) + shift,
                    }
                )
            )
        measured = {m: {"value": float(np.mean(own)), "ci": [0.2, 0.9]} for m in ("dice", "iou", "hd95")}
        role = "control" if "scratch" in name else "transfer"
        arms.append({"name": name, "method": name, "role": role, **measured["dice"], "metrics": measured})
    pd.concat(frames).to_parquet(tmp_path / "predictions.parquet")
    gain = Comparison(0.31, 0.1, 0.5, "inconclusive", 5)
    said = sentence("unet", gain, "dice", control="unet-scratch")
    result = {
        "task": "segmentation",
        "metric": "dice",
        "better": "higher",
        "n": 5,
        "n_patients": 5,
        "budget": -1,
        "arms": arms,
        "control": "unet-scratch",
        "comparisons": [
            {"arm": "unet", "difference": 0.31, "ci": [0.1, 0.5], "verdict": "inconclusive", "sentence": said}
        ],
        "chosen": "unet-scratch",
        "verdict": said,
        "cohort": {"name": "scans", "kind": "volume", "rows": 5, "label": "mask", "domains": {"test": 5}},
        "design": {"kind": "external test", "labels_per_class": [10], "repeats": 2},
    }
    (tmp_path / "result.json").write_text(json.dumps(result))
    return tmp_path, result


@pytest.fixture
def with_examples(outlines):
    folder, result = outlines
    (folder / "examples").mkdir()
    shown = []
    for what in ("median", "worst"):
        Image.new("RGB", (400, 200), (9, 9, 9)).save(folder / "examples" / f"{what}.png")
        shown.append({"file": f"examples/{what}.png", "what": what, "arm": "unet", "dice": 0.8})
    (folder / "result.json").write_text(json.dumps(result | {"examples": shown}))
    return folder
