"""Left or right fist from one person's EEG: do other runs help on one of which few trials are labelled?

    python benchmarks/eeg_motor.py FOLDER_OF_EEGMMI_S001 [--repeats 5] [--no-networks]

FOLDER holds S001R03 (real fists), S001R04, R08 and R12 (imagined ones) as .edf: one person of the PhysioNet
EEG Motor Movement/Imagery Database, 15 trials a run. A window is 0.5 to 2.5 s after the cue, of 21 channels
over the motor cortex, filtered to 8-30 Hz over the whole run before it was cut, at 128 Hz (`prepare`). A run
plays the part of a subject.

*run*: each imagined run in turn is the target, with 5 labelled trials a class, and the three others are the
source; four folds by trial; the 45 target trials are judged together. *imagined*: the three imagined runs
are the target, with 5 or 10 labelled trials a class, and the run of real fists is the source; three folds.
Both without alignment and with Euclidean alignment of each run, which sees all its windows without labels,
those that test among them. Networks read aligned windows, or runs whose channels were each brought to a
standard deviation of 1, which sees its test windows as alignment does. One trial is one window, so that none
is on both sides.

Arms: logistic models of two views (tangent space of the covariance, band powers) on the target alone, on the
source alone, pooled, and with CORAL; EEGNet from scratch on the target; EEGNet and the deep 1-D CNN of
Taghizadeh et al. (2024), trained on the source and fine-tuned on the target from the middle on
("semi-deep"). The control of the tangent space and of networks is target-only on the tangent space.

What it can show: the 95 % interval of an AUROC of 45 trials reaches about 0.15 to each side, and that of a
run's 15 trials 0.3; in *run* only the three or four trials of one fold are compared with each other, as
models differ from fold to fold. And there is one person. The settings of the views were fixed before any
figure was seen; networks were first given volts, from which they learnt nothing in one draw of labels, and
their passes were cut from 30 to 20 for time. From scratch they see the few target trials alone, hence far
fewer steps than with a source.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.evidence import compare, interval
from medgraft.sources import Pretrained
from medgraft.sources.signal_cut import Cut
from medgraft.sources.signal_prepare import prepare
from medgraft.trial import Trial

SIDES = {"T1": "left", "T2": "right"}
CHANNELS = "|".join(f"{row}{n}" for row in ("FC", "C", "CP") for n in ("5", "3", "1", "z", "2", "4", "6"))
BAND = f"rate=128,low=8,high=30,channels={CHANNELS}"
PLAIN = ("target-only", "source-only", "pooled", "coral")
NETWORKS = (
    "scratch:source=medgraft:eegnet,rows=target,epochs=20",
    "pretrain-finetune:source=medgraft:eegnet,layers=separable,pretrain_epochs=20,epochs=12",
    "pretrain-finetune:source=medgraft:cnn1d,layers=conv3-dense4,pretrain_epochs=20,epochs=12",
)
SHORT = {
    NETWORKS[0]: "scratch eegnet",
    NETWORKS[1]: "pretrain-finetune eegnet",
    NETWORKS[2]: "pretrain-finetune cnn1d",
}
VIEWS = {"tangent": "covariance-tangent", "band power": "band-power:bands=mu@8-13|beta@13-30"}
CONTROL = ("tangent", "target-only")


def runs(folder: Path, manifest: Path, align: str, scale: str = "none") -> pd.DataFrame:
    """Return one row a trial of four runs, filtered, scaled as a whole, cut and aligned."""
    cohort = mg.read(folder, require_label=False)
    made = prepare(
        cohort,
        manifest,
        Cut(2.0, events=SIDES, first=0.5),
        reading=f"{BAND},scale={scale}",
        align=align,
        align_by="recording",
        line=60.0,
    )
    table = made.manifest
    table["signal"] = [str(manifest / path) for path in table["signal"]]
    return table[["signal", "label", "recording"]]


def predictions(
    tables: dict[str, pd.DataFrame], part: np.ndarray, labels: int, folds: int, repeats: int
) -> pd.DataFrame:
    """Return the predictions of all arms on the trials whose part is "target"."""
    found = []
    for seen, table in tables.items():
        cohort = mg.read(table.assign(part=part), label="label", signal="signal", domain="part", group="none")
        networks = [Pretrained("medgraft:eegnet"), Pretrained("medgraft:cnn1d")]
        trial = Trial(
            cohort,
            NETWORKS if seen == "network" else PLAIN,
            source=networks if seen == "network" else None,
            target="target",
            folds=folds,
            repeats=repeats,
            labels_per_class=labels,
            views=[VIEWS[seen]] if seen in VIEWS else [],
        )
        with tempfile.TemporaryDirectory() as out:
            found.append(trial.run(out).predictions.assign(view=seen))
    frame = pd.concat(found)
    frame["arm"] = frame["arm"].replace(SHORT)
    return frame.assign(trial=frame["row"])  # a row of the table is a trial, the same in all of them


def told(frame: pd.DataFrame, design: str, labels: int, align: str) -> None:
    """Print AUROC and accuracy of each arm, and AUROC less that of the control."""
    order = ["trial", "repeat", "block"]
    frame = frame.assign(block=frame["fold"].astype(str) + frame.get("part", ""))
    arms = {name: rows.sort_values(order) for name, rows in frame.groupby(["view", "arm"], sort=False)}
    control = arms[CONTROL]
    classes = [c for c in control.columns if c.startswith("p_")]
    y, p = control["y_true"].to_numpy(), control[classes].to_numpy()
    codes = pd.factorize(np.asarray(y), sort=True)[0]
    how: dict[str, Any] = {
        "group": control["trial"].to_numpy(),
        "repeat": control["repeat"].to_numpy(),
        "fold": pd.factorize(control["block"])[0],
    }
    for (view, arm), rows in arms.items():
        q = rows[classes].to_numpy()
        said = f"{design:9} {labels:6}  {align or 'none':10} {view:11} {arm:25}"
        for metric in ("auroc", "accuracy"):
            one = interval(metric, codes, q, **how)
            said += f"  {one.value:.3f} [{one.lo:.3f}, {one.hi:.3f}]"
        if (view, arm) != CONTROL:
            two = compare("auroc", codes, q, p, **how)
            said += f"  {two.difference:+.3f} [{two.lo:+.3f}, {two.hi:+.3f}] {two.verdict}"
        print(said, flush=True)


def main() -> None:
    """Run both designs, without and with alignment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-networks", action="store_true", help="The views only: two CPU minutes.")
    given = parser.parse_args()
    print(
        "target    labels  alignment  view        arm                        AUROC                 accuracy"
    )
    for align in ("", "euclidean"):
        with tempfile.TemporaryDirectory() as out:
            table = runs(given.folder, Path(out) / "volts", align)
            own = table if align else runs(given.folder, Path(out) / "network", "", "zscore")
            tables = {"tangent": table, "band power": table} | ({} if given.no_networks else {"network": own})
            imagined = [name for name in table["recording"].unique() if name != "S001R03"]
            found = []
            for run in imagined:
                part = np.where(table["recording"] == run, "target", "source")
                one = predictions(tables, part, 5, 4, given.repeats)
                found.append(one.assign(part=run))
            told(pd.concat(found), "run", 5, align)
            part = np.where(table["recording"] == "S001R03", "source", "target")
            for labels in (5, 10):
                one = predictions(tables, part, labels, 3, given.repeats)
                told(one, "imagined", labels, align)


if __name__ == "__main__":
    main()
