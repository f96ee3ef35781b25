"""[45]: what a sample is, who is the source, what semi-deep fine-tuning moves, and the leak of pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample
from medgraft.methods.finetune.pretrain_finetune import PretrainFinetune
from medgraft.sources import Pretrained
from medgraft.sources.arrays import agreed
from medgraft.studies.kit import leaks
from medgraft.studies.taghizadeh2024 import pairs, small
from medgraft.trial import Trial

NET = "medgraft:cnn1d"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return small(tmp_path_factory.mktemp("eeg"), 0)


@pytest.fixture(scope="module")
def made(recordings, tmp_path_factory):
    return pairs(recordings, tmp_path_factory.mktemp("pairs"), 2.0)


def test_a_sample_is_the_left_and_right_electrode_of_a_trial_from_0_to_1(made, recordings):
    first = open_sample("signal", made.table["signal"].iloc[1])  # the second pair of the first trial
    whole = open_sample("signal", recordings.table["signal"].iloc[0])
    at = [next(k for k, c in enumerate(whole.channels) if c.endswith(name)) for name in ("C3", "C4")]
    raw = whole.values[at, :256]
    assert np.allclose(first.values, (raw - raw.min()) / (raw.max() - raw.min()), atol=1e-6)
    assert (first.values.min(), first.values.max()) == (0, 1)


def test_each_trial_gives_three_pairs_and_the_last_subject_is_the_target(made):
    assert (made.table.groupby("trial").size() == 3).all()
    subject = made.table["trial"].str[:4]
    assert set(subject[made.table["part"] == "target"]) == {"S003"}
    assert set(subject[made.table["part"] == "source"]) == {"S001", "S002"}
    assert set(made.table["label"]) == {"rest", "left", "right"}


def test_what_a_cue_means_hangs_on_the_run_and_one_subjects_source_is_real_movement(recordings, tmp_path):
    own = recordings.table["file"].str.startswith("S001").to_numpy()
    one = recordings.select(np.flatnonzero(own))
    names = one.table["file"].str.replace("R04", "R03").str.replace("R08", "R06")
    got = pairs(replace(one, table=one.table.assign(file=names)), tmp_path, 2.0).table
    real = got["trial"].str.contains("R03")
    assert (got["part"] == np.where(real, "source", "target")).all()
    assert set(got.loc[real, "label"]) == {"rest", "left", "right"}
    assert set(got.loc[~real, "label"]) == {"rest", "fists", "feet"}


def test_recordings_of_other_names_are_refused_in_one_sentence(recordings, tmp_path):
    other = replace(recordings, table=recordings.table.assign(file="night.edf"))
    with pytest.raises(MedgraftError, match="S001R04"):
        pairs(other, tmp_path, 2.0)


def test_the_lower_blocks_stay_as_the_source_left_them_and_the_upper_ones_move(recordings, tmp_path):
    few = pairs(recordings, tmp_path, 0.5)
    few = few.select(np.r_[0:12, few.n - 12 : few.n])
    net = Pretrained(NET, array=agreed("signal", few.table["signal"].tolist())[0])

    def weights(epochs: int) -> dict[str, np.ndarray]:
        model = PretrainFinetune(
            net,
            pretrain_epochs=1,
            epochs=epochs,
            layers="conv3-dense4",
            validation=0.0,
            views=1,
            device="cpu",
        )
        model.fit(few.X, few.y, domain=few.domains, target="target")
        return {name: t.detach().numpy().copy() for name, t in model.backbone_.tensors().items()}

    before, after = weights(0), weights(2)
    still = {name.split(".")[0] for name in before if np.array_equal(before[name], after[name])}
    moved = {name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])}
    assert {"conv1", "norm1", "conv2", "norm2"} <= still
    assert {"conv3", "dense1", "dense4"} <= moved and "conv1" not in moved


def test_pairs_of_one_trial_part_only_as_published(made):
    def torn(cohort: mg.Cohort) -> int:
        trial = Trial(cohort, ["target-only"], target="target", folds=2, views=["statistics"])
        tested = made.table["trial"].to_numpy()[trial.splits[0].test]
        return sum(n < 3 for n in pd.Series(tested).value_counts())

    assert torn(made) == 0
    assert torn(leaks.ungrouped(made)) > 5


@pytest.mark.slow
def test_as_published_the_epoch_with_the_best_tested_rows_is_the_studys(tmp_path):
    told = mg.studies["taghizadeh2024"].run(tmp_path, generated=True, protocol="as_published")
    headline, trial = told["experiments"]
    values = {a["name"]: a["value"] for a in trial["arms"] if "conv3-dense4" in a["name"]}
    assert len(values) == 2 and values[trial["method"]] == max(values.values())
    assert headline["method"] == trial["method"] and headline["control"].startswith("scratch")
