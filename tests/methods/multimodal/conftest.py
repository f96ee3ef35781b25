"""Patients with an image, a sequence and a table, each of which some of them lack."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import generate
from medgraft.methods.views import ViewFeatures
from medgraft.sources import Pretrained
from medgraft.sources.arrays import SequenceReading, reading_to_dict
from samples import network_file

LENGTH = 30


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    return Pretrained(str(network_file(tmp_path_factory.mktemp("network") / "small.safetensors")))


@pytest.fixture(scope="session")
def views():
    return ViewFeatures(["kmers:k=2"], reading_to_dict(SequenceReading(LENGTH)))


@pytest.fixture(scope="session")
def patients(tmp_path_factory):
    """48 rows of 24 patients, and who they are; ``sex`` says something of the label, too."""
    folder = tmp_path_factory.mktemp("several")
    made = generate.several(folder, 24, absent=0.2, size=24, length=LENGTH, rows_per_patient=2, seed=4)
    frame = made.table[["image", "sequence", "marker", "label", "patient"]].copy()
    frame["image"] = [None if pd.isna(name) else str(folder / name) for name in frame["image"]]
    rng = np.random.default_rng(0)
    frame["sex"] = np.where((frame["label"] == "ill") ^ (rng.random(48) < 0.3), "f", "m")
    frame.loc[rng.random(48) < 0.2, ["marker", "sex"]] = None
    return frame
