"""Run studies of the review on real data, honestly and with their leaks, and record what they found.

    python benchmarks/forty_studies.py DATA WEIGHTS OUT [--record docs/figures] [KEY ...]

DATA holds the folders and WEIGHTS the files named below; OUT gets a folder for each run, and a run that was
cut goes on. Without keys, all of them in this order. The paper's backbones are replaced by two small ones,
images are read at 96 pixels, and cohorts are cut to so many samples of each class as take some minutes on
one core: the settings were fixed before any figure was seen, but for the numbers of images and of repeats,
which were raised afterwards, for narrower intervals, and kept whatever came of it. `--record` keeps each
account as KEY.json (KEY-NAME.json for a second set of data), from which ``python docs/write_studies.py``
makes the page.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from medgraft.studies import studies
from medgraft.studies.kit.show import outcome

LARGER = ("mobilenetv2_100.safetensors",)
BOTH = (*LARGER, "squeezenet1_1.safetensors")
MESHNET = "brainchop_meshnet/model5_gw_ae.safetensors@medgraft:meshnet"
CHEST = ["covid_chestxray", "chest_xray_pneumonia=cxr_pneumonia_kermany"]
# Key, or KEY-NAME -> settings of `Study.run`; "data": folders of DATA, as NAME=FOLDER in a layout of its own.
RUNS: dict[str, dict[str, Any]] = {
    "wang2023": {"data": ["bonn_eeg"]},
    "roy2024": {"data": ["wisdm_transformed"]},
    "azizian2024": {"data": ["rbp_sequences"], "limit": 60},
    "taghizadeh2024": {"data": ["eegmmi_s001"]},
    "martinezenguita2023": {"data": ["methylation_age"], "repeats": 5},
    "hong2024": {"data": ["uci_heart_4site"], "repeats": 5},
    "amiri2024": {"data": ["owid_covid"], "repeats": 5},
    "alturki2024": {"data": ["uci_ckd"]},
    "xiang2024": {
        "data": ["wine_quality=uci_wine_quality", "pm25_beijing=uci_pm25_beijing", "heart=uci_heart_4site"]
    },
    "xue2024": {"data": ["uci_parkinsons_telemonitoring"], "limit": 1700},
    "moran2024": {"data": ["ecg5000"], "limit": 60, "backbones": LARGER},
    "jakkaladiki2024": {"data": ["uci_breast_cancer_wisconsin"], "limit": 240, "repeats": 5},
    "gore2024": {"data": ["methylation_age"], "repeats": 5},
    "ma2024": {"data": ["hippocampus_nifti"], "repeats": 5},
    "rasa2024": {"data": ["brain_mri_4class"], "limit": 25, "backbones": BOTH},
    "natha2024": {"data": ["brain_mri_4class"], "limit": 20, "backbones": BOTH},
    "otaibi2024": {"data": ["brain_mri_4class"], "limit": 20, "backbones": LARGER},
    "siddique2024": {"data": ["brain_mri_4class"], "limit": 30, "backbones": LARGER},
    "kumar2024": {"data": ["alzheimer_mri_4class"], "limit": 40, "backbones": LARGER},
    "raza2024": {"data": ["eye_fundus_4class"], "limit": 25, "backbones": LARGER},
    "raza2024-brain": {"data": ["brain_mri_4class"], "limit": 25, "backbones": LARGER},
    "houssein2024": {"data": ["ham10000"], "limit": 25, "backbones": BOTH, "protocol": "honest"},
    "djaroudib2024": {"data": ["ham10000"], "limit": 40, "backbones": LARGER, "protocol": "honest"},
    "alnuaimi2024": {"data": ["ham10000"], "limit": 25, "backbones": BOTH, "protocol": "honest"},
    "elhoseny2023": {"data": ["eye_fundus_4class"], "limit": 50, "backbones": LARGER},
    "madduri2024": {"data": ["eye_fundus_4class"], "limit": 30, "backbones": LARGER},
    "benbakreti2024": {"data": ["mammogram_mias"], "backbones": BOTH},
    "mohan2024": {"data": CHEST, "limit": 40, "backbones": BOTH, "size": 64},
    "ragab2024a": {"data": ["covid_chestxray"], "limit": 30, "backbones": LARGER, "size": 64},
    "ajani2023": {"data": CHEST, "limit": 40, "backbones": BOTH, "size": 64},
    "sambyal2023": {"data": ["eye_fundus_4class"], "limit": 50, "backbones": LARGER, "size": 64},
    "haque2024": {"data": ["blood_cells_bccd"], "limit": 40, "backbones": BOTH, "size": 64},
    "khouadja2024": {"data": ["hippocampus=hippocampus_nifti"], "backbones": (MESHNET, *LARGER), "size": 64},
}


def run(name: str, data: Path, weights: Path, out: Path) -> dict[str, Any]:
    """Run one of `RUNS`, and return its account with the command that repeats it."""
    key = name.partition("-")[0]
    settings = dict(RUNS[name])
    words = ["medgraft studies run", key]
    folders = settings.pop("data")
    words += [f"--data {folder}" for folder in folders]
    settings["data"] = [_below(data, folder) for folder in folders]
    if backbones := settings.pop("backbones", ()):
        words += [f"--backbone {file}" for file in backbones]
        settings |= {"backbones": [str(weights / file) for file in backbones]}
        settings["size"] = settings.get("size", 96)
    settings["protocol"] = settings.get("protocol", "both" if studies[key].leaks else "honest")
    words += [f"--{k} {v}" for k, v in settings.items() if k not in ("data", "backbones")]
    told = studies[key].run(out / name, **settings)
    return told | {"command": " ".join(words)}


def _below(data: Path, folder: str) -> str:
    name, equals, rest = folder.rpartition("=")
    return f"{name}{equals}{data / rest}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Run studies on real data.")
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("keys", nargs="*")
    parser.add_argument("--record", type=Path)
    given = parser.parse_intermixed_args()
    for name in given.keys or RUNS:
        begun = time.process_time()
        told = run(name, given.data, given.weights, given.out)
        print(outcome(studies[name.partition("-")[0]], told))
        print(f"{name}: {time.process_time() - begun:.0f} CPU s\n", flush=True)
        if given.record is not None:
            given.record.mkdir(parents=True, exist_ok=True)
            (given.record / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
