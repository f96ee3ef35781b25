"""Trials of segmentation: discs on noise, and balls in volumes."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cli.predict import predict
from medgraft.cli.trial import trial as verb
from medgraft.cohort.media import open_sample
from medgraft.evidence.metrics.overlap import dice, hd95, iou
from medgraft.methods import entries
from medgraft.methods.registry import Method
from medgraft.trial.outlines import columns, figures, measure, notes
from samples import network_file

ARMS = ["unet:epochs=1", "unet-scratch:epochs=1"]


def _disc(rng, size=32):
    """A bright disc with a brighter core, on noise: values 0, 1, 4."""
    y, x = np.mgrid[:size, :size]
    r = np.hypot(y - rng.uniform(10, size - 10), x - rng.uniform(10, size - 10))
    mask = np.where(r < 4, 4, np.where(r < 8, 1, 0)).astype(np.uint8)
    return np.clip(60 + 25 * mask + rng.normal(0, 8, mask.shape), 0, 255).astype(np.uint8), mask


def discs(root, patients, seed=0):
    """Write images/ and masks/ with two images of each patient, in a folder of his own."""
    rng = np.random.default_rng(seed)
    for p in range(patients):
        for k in range(2):
            for folder, values in zip(("images", "masks"), _disc(rng), strict=True):
                path = root / folder / f"p{seed}{p}" / f"{k}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(path)
    return root


def balls(root, n):
    """Write volumes of 2 mm slices with a ball of value 1, and their label maps."""
    rng = np.random.default_rng(5)
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for i in range(n):
        x, y, z = np.mgrid[:20, :20, :8]
        inside = (x - rng.uniform(7, 13)) ** 2 + (y - 10) ** 2 + 4 * (z - 4) ** 2 < 36
        values = 100 * inside + rng.normal(0, 10, inside.shape)
        for folder, array in (("images", values.astype(np.float32)), ("labels", inside.astype(np.uint8))):
            nib.save(nib.Nifti1Image(array, np.diag([1, 1, 2, 1])), root / folder / f"v{i}.nii.gz")
    return root


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return network_file(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("discs")
    return discs(root / "train", 4), discs(root / "test", 4, seed=1)


@pytest.fixture(scope="module")
def run(folders, network, tmp_path_factory):
    train, test = (mg.read(f, group="folder") for f in folders)
    return mg.Trial(train, ARMS, source=str(network), test=test).run(tmp_path_factory.mktemp("run") / "out")


def test_the_figures_of_a_mask_are_those_of_its_classes_and_their_means():
    rng = np.random.default_rng(2)
    truth, found = rng.choice([0, 1, 4], (2, 9, 9))
    found[found == 4] = 0
    row = dict(zip(columns([0, 1, 4]), measure(truth, found, [0, 1, 4], 1.0), strict=True))
    for name, fn in (("dice", dice), ("iou", iou), ("hd95", hd95)):
        each = fn(truth, found, [1, 4])
        assert [row[f"{name}_1"], row[f"{name}_4"]] == each.tolist() and row[name] == each.mean()
    assert row["missed"] == 1 and row["empty"] == 0


def test_a_class_that_neither_mask_has_is_no_merit():
    truth = np.zeros((6, 6), int)
    truth[:2] = 1
    nothing, values = np.zeros_like(truth), [0, 1, 2, 3, 4]

    def told(a, b):
        return dict(zip(columns(values), measure(a, b, values, 1.0), strict=True))

    assert told(truth, nothing)["dice"] == told(nothing, truth)["dice"] == 0.0
    assert told(truth, nothing)["hd95"] == pytest.approx(np.hypot(6, 6))
    assert told(nothing, nothing)["dice"] == 1.0 and told(nothing, nothing)["empty"] == 1
    half = np.where(np.arange(6)[:, None] < 1, 1, nothing)
    assert told(truth, half)["dice"] == dice(truth, half, [1])[0]


def test_where_true_masks_are_empty_it_is_said_what_drawing_nothing_would_reach():
    frame = pd.DataFrame(
        {"row": range(4), "dice": [1.0, 0.0, 1.0, 0.6], "missed": [0, 1, 0, 0], "empty": [1, 1, 1, 0]}
    )
    _, said = notes(frame)
    assert "3 of 4 true masks hold nothing" in said and "a mean Dice of 0.750" in said
    assert "Something was drawn on 1 of them; on the others Dice is 0.600." in said


def test_a_trial_of_outlines_keeps_figures_and_no_file_name(run, folders):
    assert (run.data["task"], run.data["metric"], run.data["better"]) == ("segmentation", "dice", "higher")
    assert run.data["control"] == "unet-scratch:epochs=1" and run.data["n"] == 8
    assert set(run.arms[0]["metrics"]) == {"dice", "iou", "hd95"}
    frame = pd.read_parquet(run.out / "predictions.parquet")
    assert set(columns([0, 1, 4])) <= set(frame) and "y_true" not in frame and len(frame) == 16
    for a in run.arms:
        own = frame.query("arm == @a['name']")
        assert a["value"] == pytest.approx(own["dice"].mean(), abs=1e-12)
        assert own["dice"].to_numpy() == pytest.approx(own[["dice_1", "dice_4"]].mean(axis=1), abs=1e-12)
    for file in ("result.json", "plan.json", "log.jsonl"):
        assert ".png" not in (run.out / file).read_text()
    assert not frame.select_dtypes(["object", "str"]).apply(lambda c: c.str.contains("png")).any(axis=None)
    assert "examples" not in run.data and not (run.out / "examples").exists()
    assert run.data["question"].endswith("help to outline the images of 'train'?")


def test_the_graft_outlines_as_the_scored_model_to_the_last_bit(run, folders, tmp_path):
    data = mg.read(folders[1], group="folder")
    scored = run.predictions.query("arm == @run.chosen").sort_values("row")[columns([0, 1, 4])].to_numpy()
    masks = run.graft.predict(data)
    again = [measure(open_sample("mask", t), m, [0, 1, 4], 1.0) for t, m in zip(data.y, masks, strict=True)]
    np.testing.assert_array_equal(np.array(again), scored)

    predict(str(run.out), str(folders[1]), tmp_path / "masks")
    table = pd.read_csv(tmp_path / "masks" / "predictions.csv")
    assert table["file"].tolist()[:2] == ["images/p10/0.png", "images/p10/1.png"]
    for i, mask in enumerate(masks):
        np.testing.assert_array_equal(open_sample("mask", str(tmp_path / "masks" / table["mask"][i])), mask)
        assert table["pixels_4"][i] == (mask == 4).sum()
    pd.testing.assert_frame_equal(run.graft.table(data), table.drop(columns=["file", "mask"]))
    with pytest.raises(MedgraftError, match="predicts masks, not classes"):
        run.graft.predict_proba(data)


def test_a_resumed_trial_has_the_figures_of_an_uninterrupted_one(folders, network, tmp_path, monkeypatch):
    from medgraft.trial import work

    def trial():
        cohort = mg.read(folders[0], group="folder")
        return mg.Trial(cohort, ARMS, source=str(network), folds=2, labels_per_class=[2, 3])

    whole = trial().run(tmp_path / "whole")
    done, task = [], work.run_task

    def cut(*args):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(1)
        return task(*args)

    monkeypatch.setattr(work, "run_task", cut)
    with pytest.raises(KeyboardInterrupt):
        trial().run(tmp_path / "cut")
    monkeypatch.setattr(work, "run_task", task)
    resumed = trial().run(tmp_path / "cut", resume=True)
    pd.testing.assert_frame_equal(resumed.predictions, whole.predictions)
    assert resumed.comparisons == whole.comparisons
    assert {p["labels_per_class"] for p in whole.data["learning_curve"]} == {2, 3}


class Brightness:
    """Outlines what is nearer in brightness to a class's mean, in any order of the rows.

    For tests.
    """

    def __init__(self, task="segmentation"):
        self.task = task

    def get_params(self, deep=True):
        return {"task": self.task}

    def set_params(self, **params):
        self.task = params.get("task", self.task)
        return self

    def fit(self, X, y, *, labelled, groups, **more):
        sums = {}
        for ref, mask, use in zip(X["image"], y, labelled, strict=True):
            if use:
                values, codes = np.asarray(open_sample("image", ref)), open_sample("mask", mask)
                for k in np.unique(codes):
                    part = values[codes == k].astype(int)
                    old = sums.get(int(k), (0, 0))
                    sums[int(k)] = (old[0] + int(part.sum()), old[1] + part.size)
        self.classes_ = np.array(sorted(sums))
        self.means_ = np.array([sums[k][0] / sums[k][1] for k in self.classes_])
        return self

    def predict(self, X):
        images = (np.asarray(open_sample("image", ref)).astype(float) for ref in X["image"])
        return [self.classes_[np.abs(v[..., None] - self.means_).argmin(axis=-1)] for v in images]


@pytest.fixture
def brightness(monkeypatch):
    own = Method(
        *("brightness", Brightness, "segment", ("segmentation",), ("images", "masks")),
        *("", (), "transfer", False, ""),
    )
    dict(entries)  # filled
    monkeypatch.setitem(entries._entries, "brightness", own)


def test_figures_follow_patients_and_not_the_order_of_rows(folders, network, tmp_path, brightness):
    found = []
    for turn in (slice(None), slice(None, None, -1)):
        cohort = mg.read(folders[0], group="folder")
        cohort = cohort.select(np.arange(cohort.n)[turn])
        arms = ["brightness", "unet-scratch:epochs=1,size=32"]
        trial = mg.Trial(cohort, arms, source=str(network), folds=2, seed=4)
        own = trial.run(tmp_path / str(turn.step)).predictions.query("arm == 'brightness'")
        files = cohort.table["file"].to_numpy()[own["row"]]
        found.append(own.assign(file=files).set_index("file").sort_index())
    assert found[0][["fold", "dice", "hd95_4"]].equals(found[1][["fold", "dice", "hd95_4"]])
    assert found[0]["dice"].mean() > 0.5


def test_volumes_are_outlined_in_millimetres_from_the_command_line_to_files(network, tmp_path):
    data = balls(tmp_path / "data", 4)
    verb(
        str(data),
        out=tmp_path / "run",
        source=[str(network)],
        arm=["unet:epochs=1,slices=1"],
        folds="2",
        jobs=1,
        examples=True,
    )
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["control"] == "unet-scratch" and result["cohort"]["kind"] == "volume"
    predict(str(tmp_path / "run"), str(data), tmp_path / "masks")
    table = pd.read_csv(tmp_path / "masks" / "predictions.csv")
    for i, name in enumerate(table["mask"]):
        mask = nib.load(tmp_path / "masks" / name)
        assert mask.shape == (20, 20, 8) and (mask.affine == np.diag([1, 1, 2, 1])).all()
        assert table["ml_1"][i] == pytest.approx(2 * (np.asarray(mask.dataobj) == 1).sum() / 1000)

    planned = {a["name"]: a for a in json.loads((tmp_path / "run" / "plan.json").read_text())["arms"]}
    assert "random weights" in planned["unet-scratch"]["load"]
    assert planned["unet:epochs=1,slices=1"]["learning_rates"]["head"] > 0

    frame = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    own = frame[frame["arm"] == result["chosen"]]["dice"].sort_values()
    assert [e["dice"] for e in result["examples"]] == [own.iloc[1], own.iloc[0]]
    for what in ("median", "worst"):
        shown = np.asarray(Image.open(tmp_path / "run" / "examples" / f"{what}.png")).astype(int)
        assert shown.shape == (360, 728, 3)  # 20 x 20 voxels, 18 times as large, twice, and a gap
        left, right = shown[:, :360], shown[:, 368:]
        assert (left == left[..., :1]).all() and (right != left).any()
    assert "<img" in (tmp_path / "run" / "report.html").read_text()


def test_distances_follow_the_spacing_of_the_volume(tmp_path):
    balls(tmp_path, 1)
    X = pd.DataFrame({"volume": [str(tmp_path / "images" / "v0.nii.gz")]})
    truth = open_sample("mask", str(tmp_path / "labels" / "v0.nii.gz"))

    class Moved:
        def predict(self, X):
            return [np.roll(truth, 1, axis=2)]  # one slice of 2 mm

    (row,) = figures(Moved(), X, [str(tmp_path / "labels" / "v0.nii.gz")], [0, 1])
    assert row[columns([0, 1]).index("hd95")] == 2.0


def test_what_cannot_outline_is_refused_in_one_sentence(folders, network, tmp_path):
    cohort = mg.read(folders[0], group="folder")
    for arm in ("majority", "linear-probe", "guarded"):
        with pytest.raises(MedgraftError, match=f"'{arm}' cannot do segmentation"):
            mg.Trial(cohort, [arm], source=str(network), folds=2)
    with pytest.raises(MedgraftError, match="needs a pretrained network"):
        mg.Trial(cohort, ["unet"], folds=2)
    with pytest.raises(MedgraftError, match="has no metric 'auroc'"):
        mg.Trial(cohort, ARMS, source=str(network), folds=2, metric="auroc")
    labelled = mg.read(pd.DataFrame({"x": range(8), "ill": [0, 1] * 4}), label="ill")
    with pytest.raises(MedgraftError, match="outlines and of images, and this is binary"):
        mg.Trial(labelled, ["target-only"], folds=2, examples=True)
    with pytest.raises(MedgraftError, match="no control that outlines"):
        mg.Trial(cohort, ARMS, source=str(network), folds="time")
    with pytest.raises(MedgraftError, match="images|masks"):
        mg.Trial(labelled, ["unet"], folds=2)
    odd = shutil.copytree(folders[0], tmp_path / "odd")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(odd / "masks" / "p00" / "0.png")
    with pytest.raises(MedgraftError, match=r"0\.png' is 5x5 and its image 32x32"):
        mg.Trial(mg.read(odd), ARMS, source=str(network), folds=2).plan()


def test_volumes_are_outlined_in_three_dimensions_from_scratch_and_then_from_that_run(tmp_path):
    first, second = (mg.read(balls(tmp_path / name, 6)) for name in ("one", "two"))
    quick = "epochs=1,widths=4-8"
    run = mg.Trial(first, [f"unet3d-scratch:{quick}"], folds=2).run(tmp_path / "first")
    assert run.data["control"] == f"unet3d-scratch:{quick}" and (tmp_path / "first" / "graft").is_dir()
    arms = ["unet3d:epochs=1", f"unet3d-scratch:{quick}"]
    trial = mg.Trial(second, arms, source=str(tmp_path / "first"), folds=2)
    assert "unet3d" in str(trial.plan())
    again = trial.run(tmp_path / "second")
    assert {a["name"] for a in again.arms} == set(arms) and again.data["control"] == arms[1]
    model = trial.build(trial.arms[0], trial.splits[0])
    start = model.set_params(epochs=1)._weights()
    assert all(np.array_equal(t, run.graft.method.network_.state_dict()[n]) for n, t in start.items())
