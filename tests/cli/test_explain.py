from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.naive_bayes import GaussianNB
from typer.testing import CliRunner

import medgraft.cli.explain
import medgraft.cli.predict  # noqa: F401 - an app of one verb has no verbs
from medgraft.cli.app import app
from medgraft.cli.explain_samples import _forgot
from medgraft.cohort import read
from medgraft.graft import load, save
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.explain import Sanity, attribute, nearest, shap_values
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.fusion import Fusion
from medgraft.sources import Pretrained
from samples import image_folder, network_file, two_sites


def run(*words: object, code: int = 0) -> str:
    """Run a command line in this process and return all it printed."""
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def told(out):
    return json.loads((out / "explanation.json").read_text())


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A graft of a table, its training data, and new patients."""
    root = tmp_path_factory.mktemp("tables")
    frame = two_sites().drop(columns="site")
    frame["name"] = [f"p{i // 2}" for i in range(len(frame))]
    frame.iloc[:100].to_csv(root / "train.csv", index=False)
    frame.iloc[100:112].to_csv(root / "new.csv", index=False)
    cohort = read(root / "train.csv", label="ill", group="name")
    save(root / "graft", Pooled().fit(cohort.X, cohort.y), cohort, {"arm": "pooled"})
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A graft of images, and the folder it has learnt from."""
    root = tmp_path_factory.mktemp("pictures")
    cohort = read(image_folder(root / "data", per_class=6))
    model = FineTune(str(network_file(root / "net.safetensors")), epochs=1, device="cpu")
    save(root / "graft", model.fit(cohort.X, cohort.y), cohort, {"arm": "finetune"})
    return root


def test_a_table_s_columns_are_told_with_the_nearest_known_patients(tables, tmp_path):
    out = tmp_path / "out"
    words = ("--group", "name", "--cohort", tables / "train.csv", "--sample", "p51", "--out", out)
    said = run("explain", tables / "graft", tables / "new.csv", *words)
    facts = told(out)
    assert [one["row"] for one in facts["samples"]] == [2, 3] and "row 2 (p51)" in said
    new, train = (pd.read_csv(tables / f"{name}.csv") for name in ("new", "train"))
    graft = load(tables / "graft")
    truth = shap_values(graft, new.iloc[2:4], train, group=train["name"])
    values = pd.read_csv(out / "values.csv")
    assert np.allclose(values["value"].to_numpy().reshape(2, -1), truth.values)
    assert facts["samples"][0]["score"] == pytest.approx(truth.score[0])
    assert "patients of --cohort" in said and facts["way"] == "linear"
    near = nearest(graft, new.iloc[2:4], train, k=5, group=train["name"])
    assert [c["distance"] for c in facts["samples"][0]["nearest"]] == pytest.approx(near.distance[0])
    ids = [f"row {r} ({train['name'][r]})" for r in near.rows[0]]
    assert [c["id"] for c in facts["samples"][0]["nearest"]] == ids
    assert [c["label"] for c in facts["samples"][0]["nearest"]] == train["ill"][near.rows[0]].tolist()


def test_the_page_needs_no_other_file_and_every_picture_has_words(tables, tmp_path):
    run("explain", tables / "graft", tables / "new.csv", "--sample", 0, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "explanation.html").read_text()
    assert page.count("data:image/png;base64,") == page.count('<img alt="') == 1
    assert "src=" not in page.replace('src="data:', "") and "href=" not in page
    assert str(tables) not in page and str(tables) not in (tmp_path / "out" / "explanation.json").read_text()
    assert Image.open(tmp_path / "out" / "sample-1.png").size[0] > 500


def test_without_a_cohort_the_data_themselves_are_the_background(tables, tmp_path):
    said = run("explain", tables / "graft", tables / "new.csv", "--out", tmp_path / "out", "--target", "yes")
    assert "the patients of DATA" in said and len(told(tmp_path / "out")["samples"]) == 3
    assert {one["target"] for one in told(tmp_path / "out")["samples"]} == {"yes"}


def test_images_get_maps_and_a_test_of_them(pictures, tmp_path):
    out = tmp_path / "out"
    words = (
        "--sample",
        "0-1.jpg",
        "--sample",
        "right/0-2.jpg",
        "--target",
        "left",
        "--faithful",
        "--out",
        out,
    )
    said = run("explain", pictures / "graft", pictures / "data", *words)
    facts = told(out)
    names = [one["sample"] for one in facts["samples"]]
    assert names == ["left/0-1.jpg", "right/0-1.jpg", "right/0-2.jpg"]  # both files of that name
    assert facts["method"] == "grad-cam" and {one["target"] for one in facts["samples"]} == {"left"}
    (truth,) = attribute(load(pictures / "graft"), str(pictures / "data" / "left" / "0-1.jpg"), target="left")
    assert facts["samples"][0]["score"] == pytest.approx(truth.score, rel=1e-5)
    assert facts["faithfulness"]["deletion_difference"]["n_groups"] == 3
    assert facts["sanity"]["stages"][0]["down_to"] == "head" and "Sanity:" in said
    assert all((out / f"sample-{k}.png").exists() for k in (1, 2, 3))


