"""Linear probe: the default learner on cached features."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils import get_tags

import medgraft.cohort.images
from medgraft.base import MedgraftError
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.images import copies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learner import default_learner
from medgraft.methods.trees import Trees


def add(frame, path):
    return pd.concat([frame, pd.DataFrame({"image": [str(path)]})], ignore_index=True)


@pytest.fixture
def decoded(monkeypatch):
    """Paths that were decoded."""
    real, seen = medgraft.cohort.images.decode_image, []

    def count(path):
        seen.append(str(path))
        return real(path)

    monkeypatch.setattr(medgraft.cohort.images, "decode_image", count)
    return seen


def test_it_is_the_default_learner_on_standardised_features(network, images):
    F = BackboneFeatures(network).transform(images)
    mean, scale = scaling(F, np.ones(60))
    y = (images["label"] == "along").to_numpy().astype(int)
    truth = default_learner().fit((F - mean) / scale, y, groups=copies(list(images["image"])))
    model = LinearProbe(network).fit(images, images["label"])
    assert np.allclose(model.predict_proba(images), truth.predict_proba((F - mean) / scale), atol=1e-12)


def test_each_image_is_decoded_once_ever(network, images, decoded):
    LinearProbe(network).fit(images, images["label"]).predict(images)
    assert sorted(decoded) == sorted(images["image"])
    LinearProbe(network).fit(images[::-1], images["value"][::-1] > 100).predict_proba(images[3:7])
    assert len(decoded) == 60


def test_features_of_another_kind_of_device_are_kept_apart(network, images, monkeypatch):
    import torch

    seen = []

    def rows(store, maker, keys, d, compute, progress=None):
        seen.append(maker)
        return np.zeros((len(keys), 3), np.float32)

    monkeypatch.setattr("medgraft.sources.store.FeatureStore.rows", rows)
    BackboneFeatures(network, device="cpu").transform(images[:2])
    monkeypatch.setattr("medgraft.sources.forward.pick_device", lambda device: torch.device("cuda", 1))
    BackboneFeatures(network).transform(images[:2])
    assert seen == [network.load().fingerprint, f"{network.load().fingerprint}-cuda"]


def test_the_same_content_is_decoded_once_under_any_name(network, images, decoded, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(images["image"][0]).read_bytes())
    frame = add(images[:1], copy)
    rows = BackboneFeatures(network).transform(frame)
    assert np.array_equal(rows[0], rows[1])
    assert len(decoded) == 1


def test_saved_equals_trained_to_the_last_bit_without_any_cache(network, images, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    model = LinearProbe(network).fit(images, images["label"])
    truth = model.predict_proba(images)
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "elsewhere"))
    again = LinearProbe.from_state(json.loads(json.dumps(config)), load_file(tmp_path / "m.safetensors"))
    assert np.array_equal(again.predict_proba(images), truth)
    assert again.classes_.tolist() == ["across", "along"]


def test_a_restored_model_shares_the_cache_of_the_trained_one(network, images, decoded):
    model = LinearProbe(network).fit(images, images["label"])
    LinearProbe.from_state(*model.state()).predict(images)
    assert len(decoded) == 60


def test_a_saved_learner_of_a_foreign_type_is_refused(network, images):
    import skops.io
    import torch
    from pandas import Timestamp

    model = LinearProbe(network).fit(images, images["label"])
    config, tensors = model.state()
    bad = skops.io.dumps({"when": Timestamp(0)})
    tensors["learner.skops"] = torch.frombuffer(bytearray(bad), dtype=torch.uint8)
    with pytest.raises(MedgraftError, match="not trusted"):
        LinearProbe.from_state(config, tensors)


def test_any_scikit_learn_learner_may_stand_at_the_end(network, images):
    model = LinearProbe(network, estimator=LogisticRegression(C=0.1)).fit(images, images["label"])
    assert isinstance(model.learner_, LogisticRegression)
    assert np.array_equal(LinearProbe.from_state(*model.state()).predict(images), model.predict(images))


def test_a_forest_at_the_end_is_kept_as_arrays_and_survives_a_file(network, images):
    model = LinearProbe(network, estimator=RandomForestClassifier(5, random_state=0))
    model.fit(images, images["label"])
    assert isinstance(model.learner_, Trees)
    again = LinearProbe.from_state(*model.state())
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))


def test_without_probabilities_at_the_end_there_are_none():
    assert hasattr(LinearProbe(), "predict_proba")
    assert not hasattr(LinearProbe(estimator=SVC()), "predict_proba")
    assert not hasattr(LinearProbe(task="regression"), "predict_proba")


def test_tags_tell_the_task_and_that_a_path_may_not_miss():
    tags = get_tags(LinearProbe())
    assert tags.estimator_type == "classifier" and tags.target_tags.required
    assert tags.input_tags.string and not tags.input_tags.allow_nan
    assert get_tags(LinearProbe(task="regression")).estimator_type == "regressor"


def test_a_learner_without_weights_is_refused_only_when_there_are_some(network, images):
    model = LinearProbe(network, estimator=KNeighborsClassifier())
    model.fit(images, images["label"])
    with pytest.raises(MedgraftError, match="takes no sample_weight"):
        model.fit(images, images["label"], sample_weight=np.arange(1, 61))


def test_a_weight_of_zero_is_as_if_absent(network, images):
    weight = (np.arange(60) < 40).astype(float)
    some = LinearProbe(network).fit(images, images["label"], sample_weight=weight)
    few = LinearProbe(network).fit(images[:40], images["label"][:40])
    assert np.allclose(some.predict_proba(images), few.predict_proba(images), atol=1e-9)


def test_permuting_the_rows_permutes_the_predictions_and_nothing_else(network, images):
    order = np.random.default_rng(0).permutation(60)
    one = LinearProbe(network).fit(images, images["label"])
    two = LinearProbe(network).fit(images.iloc[order], images["label"].iloc[order])
    assert np.allclose(one.predict_proba(images)[order], two.predict_proba(images.iloc[order]), atol=1e-8)


def test_values_are_predicted_too(network, images):
    model = LinearProbe(network, task="regression").fit(images, images["value"])
    assert model.predict(images).shape == (60,)
    assert not hasattr(model, "predict_proba")
    assert model.score(images, images["value"]) > model.score(images, images["value"].to_numpy()[::-1])


def test_rows_of_all_domains_are_learnt_from(network, images):
    domain = np.where(np.arange(60) < 30, "a", "b")
    both = LinearProbe(network).fit(images, images["label"], domain=domain, target="a")
    plain = LinearProbe(network).fit(images, images["label"])
    assert np.array_equal(both.predict_proba(images), plain.predict_proba(images))


def test_a_corrupt_image_is_named(network, images, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image at all")
    frame = add(images[:4], bad)
    with pytest.raises(MedgraftError, match=r"bad\.png"):
        BackboneFeatures(network).transform(frame)


def test_grey_and_colour_files_give_the_same_features(network, images, tmp_path):
    image = Image.open(images["image"][0])
    image.convert("RGB").save(tmp_path / "rgb.png")
    frame = add(images[:1], tmp_path / "rgb.png")
    rows = BackboneFeatures(network).transform(frame)
    assert np.array_equal(rows[0], rows[1])


def test_a_plan_predicts_more_for_more(network):
    small, large = (LinearProbe(network).plan(n, 10) for n in (10, 1000))
    assert small["freeze"] == ["the whole network"]
    assert 0 < small["cpu_seconds"] < large["cpu_seconds"]


def test_lightning_is_not_imported(network, images):
    import subprocess
    import sys

    images[:8].to_csv(images["image"][0].replace("00.png", "some.csv"))
    code = (
        "import sys, pandas as pd; from medgraft.methods.finetune.linear_probe import LinearProbe\n"
        f"X = pd.read_csv({images['image'][0].replace('00.png', 'some.csv')!r})\n"
        f"LinearProbe({network.spec!r}).fit(X, X['label']).predict(X)\n"
        "print([m for m in sys.modules if m.startswith('lightning')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_registry_does_not_import_torch():
    import subprocess
    import sys

    code = (
        "import sys; from medgraft.methods import entries\n"
        "entries['finetune'], entries['linear-probe'], entries['scratch']\n"
        "print([m for m in ('torch', 'timm', 'lightning') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_real_images_come_out_the_same_from_a_cold_and_a_warm_cache(shared_data, shared_weights, decoded):
    paths = sorted((shared_data("brain_mri_4class") / "Training").glob("*/*"))[::100]
    frame = pd.DataFrame({"image": [str(p) for p in paths]})
    features = BackboneFeatures(str(shared_weights("mobilenetv2_100.safetensors")))
    cold = features.transform(frame)
    warm = features.transform(frame)
    assert np.array_equal(cold, warm)
    assert len(decoded) == len(paths)
    assert cold.std(axis=0).min() >= 0
    assert (
        cold.std(axis=0) > 1e-3
    ).mean() > 0.5  # a network that lost its weights gives nearly constant features
