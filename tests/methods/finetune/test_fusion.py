"""Fusion: several networks, radiomics and clinical columns before one learner."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from medgraft.base import MedgraftError
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.images import copies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.views import some
from medgraft.methods.learner import default_learner
from medgraft.methods.prepare.icc_select import ICCSelect, agreement
from medgraft.methods.prepare.lasso_select import LassoSelect
from medgraft.methods.prepare.spearman_select import SpearmanSelect
from medgraft.sources import Pretrained
from medgraft.sources.radiomics import Radiomics, radiomic_rows


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    from samples import network_file

    return Pretrained(
        str(network_file(tmp_path_factory.mktemp("other") / "tiny.safetensors", "mobilenetv2_050"))
    )


@pytest.fixture
def rows(images):
    """Images with age (gaps), sex and the label; sex says something of the class, age nothing."""
    rng = np.random.default_rng(1)
    frame = images.copy()
    frame["age"] = np.where(rng.random(60) < 0.2, np.nan, rng.normal(50, 10, 60))
    frame["sex"] = np.where((frame["label"] == "along") ^ (rng.random(60) < 0.3), "f", "m")
    return frame


def fused(network, other, **settings):
    settings.setdefault("columns", ("age", "sex"))
    return Fusion([network, other, "radiomics:region=otsu"], **settings)


def test_one_network_alone_is_the_linear_probe_to_the_last_bit(network, images):
    for task, y in (("classification", images["label"]), ("regression", images["value"])):
        a = Fusion([network], task=task).fit(images, y, groups=images["patient"])
        b = LinearProbe(network, task=task).fit(images, y, groups=images["patient"])
        np.testing.assert_array_equal(a.predict(images), b.predict(images))


def test_it_is_the_default_learner_on_blocks_of_equal_variance(network, other, rows):
    w = np.random.default_rng(0).uniform(0.5, 2, 60)
    blocks = []
    for source in (network, other):
        F = BackboneFeatures(source).transform(rows)
        mean, scale = scaling(F, w)
        blocks.append((F - mean) / scale)
    R = radiomic_rows(Radiomics("otsu"), "image", rows["image"].tolist()).astype(float)
    blocks.append(StandardScaler().fit(R, sample_weight=w).transform(R)[:, np.ptp(R, axis=0) > 0])
    table = rows[["age", "sex"]]
    blocks.append(TableEncoder().fit(table, sample_weight=w).transform(table))
    width = np.array([b.shape[1] for b in blocks])
    Z = np.hstack([b * np.sqrt(width.sum() / (4 * b.shape[1])) for b in blocks])
    y = (rows["label"] == "along").to_numpy().astype(int)
    truth = default_learner().fit(Z, y, sample_weight=w, groups=copies(list(rows["image"])))
    model = fused(network, other).fit(rows, rows["label"], sample_weight=w)
    np.testing.assert_allclose(model.predict_proba(rows), truth.predict_proba(Z), atol=1e-8)
    assert len(model.names_) == Z.shape[1]
    assert model.names_[0] == "mobilenetv2_035[0]" and model.names_[-1].startswith("sex")


def test_three_clinical_columns_weigh_as_much_as_a_network(network, rows):
    model = Fusion([network], columns=("age", "sex")).fit(rows, rows["label"])
    Z = model.fused_.transform(model.fused_.frame(rows), None)
    d = len(model.fused_.parts[0].names)
    network_size, clinical = (model.fused_.factors**2) * [d, Z.shape[1] - d]
    assert network_size == pytest.approx(clinical)
    assert network_size + clinical == pytest.approx(Z.shape[1])


def test_saved_equals_trained_to_the_last_bit_without_any_cache(network, other, rows, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    step = SpearmanSelect(estimator=LassoSelect())
    model = fused(network, other, estimator=step).fit(rows, rows["label"], groups=rows["patient"])
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "elsewhere"))
    again = Fusion.from_state(json.loads(json.dumps(config)), load_file(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))
    assert again.classes_.tolist() == ["across", "along"] and again.names_ == model.names_
    assert again.columns == ("age", "sex")


def test_parts_are_chosen_by_name(network, other, rows):
    model = fused(network, other, parts="clinical/mobilenetv2_050").fit(rows, rows["label"])
    assert [part.name for part in model.fused_.parts] == ["mobilenetv2_050", "clinical"]
    only = Fusion(columns=("age", "sex")).fit(rows[["age", "sex"]], rows["label"])  # needs no image at all
    assert only.predict(rows).shape == (60,)
    twice = Fusion([network, network])
    assert len(twice.fit(rows, rows["label"]).names_) == 2 * len(
        Fusion([network]).fit(rows, rows["label"]).names_
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"parts": "clinic"}, "Did you mean 'clinical'"),
        ({"columns": ("height",)}, "'height', which the data lack"),
        ({"task": "clustering"}, "does not exist"),
    ],
)
def test_what_cannot_be_fused_is_one_sentence(network, rows, settings, says):
    with pytest.raises(MedgraftError, match=says):
        Fusion([network], **({"columns": ("age",)} | settings)).fit(rows, rows["label"])


def test_nothing_to_fuse_and_no_image_are_sentences(network, rows):
    with pytest.raises(MedgraftError, match="nothing to fuse"):
        Fusion().fit(rows, rows["label"])
    with pytest.raises(MedgraftError, match="no column of images"):
        Fusion([network]).fit(rows[["age"]], rows["label"])
    with pytest.raises(MedgraftError, match="No row that teaches has an image"):
        Fusion([network], columns=("age",)).fit(rows.assign(image=np.nan), rows["label"])


def test_patients_without_an_image_get_the_mean_one_and_a_mark(network, rows):
    gone = np.arange(60) % 5 == 0
    frame = rows.assign(image=rows["image"].where(~gone))
    model = Fusion([network], columns=("age", "sex")).fit(frame, frame["label"])
    Z = model.fused_.transform(model.fused_.frame(frame), None)
    d = len(model.fused_.parts[0].names)
    assert (Z[gone, :d] == 0).all() and np.abs(Z[~gone, :d]).max() > 1
    assert model.names_[-1] == "image is missing"
    mark = Z[:, -1]
    assert len(np.unique(mark)) == 2 and mark.mean() == pytest.approx(0, abs=1e-12)
    assert (mark**2).mean() == pytest.approx(model.fused_.factors[-1] ** 2)
    assert np.isfinite(model.predict_proba(frame.assign(image=np.nan))).all()
    whole = Fusion([network], columns=("age", "sex")).fit(rows, rows["label"])
    assert np.isfinite(whole.predict_proba(frame)).all()  # gaps that training did not have


def test_neither_order_nor_class_names_nor_hidden_labels_change_the_model(network, rows):
    p = np.random.default_rng(0).permutation(60)
    labelled = np.arange(60) % 4 > 0
    settings = {"columns": ("age", "sex")}
    a = Fusion([network], **settings).fit(rows, rows["label"], labelled=labelled, groups=rows["patient"])
    b = Fusion([network], **settings).fit(
        rows.iloc[p], rows["label"].to_numpy()[p], labelled=labelled[p], groups=rows["patient"].to_numpy()[p]
    )
    np.testing.assert_allclose(a.predict_proba(rows), b.predict_proba(rows), atol=1e-8)
    hidden = np.where(labelled, rows["label"].map({"along": "a", "across": "z"}), "?")
    c = Fusion([network], **settings).fit(rows, hidden, labelled=labelled, groups=rows["patient"])
    np.testing.assert_allclose(a.predict_proba(rows), c.predict_proba(rows)[:, ::-1], atol=1e-8)


def test_a_weight_of_two_is_a_row_twice(network, rows):
    twice = pd.concat([rows, rows[:20]], ignore_index=True)
    w = np.where(np.arange(60) < 20, 2.0, 1.0)
    settings = {"columns": ("age", "sex"), "estimator": LogisticRegression(C=0.01)}
    a = Fusion([network], **settings).fit(rows, rows["label"], sample_weight=w)
    b = Fusion([network], **settings).fit(twice, twice["label"])
    np.testing.assert_allclose(a.predict_proba(rows), b.predict_proba(rows), atol=1e-4)


class Keep(LogisticRegression):
    """A learner that remembers, outside of itself, what was measured again."""

    asks_again = True
    seen: list = []  # noqa: RUF012

    def fit(self, X, y, again=None):
        Keep.seen.append(again)
        return super().fit(X, y)


def test_images_are_seen_again_from_other_views_where_a_step_asks(network, rows):
    Keep.seen.clear()
    model = Fusion([network, "radiomics:region=otsu"], columns=("age",), estimator=Keep()).fit(
        rows, rows["label"]
    )
    LinearProbe(network, estimator=Keep()).fit(rows, rows["label"])
    fused, probed = Keep.seen
    Z = model.fused_.transform(model.fused_.frame(rows), None)
    d = len(model.fused_.parts[0].names)
    assert fused.shape == (60, 3, Z.shape[1]) and probed.shape == (60, 3, d)
    order = some(list(rows["image"]))
    np.testing.assert_array_equal(fused[:, 0], Z[order])
    assert (np.abs(fused[:, 1:, :d] - fused[:, :1, :d]).max(axis=(0, 2)) > 1e-3).all()
    np.testing.assert_array_equal(fused[:, 1, -2:], fused[:, 0, -2:])  # age and its mark have no views
    np.testing.assert_allclose(fused[:, :, :d] / model.fused_.factors[0], probed, atol=1e-9)
    p = np.random.default_rng(0).permutation(60)
    Fusion([network], estimator=Keep()).fit(rows.iloc[p], rows["label"].to_numpy()[p])
    Fusion([network], estimator=Keep()).fit(rows, rows["label"])
    np.testing.assert_allclose(Keep.seen[2], Keep.seen[3], atol=1e-12)


def test_features_of_images_are_kept_by_their_agreement_over_views(network, rows):
    model = LinearProbe(network, estimator=ICCSelect(threshold=0.1)).fit(rows, rows["label"])
    truth = agreement(model._again(list(rows["image"])))
    np.testing.assert_allclose(model.learner_.icc_, truth, atol=1e-9)
    np.testing.assert_array_equal(model.learner_.columns_, np.flatnonzero(truth >= 0.1))
    np.testing.assert_array_equal(LinearProbe.from_state(*model.state()).predict(rows), model.predict(rows))


def test_the_input_stays_as_it_was(network, rows):
    before = rows.copy()
    Fusion([network], columns=("age", "sex")).fit(rows, rows["label"]).predict(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_the_plan_says_what_loads(network, other):
    said = fused(network, other).plan(60, 20)
    assert "mobilenetv2_035" in said["load"] and "mobilenetv2_050" in said["load"]
    assert said["cpu_seconds"] > 0