@pytest.mark.parametrize("method", ["grad-cam++", "integrated-gradients", "occlusion"])
def test_every_method_has_its_name(pictures, tmp_path, method):
    words = ("--sample", 0, "--method", method, "--out", tmp_path / "out")
    run("explain", pictures / "graft", pictures / "data", *words)
    facts = told(tmp_path / "out")
    assert facts["method"] == method
    if method == "integrated-gradients":
        assert facts["samples"][0]["facts"]["completeness_error"] < 0.2


def test_a_volume_is_shown_in_three_planes(pictures, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for k in range(8):
        values = rng.uniform(0, 20, (12, 10, 8)).astype(np.float32)
        values[2:5, 3:6, 2:6] += 80 * (k % 2)
        nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 1, 2, 1])), tmp_path / f"v{k}.nii.gz")
        rows.append({"scan": f"v{k}.nii.gz", "ill": "yes" if k % 2 else "no"})
    pd.DataFrame(rows).to_csv(tmp_path / "scans.csv", index=False)
    cohort = read(tmp_path / "scans.csv", label="ill", volume="scan")
    source = Pretrained(str(pictures / "net.safetensors"), volume="slices=4,window=own")
    model = FineTune(source, epochs=1, device="cpu").fit(cohort.X, cohort.y)
    save(tmp_path / "graft", model, cohort, {})
    words = ("--volume", "scan", "--sample", "v3", "--out", tmp_path / "out")
    said = run("explain", tmp_path / "graft", tmp_path / "scans.csv", *words)
    one = told(tmp_path / "out")["samples"][0]
    assert one["sample"] == "v3.nii.gz" and len(one["strongest"]) == 3 and "v3.nii.gz: Grad-CAM" in said
    width, height = Image.open(tmp_path / "out" / "sample-1.png").size
    assert width > 1000 and height > 800


def test_an_image_beside_columns_counts_as_one_of_them(pictures, tmp_path):
    files = sorted((pictures / "data").rglob("*.jpg"))
    frame = pd.DataFrame({"file": [str(f) for f in files], "age": np.arange(12.0)})
    frame["ill"] = np.where(frame["age"] % 3 == 0, "yes", "no")
    frame.to_csv(tmp_path / "both.csv", index=False)
    cohort = read(tmp_path / "both.csv", label="ill", image="file", features=["age"])
    model = Fusion([str(pictures / "net.safetensors")], columns=["age"], device="cpu")
    save(tmp_path / "graft", model.fit(cohort.inputs, cohort.y), cohort, {})
    words = ("--image", "file", "--sample", 0, "--out", tmp_path / "out")
    run("explain", tmp_path / "graft", tmp_path / "both.csv", *words)
    facts = told(tmp_path / "out")
    assert facts["method"] == "shap" and {c["column"] for c in facts["samples"][0]["columns"]} == {
        "image",
        "age",
    }


def test_mistakes_end_in_a_sentence_and_write_nothing(tables, pictures, tmp_path, monkeypatch):
    table = ("explain", tables / "graft", tables / "new.csv", "--out", tmp_path / "out")
    images = ("explain", pictures / "graft", pictures / "data", "--out", tmp_path / "out")
    assert "There is no sample '99' in 'new', of 12 rows" in run(*table, "--sample", 99, code=2)
    assert "Did you mean 'p51'" in run(*table, "--group", "name", "--sample", "p151", code=2)
    assert "use shap" in run(*table, "--method", "grad-cam", code=2)
    assert "Did you mean 'grad-cam'" in run(*images, "--method", "gradcam", code=2)
    assert "no class 'lefty' among left, right. Did you mean 'left'" in run(
        *images, "--target", "lefty", code=2
    )
    assert "needs a vision transformer" in run(*images, "--method", "rollout", code=2)
    assert "--faithful tests maps" in run(*table, "--faithful", code=2)
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in run(*table[:3], "--out", file, code=2)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    assert "pip install 'medgraft[explain]'" in run(*images, "--method", "occlusion", code=2)
    fake = SimpleNamespace(manifest={"kind": "volume", "task": "segmentation"}, outlines=True)
    monkeypatch.setattr("medgraft.graft.load", lambda path: fake)
    assert "This graft outlines" in run(*images, code=2)
    assert not (tmp_path / "out").exists()


