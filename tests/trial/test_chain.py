"""Chained transfer: photographs, then one hospital, then the next."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import medgraft as mg
from medgraft.graft import save
from samples import image_folder, network_file


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A network file, a cohort, and the graft that a fine-tuning of the one on the other made."""
    folder = tmp_path_factory.mktemp("chain")
    cohort = mg.read(image_folder(folder / "first", 8))
    network = mg.Pretrained(str(network_file(folder / "small.safetensors")))
    model = mg.methods["finetune"](network, epochs=1, views=1, validation=0.0, augmentation="none")
    model.fit(cohort.X, cohort.y)
    save(folder / "run" / "graft", model, cohort, {})
    return folder, cohort, network, model


def test_the_network_of_a_graft_starts_where_training_left_it(chain):
    folder, _, network, model = chain
    for place in ("run/graft", "run"):
        source = mg.source(str(folder / place))
        assert source.facts.input_size == network.facts.input_size
        loaded = source.load()
        was, now = model.backbone_.tensors(), loaded.tensors()
        assert set(was) == set(now) and all(torch.equal(was[n], now[n]) for n in was)
        assert loaded.report.fraction == 1.0
        assert not all(torch.equal(now[n], t) for n, t in network.load().tensors().items())


def test_a_trial_learns_on_from_a_graft(chain, tmp_path):
    folder, _, network, _ = chain
    second = mg.read(image_folder(tmp_path / "second", 10, seed=5))
    arms = ["linear-probe", "scratch:epochs=1", "finetune:epochs=1,views=1"]
    trial = mg.Trial(second, arms, source=str(folder / "run"), folds=2, metric="accuracy")
    result = trial.run(tmp_path / "out")
    told = {a["name"]: a["source"] for a in result.arms}
    assert told["linear-probe"] == "timm:mobilenetv2_035"
    probe = mg.methods["linear-probe"](mg.source(str(folder / "run"))).fit(second.X, second.y)
    frozen = mg.methods["linear-probe"](network).fit(second.X, second.y)
    assert not np.array_equal(probe.predict_proba(second.X), frozen.predict_proba(second.X))


def test_a_graft_without_a_network_or_of_several_cannot_be_a_source(chain, tmp_path):
    folder, cohort, _, _ = chain
    save(tmp_path / "none", mg.methods["majority"]().fit(cohort.X, cohort.y), cohort, {})
    with pytest.raises(mg.MedgraftError, match="cannot be the source of a network: it has no network"):
        mg.source(str(tmp_path / "none")).load()
    manifest = json.loads((folder / "run" / "graft" / "graft.json").read_text())
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "graft.json").write_text(json.dumps(manifest | {"parts": manifest["parts"] * 2}))
    with pytest.raises(mg.MedgraftError, match="it has 2 networks"):
        mg.source(str(tmp_path / "two")).load()
    for text in ("{", "[]", '{"parts": [3]}', json.dumps(manifest)):
        (tmp_path / "two" / "graft.json").write_text(text)
        with pytest.raises(mg.MedgraftError, match="is damaged"):
            mg.source(str(tmp_path / "two")).load()
