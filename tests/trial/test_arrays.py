"""Trials on signals, sequences and omics, from the command line to the prediction of new samples."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cli.predict import predict
from medgraft.cli.trial import trial
from medgraft.cohort.generate import omics, sequences

QUICK = "scratch:rows=target,epochs=1"
MOVED = "pretrain-finetune:pretrain_epochs=1,epochs=1"


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """40 signals of 20 patients at two sites, in text files; the ill ones are faster."""
    root, rng = tmp_path_factory.mktemp("waves"), np.random.default_rng(0)
    rows, t = [], np.arange(200) / 50
    for i in range(40):
        ill = i // 2 % 2
        values = np.sin(2 * np.pi * (4 + 6 * ill) * t + rng.random()) + rng.normal(size=200)
        np.savetxt(root / f"{i}.txt", values)
        rows.append((f"{i}.txt", ("no", "yes")[ill], f"p{i // 2}", ("north", "south")[i // 20]))
    frame = pd.DataFrame(rows, columns=["signal", "ill", "patient", "site"])
    frame.to_csv(root / "manifest.csv", index=False)
    return root


def shown(run, name):
    return json.loads((run / "result.json").read_text())[name]


def same_as_predicted(run, data, tmp_path, **roles):
    """The command line predicts what the graft does, to the last bit."""
    predict(str(run), str(data), tmp_path / "p.csv", **roles)
    table = pd.read_csv(tmp_path / "p.csv")
    columns = [c for c in table.columns if c.startswith("p_")]
    cohort = mg.read(data, require_label=False, **roles)
    np.testing.assert_array_equal(table[columns].to_numpy(), mg.load(run).predict_proba(cohort))


def test_signals_from_the_command_line_to_a_graft_of_views(waves, tmp_path):
    trial(
        str(waves / "manifest.csv"),
        out=tmp_path / "run",
        label="ill",
        signal="signal",
        group="patient",
        domain="site",
        target="south",
        source=["medgraft:resnet1d"],
        arm=["target-only", "coral", QUICK, MOVED],
        reading="recorded=50",
        view=["band-power:bands=slow@2-7|fast@7-14"],
        folds="2",
        jobs=1,
    )
    arms = {a["name"]: a for a in shown(tmp_path / "run", "arms")}
    assert shown(tmp_path / "run", "control") == "target-only"
    assert set(arms) == {"target-only", "coral", QUICK, MOVED}
    assert shown(tmp_path / "run", "cohort")["kind"] == "signal"
    assert (tmp_path / "run" / "report.html").stat().st_size > 50_000
    same_as_predicted(tmp_path / "run", waves / "manifest.csv", tmp_path, signal="signal")


def test_the_graft_of_a_network_reads_new_signals_as_it_was_taught(waves, tmp_path):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient")
    source = mg.Pretrained("medgraft:resnet1d")
    made = mg.Trial(data, [QUICK], source=source, folds=2, reading="recorded=50,seconds=2,scale=zscore")
    result = made.run(tmp_path / "run")
    assert result.data["control"] == QUICK
    same_as_predicted(tmp_path / "run", waves / "manifest.csv", tmp_path, signal="signal")
    assert mg.load(tmp_path / "run").model.backbone_.array.shape == (1, 100)


@pytest.mark.parametrize(("asked", "drawn"), [("", "scalogram"), (",picture=stockwell", "stockwell")])
def test_a_network_of_images_sees_signals_as_pictures(waves, tmp_path, asked, drawn):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient")
    source = mg.Pretrained("timm:mobilenetv2_100", size=32)
    made = mg.Trial(data, ["scratch:epochs=0"], source=source, folds=2, reading=f"recorded=50{asked}")
    assert made.bench.pretrained.array.picture == drawn
    if not asked:
        assert made.run(tmp_path / "run").predictions["p_0"].between(0, 1).all()


def test_resuming_a_trial_with_other_views_is_refused(waves, tmp_path):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient", domain="site")
    settings = {"target": "south", "folds": 2, "reading": "recorded=50"}
    mg.Trial(data, ["target-only", "pooled"], views=["statistics"], **settings).run(tmp_path / "run")
    other = mg.Trial(data, ["target-only", "pooled"], views=["stft"], **settings)
    with pytest.raises(MedgraftError):
        other.run(tmp_path / "run", resume=True)


def test_sequences_are_learnt_from_by_views_and_by_networks(tmp_path):
    made = sequences(tmp_path / "s.fasta", 40, length=30, motif="GGGGCC", sites=("a", "b"))
    made.table.to_csv(tmp_path / "s.csv", index=False)
    data = mg.read(tmp_path / "s.csv", label="label", sequence="sequence", group="patient", domain="site")
    assert data.kind == "sequence"
    source = mg.Pretrained("medgraft:sequence_cnn")
    arms = ["target-only", "pooled", MOVED, QUICK]
    result = mg.Trial(data, arms, source=source, target="b", folds=2).run(tmp_path / "run")
    assert {a["name"] for a in result.arms} == set(arms)
    same_as_predicted(tmp_path / "run", tmp_path / "s.csv", tmp_path, sequence="sequence")


def test_omics_are_learnt_from_as_they_are(tmp_path):
    omics(tmp_path / "m.csv", 24, 60, informative=10, effect=2.0, sites=("a", "b"))
    roles = {"omics": str(tmp_path / "m.csv")}
    data = mg.read(tmp_path / "m_samples.csv", label="label", domain="site", group="patient", **roles)
    assert data.kind == "omics"
    result = mg.Trial(data, ["target-only", "pooled"], target="b", folds=2).run(tmp_path / "run")
    assert np.isfinite(result.predictions["p_1"]).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"views": ["kmers"]}, "The view 'kmers' is of a sequence, not of a signal"),
        ({"reading": "rte=4"}, "has no setting 'rte'. Did you mean 'rate'"),
        ({"reading": "seconds=9,recorded=50"}, r"lasts 4 seconds, and 9 are asked for"),
        ({"arms": ["linear-probe"], "source": "medgraft:eegnet"}, "no weights to download: give a file"),
        ({"arms": ["finetune"]}, "needs a pretrained network"),
    ],
)
def test_what_cannot_be_read_so_is_one_sentence(waves, settings, says):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient", domain="site")
    given = {"arms": ["target-only", "pooled"], "target": "south", "folds": 2} | settings
    with pytest.raises(MedgraftError, match=says):
        mg.Trial(data, given.pop("arms"), **given).plan()


def test_views_and_readings_are_for_samples_that_have_them():
    frame = pd.DataFrame({"a": np.arange(20.0), "ill": ["y", "n"] * 10, "site": ["s"] * 10 + ["t"] * 10})
    data = mg.read(frame, label="ill", domain="site")
    for settings in ({"views": ["stft"]}, {"reading": "rate=4"}):
        with pytest.raises(MedgraftError, match="leave it out"):
            mg.Trial(data, ["target-only", "pooled"], target="t", folds=2, **settings)


@pytest.mark.parametrize(
    ("arms", "control"),
    [
        (["scratch:epochs=1", MOVED], "target-only"),  # scratch learns from the source, too
        (["scratch:epochs=1", QUICK, MOVED], QUICK),
        (["target-only", QUICK, MOVED], "target-only"),
        ([mg.arm("scratch", rows="target"), MOVED], 'scratch:rows="target"'),
    ],
)
def test_the_control_learns_from_no_source(waves, arms, control):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient", domain="site")
    given = {"source": "medgraft:resnet1d", "target": "south", "folds": 2, "reading": "recorded=50"}
    assert mg.Trial(data, arms, **given).control == control


def test_by_default_a_network_of_the_target_alone_stands_beside_the_one_that_was_taught_before(waves):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient", domain="site")
    given = {"source": "medgraft:resnet1d", "target": "south", "folds": 2, "reading": "recorded=50"}
    names = {a.name for a in mg.Trial(data, **given).arms}
    assert {"target-only", "scratch", "scratch:rows=target", "pretrain-finetune"} <= names


def test_the_unit_of_a_trial_is_the_same_whatever_it_is_tested_on(waves, tmp_path):
    data = mg.read(waves / "manifest.csv", label="ill", signal="signal", group="patient")
    loud = []
    for i in (0, 2, 21, 23):
        np.savetxt(tmp_path / f"{i}.txt", 50 * np.loadtxt(waves / f"{i}.txt"))
        loud.append((str(tmp_path / f"{i}.txt"), ("no", "yes")[i // 2 % 2], f"new{i}"))
    test = mg.read(
        pd.DataFrame(loud, columns=["signal", "ill", "patient"]),
        label="ill",
        signal="signal",
        group="patient",
    )
    given = {"source": "medgraft:resnet1d", "reading": "recorded=50"}
    units = [mg.Trial(data, [QUICK], test=t, **given).readings["signal"].unit for t in (None, test)]
    assert units[0] == units[1]
