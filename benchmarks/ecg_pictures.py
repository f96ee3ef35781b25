"""Are heartbeats better seen as pictures by a network for photographs, or as they are, by one of their own?

    python benchmarks/ecg_pictures.py DATA WEIGHTS [--repeats 5]

DATA holds ECG5000_TRAIN.txt (public): 500 beats of ONE patient (record chf07 of the BIDMC database), 140
samples each. So nothing here is known of other patients: train and test beats are of the same heart. Beats
were brought to 140 samples, whatever they lasted: they are taken to last a second, at 140 Hz. Classes: normal
(292), R-on-T (177), and the three rare ones as one, other (31); 20 labels a class; three folds by beat.
WEIGHTS holds mobilenetv2_100.safetensors.

Pictures: scalogram (Morlet wavelets) and Stockwell transform, each to MobileNetV2 of ImageNet: a linear head
on its frozen features, and a light fine-tuning (its last fifth, 3 epochs). Signals: ResNet, InceptionTime and
EEGNet for one dimension, from random weights. Tables: logistic models of statistics and of wavelet packets.
Printed: macro AUROC and accuracy, and AUROC less that of the control, which is the 1-D ResNet, with 95 %
intervals over beats and draws of labels. The settings were fixed before any figure was seen.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.cohort.formats.signal_windows import write_windows
from medgraft.cohort.media import Signal
from medgraft.evidence import compare, interval
from medgraft.sources import Pretrained
from medgraft.trial import Trial

CLASSES = {1: "normal", 2: "R-on-T", 3: "other", 4: "other", 5: "other"}
LABELS, FOLDS, RATE = 20, 3, 140.0
OWN = ("resnet1d", "inception_time", "eegnet")  # the first is the control
PICTURES = ("scalogram", "stockwell")
VIEWS = ("statistics", "wavelet-packets")
LIGHT = "finetune:epochs=3,unfreeze=0.2"


def beats(file: Path, folder: Path) -> pd.DataFrame:
    """Return one row a beat: its label, and where it was written to."""
    numbers = np.loadtxt(file)
    signals = [Signal(row[None].astype(np.float32), RATE, ("ECG",), ("",)) for row in numbers[:, 1:]]
    labels = [CLASSES[int(code)] for code in numbers[:, 0]]
    return pd.DataFrame({"label": labels, "signal": write_windows(folder / "beats.safetensors", signals)})


def main() -> None:
    """Run all arms on the same splits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort = mg.read(
            beats(given.data / "ECG5000_TRAIN.txt", Path(folder)), label="label", signal="signal"
        )
        photographs = str(given.weights / "mobilenetv2_100.safetensors")

        def run(seen: str, arms: list[str], **more: object) -> pd.DataFrame:
            trial = Trial(cohort, arms, folds=FOLDS, repeats=given.repeats, labels_per_class=LABELS, **more)  # type: ignore[arg-type]
            with tempfile.TemporaryDirectory() as out:
                began = time.process_time()
                frame = trial.run(out).predictions
            print(f"{seen}: {time.process_time() - began:.0f} CPU seconds", flush=True)
            return frame[frame["arm"].isin(arms)].assign(seen=seen)  # without a control of the trial's own

        networks = [Pretrained(f"medgraft:{name}") for name in OWN]
        found = [run("signal", [f"scratch:source=medgraft:{name}" for name in OWN], source=networks)]
        found += [run(view, ["target-only"], views=[view]) for view in VIEWS]
        for picture in PICTURES:
            reading = f"picture={picture}"
            found.append(run(picture, ["linear-probe", LIGHT], source=photographs, reading=reading))
    told(pd.concat(found))


def told(frame: pd.DataFrame) -> None:
    """Print what each arm reaches, and its difference from the control."""
    arms = {
        name: rows.sort_values(["row", "repeat"]) for name, rows in frame.groupby(["seen", "arm"], sort=False)
    }
    control = next(iter(arms))
    first = arms[control]
    columns = [c for c in first.columns if c.startswith("p_")]
    y = pd.factorize(first["y_true"].to_numpy(), sort=True)[0]
    row, repeat, fold = (first[c].to_numpy() for c in ("row", "repeat", "fold"))
    print("\nseen as           arm                             macro AUROC           accuracy")
    for (seen, arm), rows in arms.items():
        p = rows[columns].to_numpy()
        said = f"{seen:17} {arm:30}"
        for metric in ("auroc", "accuracy"):
            one = interval(metric, y, p, group=row, repeat=repeat, fold=fold)
            said += f"  {one.value:.3f} [{one.lo:.3f}, {one.hi:.3f}]"
        if (seen, arm) != control:
            two = compare("auroc", y, p, first[columns].to_numpy(), group=row, repeat=repeat, fold=fold)
            said += f"  {two.difference:+.3f} [{two.lo:+.3f}, {two.hi:+.3f}] {two.verdict}"
        print(said)


if __name__ == "__main__":
    main()
