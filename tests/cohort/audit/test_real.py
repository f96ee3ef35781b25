"""Known traps of real data sets are found without being told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.cohort import read
from medgraft.cohort.audit import audit


def of(found, check, severity=None):
    return [f for f in found.findings if f.check == check and severity in (None, f.severity)]


@pytest.fixture(scope="module")
def brain(shared_data):
    folder = shared_data("brain_mri_4class")
    train, test = read(folder / "Training"), read(folder / "Testing")
    return train, test, audit(train, test=test)


def thumbnails(cohort, how=Image.Resampling.BOX):
    rows = []
    for path in cohort.table["image"]:
        with Image.open(path) as image:
            rows.append(np.asarray(image.convert("L").resize((48, 48), how), float).ravel())
    return np.stack(rows)


def test_exactly_the_eight_test_images_that_nearly_match_training_images_are_found(brain):
    train, test, found = brain
    near = {}
    for how in (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS):
        a, b = thumbnails(train, how), thumbnails(test, how)
        r = np.corrcoef(np.concatenate([a, b]))[: len(a), len(a) :]  # everything with everything, by numpy
        near[how] = np.argwhere(r > 0.995).tolist()
    leak = next(f for f in of(found, "near-duplicates", "severe") if "test rows" in f.sentence)
    rows = {r["row"] for pair in leak.rows for r in pair["rows"] if r["part"] == "test"}
    assert all(rows == {j + 1 for _, j in found} for found in near.values())
    assert len(rows) == leak.numbers["test_rows"] == 8
    assert leak.sentence == "8 of 240 test rows have near copies in what is learnt from."
    pairs = {tuple(sorted((r["part"], r["row"]) for r in pair["rows"])) for pair in leak.rows}
    assert pairs == {(("data", i + 1), ("test", j + 1)) for i, j in near[Image.Resampling.BOX]}


def test_mirrored_slices_of_the_brain_set_are_truly_mirrored(brain):
    train, test, found = brain
    leak = next(f for f in of(found, "augmented-copies", "severe") if "test rows" in f.sentence)
    a, b = thumbnails(train).reshape(-1, 48, 48), thumbnails(test).reshape(-1, 48, 48)
    turns = (np.fliplr, np.flipud, lambda m: np.rot90(m, 2))
    for pair in leak.rows:
        i, j = (next(r["row"] - 1 for r in pair["rows"] if r["part"] == p) for p in ("data", "test"))
        best = max(np.corrcoef(a[i].ravel(), turn(b[j]).ravel())[0, 1] for turn in turns)
        assert best > 0.99 > np.corrcoef(a[i].ravel(), b[j].ravel())[0, 1]
    assert leak.numbers["test_rows"] == 25


@pytest.fixture(scope="module")
def merged(shared_data, tmp_path_factory):
    """Put films of COVID-19 from one collection and of children with and without pneumonia together."""
    cohen, kermany = shared_data("covid_chestxray"), shared_data("cxr_pneumonia_kermany")
    a = pd.read_csv(cohen / "manifest.csv")
    a = a[a["finding"].str.contains("COVID")]
    b = pd.read_csv(kermany / "manifest.csv")
    rows = [{"file": str(cohen / f), "label": "covid", "site": "cohen"} for f in a["file"]]
    rows += [
        {"file": str(kermany / f), "label": k, "site": "kermany"}
        for f, k in zip(b["file"], b["label"], strict=True)
    ]
    path = tmp_path_factory.mktemp("merged") / "films.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_where_covid_comes_from_another_collection_the_site_is_the_label(merged):
    found = audit(read(merged, label="label", image="file", domain="site"), only=["*confound"])
    (site,) = of(found, "site-confound")
    assert site.severity == "severe" and site.numbers["class"] == "covid"
    assert site.numbers["cramers_v"] > 0.99 and site.numbers["informedness"] == 1
    assert any("tell the site" in f.sentence for f in of(found, "technical-confound", "note"))


def test_the_same_confound_is_found_in_size_and_borders_where_no_site_is_given(merged):
    found = audit(read(merged, label="label", image="file"), only=["*confound"])
    by_family = {f.numbers["family"]: f for f in of(found, "technical-confound")}
    size, borders = by_family["size and file format"], by_family["borders"]
    assert (
        size.severity == "severe" and size.numbers["class"] == "covid" and size.numbers["informedness"] > 0.98
    )
    assert borders.numbers["class"] == "covid" and borders.numbers["informedness"] > 0.8
    assert of(found, "site-confound") == []


def test_two_films_of_one_woman_are_found_by_column_and_by_file_name(shared_data):
    folder = shared_data("mammogram_mias")
    manifest = folder / "manifest.csv"
    table = pd.read_csv(manifest)
    pairs = int((table.groupby("patient").size() > 1).sum())
    told = audit(read(manifest, label="label", image="file", group="none"), only=["unnamed-patients"])
    (column,) = told.findings
    assert column.severity == "severe" and column.advice == "Say --group patient."
    assert column.numbers["with_several_rows"] == len(column.rows) == pairs == 34

    paths = [str(folder / f) for f in table["file"]]
    bare = pd.DataFrame({"file": paths, "label": table["label"]})
    (names,) = audit(read(bare, label="label", image="file"), only=["unnamed-patients"]).findings
    assert names.severity == "severe" and names.numbers["how"] == "side"
    rows = {frozenset(r["row"] for r in pair["rows"]) for pair in names.rows}
    assert rows == {frozenset(g.index + 1) for _, g in table.groupby("patient") if len(g) > 1}

    kept = audit(read(manifest, label="label", image="file"), only=["same-patient"])
    assert "34 of 101 patients" in kept.findings[0].sentence and kept.worst == "note"


def test_both_eyes_of_a_person_are_found_by_the_names_of_the_files(shared_data):
    cohort = read(shared_data("eye_fundus_4class"))
    (found,) = audit(cohort, only=["unnamed-patients"]).findings
    number = pd.Series([Path(p).name.split("_")[0] for p in cohort.table["image"]])
    sizes = number.value_counts()
    assert found.severity == "severe" and found.numbers["patients"] == int((sizes > 1).sum())
    assert found.numbers["rows"] == int(sizes[sizes > 1].sum())


def test_films_of_different_children_are_not_taken_for_copies(shared_data):
    cohort = read(shared_data("cxr_pneumonia_kermany") / "manifest.csv", label="label", image="file")
    assert audit(cohort, only=["*duplicates", "augmented-copies"]).findings == []


def test_four_hospitals_differ_in_how_many_are_ill(shared_data):
    columns = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak"]
    columns += ["slope", "ca", "thal", "num"]
    sites = ("cleveland", "hungarian", "switzerland", "va")
    folder = shared_data("uci_heart_4site")
    parts = [
        pd.read_csv(folder / f"processed.{s}.data", names=columns, na_values="?").assign(site=s)
        for s in sites
    ]
    found = audit(read(pd.concat(parts, ignore_index=True), label="num > 0", domain="site"))
    (site,) = of(found, "site-confound")
    assert site.severity == "warning" and site.numbers["counts"]["switzerland"] == {"no": 8, "yes": 115}
    assert found.worst == "warning"


@pytest.mark.parametrize("seed", range(3))
def test_on_permuted_labels_of_real_films_nothing_predicts_the_label(shared_data, seed):
    cohort = read(shared_data("ham10000") / "metadata.csv", label="dx", image="image_id")
    table = cohort.table.assign(dx=np.random.default_rng(seed).permutation(cohort.table["dx"]))
    found = audit(read(table, label="dx", image="image_id"), only=["*confound"])
    assert found.findings == []
