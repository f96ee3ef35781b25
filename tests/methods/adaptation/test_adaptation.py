"""Every adaptation of a network keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.cohort.digest import digest
from medgraft.methods import entries
from medgraft.methods.adaptation.adaptive_batchnorm import AdaptiveBatchNorm
from medgraft.methods.finetune.finetune import FineTune

NAMES = [n for n in entries if entries[n].family == "adaptation"]
FAST = {"epochs": 1, "batch_size": 16, "views": 1, "augmentation": "none"}


def fitted(name, network, frame, y=None, labelled=None, **settings):
    cls = entries[name].cls
    model = cls(network, **((FAST if issubclass(cls, FineTune) else {}) | settings))
    y = frame["label"] if y is None else y
    labelled = frame["domain"] == "a" if labelled is None else labelled
    return model.fit(frame, y, domain=frame["domain"], target="b", labelled=labelled)


@pytest.mark.parametrize("name", NAMES)
def test_target_labels_are_never_read_and_saving_keeps_every_bit(name, network, two_scanners, tmp_path):
    from safetensors.torch import load_file, save_file

    model = fitted(name, network, two_scanners)
    p = model.predict_proba(two_scanners)
    assert p.shape == (60, 2) and np.allclose(p.sum(axis=1), 1)
    assert model.note_ == ""
    y = two_scanners["label"].to_numpy(copy=True)
    y[30:] = "along"
    assert np.array_equal(fitted(name, network, two_scanners, y).predict_proba(two_scanners), p)
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    again = entries[name].cls.from_state(config, load_file(tmp_path / "m.safetensors"))
    assert np.array_equal(again.predict_proba(two_scanners), p)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "adaptive-batchnorm"])
def test_target_images_move_the_network(name, network, two_scanners):
    with_target = fitted(name, network, two_scanners)
    alone = fitted(name, network, two_scanners.iloc[:30])
    assert "not two domains" in alone.note_
    assert alone.report_.get("alignment", "none") == "none" and alone.report_.get("adapted_to", 0) == 0
    assert not np.allclose(
        with_target.predict_proba(two_scanners), alone.predict_proba(two_scanners), atol=1e-6
    )


def test_without_strength_an_alignment_is_fine_tuning(network, two_scanners):
    """One whole batch against pieces: the same up to the order of sums."""
    few = two_scanners.iloc[:40]
    none = fitted("deep-coral", network, few, strength=0.0)
    plain = FineTune(network, **FAST, gradual=0.0, validation=0.0).fit(few.iloc[:30], few["label"][:30])
    assert np.allclose(none.predict_proba(few), plain.predict_proba(few), atol=1e-3)


def test_adaptive_batchnorm_has_the_target_s_statistics_and_the_source_s_weights(network, two_scanners):
    from medgraft.sources.batchnorm import recompute
    from medgraft.sources.forward import open_image

    model = fitted("adaptive-batchnorm", network, two_scanners)
    paths = sorted(two_scanners["image"][30:], key=digest)  # in the order in which the method reads them
    backbone = network.load()
    recompute(backbone.module, lambda i: open_image(paths[i], backbone.preprocess), 30)
    for name, tensor in backbone.tensors().items():
        assert torch.equal(model.backbone_.tensors()[name], tensor)


def test_adaptive_batchnorm_on_one_domain_twice_is_blind_to_which_is_which(network, two_scanners):
    both = two_scanners.copy()
    both["image"] = list(both["image"][:30]) * 2
    both["label"] = list(both["label"][:30]) * 2
    model = fitted("adaptive-batchnorm", network, both)
    assert isinstance(model, AdaptiveBatchNorm)
    p = model.predict_proba(both)
    assert np.array_equal(p[:30], p[30:])


@pytest.mark.parametrize("name", [n for n in NAMES if "regression" not in entries[n].tasks])
def test_values_are_refused_where_classes_are_needed(name, network, two_scanners):
    with pytest.raises(MedgraftError, match="cannot do regression"):
        fitted(name, network, two_scanners, two_scanners["value"], task="regression")