def test_columns_are_not_asked_of_images_alone_nor_is_a_file_told_as_a_value(pictures, tmp_path):
    out = tmp_path / "out"
    words = ("explain", pictures / "graft", pictures / "data", "--method", "shap", "--out", out)
    said = run(*words, code=2)
    assert "no columns beside them" in said and "data/left" not in said and not out.exists()
    one = pictures / "data" / "left" / "0-1.jpg"
    said = run("explain", pictures / "graft", one, "--out", out, code=2)
    assert "is one image" in said and "--sample 0-1.jpg" in said


def test_no_path_of_an_image_stands_beside_its_value(pictures, tmp_path):
    files = sorted((pictures / "data").rglob("*.jpg"))
    frame = pd.DataFrame({"file": [str(f) for f in files], "age": np.arange(12.0)})
    frame["ill"] = np.where(frame["age"] % 3 == 0, "yes", "no")
    frame.to_csv(tmp_path / "both.csv", index=False)
    cohort = read(tmp_path / "both.csv", label="ill", image="file", features=["age"])
    model = Fusion([str(pictures / "net.safetensors")], columns=["age"], device="cpu")
    save(tmp_path / "graft", model.fit(cohort.inputs, cohort.y), cohort, {})
    words = ("--image", "file", "--sample", 1, "--out", tmp_path / "out")
    said = run("explain", tmp_path / "graft", tmp_path / "both.csv", *words)
    assert "image (" in said and "image =" not in said and "age = 1" in said


def test_an_earlier_explanation_is_replaced_whole_or_not_at_all(tables, tmp_path):
    out = tmp_path / "out"
    words = ("explain", tables / "graft", tables / "new.csv", "--out", out)
    run(*words)
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    assert {"sample-1.png", "sample-2.png", "sample-3.png"} <= set(before)
    assert "holds an explanation" in run(*words, "--sample", 7, code=2)
    assert {f.name: f.read_bytes() for f in out.iterdir()} == before
    (out / "mine.txt").write_text("mine")
    run(*words, "--sample", 7, "--overwrite")
    assert sorted(f.name for f in out.glob("*.png")) == ["sample-1.png"] and (out / "mine.txt").exists()
    assert [one["row"] for one in told(out)["samples"]] == [7]


def test_a_sample_found_by_a_patient_is_called_by_that_name(tables, tmp_path):
    said = run("explain", tables / "graft", tables / "new.csv", "--sample", "p51", "--out", tmp_path / "out")
    assert [one["sample"] for one in told(tmp_path / "out")["samples"]] == ["row 2 (p51)", "row 3 (p51)"]
    assert "row 2 (p51): " in said


def test_a_test_of_one_map_says_beforehand_that_it_gives_no_verdict(pictures, tmp_path):
    out = tmp_path / "out"
    words = ("--sample", "left/0-1.jpg", "--faithful", "--out", out)
    said = run("explain", pictures / "graft", pictures / "data", *words)
    assert "--faithful gives no verdict on 1 of the 6 patients" in said
    assert "nan" not in said and "arms" not in said.lower() and "no verdict is possible under 6" in said
    assert "1 is the same map: " in said
    page = (out / "explanation.html").read_text()
    assert "nan" not in page.split("</style>")[1].split("<section>")[0] and "from an image" in page


@pytest.mark.parametrize(
    ("left", "word"), [(0.1, "as it should"), (0.5, "part of the map stays"), (-0.9, "hardly changes")]
)
def test_what_is_left_of_a_map_when_the_network_forgot_is_put_into_words(left, word):
    said = _forgot(Sanity(["head", "stem"], np.array([[0.9, 0.9], [left, left]])), empty=0)
    assert word in said and "0.90 (the head alone)" in said and f"{left:.2f} (all of it)" in said
    assert "nothing to compare" in _forgot(Sanity(["head"], np.zeros((1, 2))), empty=2)


def test_a_learner_without_columns_of_its_own_is_estimated(tables, tmp_path):
    cohort = read(tables / "train.csv", label="ill", group="name")
    model = Pooled(estimator=GaussianNB()).fit(cohort.X, cohort.y)
    save(tmp_path / "graft", model, cohort, {})
    run("explain", tmp_path / "graft", tables / "new.csv", "--sample", 1, "--out", tmp_path / "out")
    values = pd.read_csv(tmp_path / "out" / "values.csv")
    assert told(tmp_path / "out")["way"] == "orders" and (values["error"] > 0).any()
    one = told(tmp_path / "out")["samples"][0]
    assert one["base"] + values["value"].sum() == pytest.approx(one["score"])
