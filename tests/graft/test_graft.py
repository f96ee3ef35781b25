from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.graft import save
from samples import two_sites

METHODS = ["majority", "target-only", "source-only", "pooled", "ulsif", "coral", "l2sp"]


def fitted(name: str, task: str = "binary"):
    cohort = mg.read(two_sites(task=task), label="ill", domain="site")
    kind = "regression" if task == "regression" else "classification"
    model = mg.methods[name](task=kind).fit(cohort.X, cohort.y, domain=cohort.domains, target="b")
    return cohort, model


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", METHODS)
def test_a_graft_read_back_predicts_to_the_last_bit_what_was_saved(name, task, tmp_path):
    cohort, model = fitted(name, task)
    save(tmp_path / "g", model, cohort, {})
    graft = mg.load(tmp_path / "g")
    if task == "regression":
        np.testing.assert_array_equal(graft.predict(cohort), model.predict(cohort.X))
        with pytest.raises(mg.MedgraftError, match="predicts a number"):
            graft.predict_proba(cohort)
    else:
        np.testing.assert_array_equal(graft.predict_proba(cohort), model.predict_proba(cohort.X))
        assert set(graft.predict(cohort)) <= set(cohort.classes)


def test_a_graft_reads_a_file_a_frame_or_a_cohort_alike(tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    graft = mg.load(tmp_path / "g")
    frame = two_sites().drop(columns=["ill", "site"])
    frame.to_csv(tmp_path / "new.csv", index=False)
    expected = graft.predict_proba(cohort)
    np.testing.assert_allclose(graft.predict_proba(frame), expected, rtol=1e-12)
    np.testing.assert_allclose(graft.predict_proba(tmp_path / "new.csv"), expected, rtol=1e-12)


def test_the_order_of_columns_does_not_matter(tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    frame = two_sites()[["colour", "x3", "x2", "x1"]]
    np.testing.assert_array_equal(mg.load(tmp_path / "g").predict_proba(frame), model.predict_proba(cohort.X))


def test_a_level_that_training_never_saw_is_said(tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    with pytest.warns(UserWarning, match="'colour' has 1 values in 200 rows that training never saw"):
        mg.load(tmp_path / "g").predict(two_sites().assign(colour="green"))


def test_there_is_no_pickle_and_no_row_in_a_graft(tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    assert sorted(p.name for p in (tmp_path / "g").iterdir()) == ["estimator.skops", "graft.json"]
    names = zipfile.ZipFile(tmp_path / "g" / "estimator.skops").namelist()
    assert not [n for n in names if "pkl" in n or "pickle" in n]


def test_a_changed_file_is_refused(tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    part = tmp_path / "g" / "estimator.skops"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(mg.MedgraftError, match=r"'estimator.skops' is not the file that was saved"):
        mg.load(tmp_path / "g")


def test_types_that_are_not_trusted_are_refused(tmp_path):
    import hashlib

    import skops.io

    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    part = tmp_path / "g" / "estimator.skops"
    skops.io.dump(pd.Timestamp("2020-01-01").__class__, part)
    manifest = json.loads((tmp_path / "g" / "graft.json").read_text())
    manifest["parts"][0]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    (tmp_path / "g" / "graft.json").write_text(json.dumps(manifest))
    with pytest.raises(mg.MedgraftError, match="not trusted"):
        mg.load(tmp_path / "g")


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"format": 99, "medgraft": "9", "parts": []}', '{"format": "x"}']
)
def test_a_damaged_manifest_is_a_sentence(text, tmp_path):
    (tmp_path / "graft.json").write_text(text)
    with pytest.raises(mg.MedgraftError):
        mg.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("classes", 3), ("schema", None), ("kind", 1), ("parts", {}), ("parts", [{"role": "estimator"}])],
)
def test_an_entry_of_the_manifest_that_is_of_another_kind_is_a_sentence(name, value, tmp_path):
    cohort, model = fitted("pooled")
    save(tmp_path / "g", model, cohort, {})
    path = tmp_path / "g" / "graft.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(mg.MedgraftError, match="is damaged"):
        mg.load(tmp_path / "g")


@pytest.mark.parametrize("name", ["os:system", "medgraft.cli:main", "medgraft.methods.threads:annotations"])
def test_a_graft_names_no_code_but_methods(name):
    from medgraft.graft.loading import _class

    with pytest.raises((mg.MedgraftError, TypeError)):
        _class(name)


def test_a_folder_without_a_graft_is_a_sentence(tmp_path):
    with pytest.raises(mg.MedgraftError, match="holds no graft"):
        mg.load(tmp_path)
