"""Real patients are read with the counts that their sources give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import append, check_images, domain_splits, kfold_splits, read

COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak"]
COLUMNS += ["slope", "ca", "thal", "num"]
SITES = {"cleveland": 303, "hungarian": 294, "switzerland": 123, "va": 200}


@pytest.fixture(scope="module")
def heart(shared_data, tmp_path_factory):
    """Put the four hospitals into one table, cells as they stand in the files."""
    parts = []
    for site in SITES:
        path = shared_data("uci_heart_4site") / f"processed.{site}.data"
        parts.append(pd.read_csv(path, names=COLUMNS, dtype=str, keep_default_na=False).assign(site=site))
    table = pd.concat(parts)
    table["ill"] = np.where(table["num"] == "0", "no", "yes")
    path = tmp_path_factory.mktemp("heart") / "heart.csv"
    table.to_csv(path, index=False)
    return path


FEATURES = tuple(COLUMNS[:-1])


def test_four_hospitals_are_one_cohort(heart):
    cohort = read(heart, label="ill", domain="site", features=FEATURES)
    assert cohort.n == 920 and cohort.task == "binary" and cohort.positive == "yes"
    assert {s: int((cohort.domains == s).sum()) for s in SITES} == SITES
    ill = {s: int(cohort.y[cohort.domains == s].sum()) for s in SITES}
    assert ill == {"cleveland": 139, "hungarian": 106, "switzerland": 115, "va": 149}
    assert all(c["kind"] == "number" for c in cohort.schema()["columns"])
    assert int(cohort.X.isna().sum().sum()) == heart.read_text().count("?") > 1000


def test_the_severity_is_a_task_of_five_classes(heart):
    cohort = read(heart, label="num", domain="site", features=FEATURES)
    assert cohort.task == "multiclass" and cohort.classes == ["0", "1", "2", "3", "4"]
    assert np.bincount(cohort.y).tolist() == [411, 265, 109, 107, 28]


def test_the_veterans_hospital_is_split_with_ten_labels_per_class(heart):
    cohort = read(heart, label="ill", domain="site", features=FEATURES)
    splits = list(kfold_splits(cohort, target="va", folds=5, repeats=10, labels_per_class=(10,)))
    assert len(splits) == 50
    for s in splits:
        assert (cohort.domains[s.test] == "va").all() and len(s.test) == 40
        own = s.labelled[cohort.domains[s.labelled] == "va"]
        assert np.bincount(cohort.y[own]).tolist() == [10, 10]
        assert len(s.labelled) - len(own) == 720 and len(s.unlabelled) == 140


def test_each_hospital_is_left_out_once(heart):
    cohort = read(heart, label="ill", domain="site", features=FEATURES)
    assert [len(s.test) for s in domain_splits(cohort)] == list(SITES.values())


def test_hospitals_in_separate_files_give_the_same_cohort_as_one_file(heart, tmp_path):
    table = pd.read_csv(heart, dtype=str, keep_default_na=False)
    single = {}
    for site in SITES:
        table[table["site"] == site].drop(columns="site").to_csv(tmp_path / f"{site}.csv", index=False)
        single[site] = read(tmp_path / f"{site}.csv", label="ill", features=FEATURES)
    joined = single["cleveland"]
    for site in list(SITES)[1:]:
        joined = append(joined, single[site])
    whole = read(heart, label="ill", domain="site", features=FEATURES)
    assert joined.domains.tolist() == whole.domains.tolist()
    assert joined.y.tolist() == whole.y.tolist()
    pd.testing.assert_frame_equal(joined.X.astype(float), whole.X.astype(float))


def test_kidney_patients_in_arff_and_csv_agree(shared_data):
    folder = shared_data("uci_ckd")
    arff = read(folder / "chronic_kidney_disease_full.arff", label="class")
    csv = read(folder / "ckd.csv", label="class")
    for cohort in (arff, csv):
        assert cohort.n == 400 and cohort.classes == ["notckd", "ckd"]
        assert np.bincount(cohort.y).tolist() == [150, 250]
        assert len(cohort.features) == 24 and int(cohort.X.isna().sum().sum()) == 1012
    for column in csv.features:
        a, b = arff.X[column], csv.X[column]
        # Nominal digits are text in ARFF and numbers in CSV: the values agree all the same.
        same = pd.to_numeric(a) == b if pd.api.types.is_numeric_dtype(b) else a == b
        assert (same | (a.isna() & b.isna())).all(), column


@pytest.mark.parametrize(("part", "each"), [("Training", 250), ("Testing", 60)])
def test_brain_images_are_counted_by_class(shared_data, part, each):
    cohort = read(shared_data("brain_mri_4class") / part)
    assert cohort.kind == "image" and cohort.name == part and cohort.warnings == ()
    assert cohort.classes == ["glioma", "meningioma", "notumor", "pituitary"]
    assert np.bincount(cohort.y).tolist() == [each] * 4
    image = cohort.open_image(0)
    assert image.size == (224, 224) and image.mode in ("L", "RGB")


def test_the_manifest_of_brain_images_gives_the_same_files(shared_data):
    folder = shared_data("brain_mri_4class")
    manifest = read(folder / "manifest.csv", image="file", label="label", domain="split")
    both = {*read(folder / "Training").X["image"], *read(folder / "Testing").X["image"]}
    assert manifest.n == 1240 and set(manifest.X["image"]) == both


def test_all_brain_images_decode(shared_data):
    cohort = read(shared_data("brain_mri_4class") / "Testing")
    assert check_images(cohort) is cohort
