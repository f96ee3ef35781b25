"""Fine-tuning keeps its promises."""

from __future__ import annotations

import logging
import os

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from medgraft.base import MedgraftError
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.head import class_weights, fit_head
from medgraft.methods.finetune.images import copies
from medgraft.methods.finetune.inner import hold_out, hold_out_target

FAST = {"epochs": 2, "batch_size": 16, "views": 2, "validation": 0.25}


def fitted(network, images, **settings):
    model = FineTune(network, **(FAST | settings))
    y = images["value"] if model.task == "regression" else images["label"]
    return model.fit(images, y)


@pytest.fixture(scope="module", autouse=True)
def one_cache(tmp_path_factory):
    """One cache for the module: features of the frozen network are the same in every test."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(one_cache, _own_cache, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(one_cache))


@pytest.fixture(scope="module")
def model(network, images, one_cache):
    before = os.environ.get("MEDGRAFT_CACHE")
    os.environ["MEDGRAFT_CACHE"] = str(one_cache)
    yield fitted(network, images)
    if before is None:
        del os.environ["MEDGRAFT_CACHE"]
    else:
        os.environ["MEDGRAFT_CACHE"] = before


def norms(module):
    return {
        f"{name}.{key}": tensor
        for name, part in module.named_modules()
        if isinstance(part, torch.nn.BatchNorm2d)
        for key, tensor in part.state_dict().items()
        if key != "num_batches_tracked"
    }


def test_probabilities_are_probabilities_in_the_order_of_the_classes(model, images):
    p = model.predict_proba(images)
    assert p.shape == (60, 2)
    assert np.allclose(p.sum(axis=1), 1)
    assert model.classes_.tolist() == ["across", "along"]
    assert np.array_equal(model.predict(images), model.classes_[p.argmax(axis=1)])


def test_the_same_seed_gives_the_same_model_to_the_last_bit(model, network, images):
    assert np.array_equal(fitted(network, images).predict_proba(images), model.predict_proba(images))
    assert not np.array_equal(
        fitted(network, images, random_state=1).predict_proba(images), model.predict_proba(images)
    )


def test_the_number_of_cores_does_not_matter(model, network, images):
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            assert np.array_equal(fitted(network, images).predict_proba(images), model.predict_proba(images))
    finally:
        torch.set_num_threads(before)


def test_a_prediction_does_not_depend_on_its_company(model, images):
    rows = [41, 3, 17]
    assert np.array_equal(model.predict_proba(images.iloc[rows]), model.predict_proba(images)[rows])


def test_saved_equals_trained_to_the_last_bit(model, images, tmp_path):
    import json

    from safetensors.torch import load_file, save_file

    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    again = FineTune.from_state(json.loads(json.dumps(config)), load_file(tmp_path / "m.safetensors"))
    assert np.array_equal(again.predict_proba(images), model.predict_proba(images))
    assert np.array_equal(again.predict(images), model.predict(images))
    assert again.state()[0] == config


def test_frozen_batchnorm_is_the_source_s_to_the_last_bit(model, network):
    truth = norms(network.load().module)
    mine = norms(model.network_.trunk)
    assert len(truth) > 100
    assert all(torch.equal(truth[name], mine[name]) for name in truth)


def test_adapting_batchnorm_moves(network, images):
    truth = norms(network.load().module)
    mine = norms(fitted(network, images, batchnorm="adapt", validation=0.0).network_.trunk)
    assert any(not torch.equal(truth[name], mine[name]) for name in truth)


def test_frozen_blocks_are_the_source_s_and_released_ones_moved(network, images):
    model = fitted(network, images, unfreeze=0.3, validation=0.0)
    source = network.load().blocks()
    mine = model.backbone_.blocks()
    moved = []
    for (name, before), (_, after) in zip(source, mine, strict=True):
        pairs = zip(
            [p for m in before for p in m.parameters()],
            [p for m in after for p in m.parameters()],
            strict=True,
        )
        if any(not torch.equal(a, b) for a, b in pairs):
            moved.append(name)
    assert moved == [name for name, _ in source[-3:]]  # 9 blocks: the last ceil(2.7)
    assert [line.split(":")[0] for line in model.report_["freeze"] if "throughout" in line] == [
        name for name, _ in source[:-3]
    ]


def test_without_epochs_it_is_the_linear_head_on_frozen_features(network, images):
    model = fitted(network, images, epochs=0, validation=0.0)
    F = BackboneFeatures(network).transform(images)
    y = (images["label"] == "along").to_numpy().astype(int)
    mean, scale, weight, bias = fit_head(F, y, np.ones(60), copies(list(images["image"])), 2, 0)
    scores = (F - mean) / scale @ weight.T + bias
    e = np.exp(scores)
    assert np.allclose(model.predict_proba(images), e / e.sum(axis=1, keepdims=True), atol=1e-4)


def test_the_best_epoch_is_kept_and_its_loss_is_the_reported_one(network, images):
    model = fitted(network, images, epochs=4, lr=0.01, gradual=0.0)  # a rate that overshoots
    report = model.report_
    assert report["best_epoch"] == int(np.argmin(report["loss_held_out"]))
    y = (images["label"] == "along").to_numpy().astype(int)
    _, held = hold_out(y, copies(list(images["image"])), 0.25, 0, 2)
    p = model.predict_proba(images)[held, y[held]]
    w = class_weights(y, 2, np.ones(60))[held]
    assert -(w * np.log(p)).sum() / w.sum() == pytest.approx(min(report["loss_held_out"]), rel=1e-3)


def test_training_stops_when_patience_ends(network, images):
    report = fitted(network, images, epochs=9, lr=0.5, head_lr=0.5, gradual=0.0, patience=2).report_
    assert report["best_epoch"] + 2 == len(report["loss_held_out"]) - 1 < 9


def test_labels_that_may_not_be_used_are_not_read(network, images):
    labelled = np.arange(60) < 40
    y = images["label"].to_numpy(dtype=object)
    scrambled = np.where(labelled, y, "no such class")
    one, two = (FineTune(network, **FAST).fit(images, v, labelled=labelled) for v in (y, scrambled))
    assert np.array_equal(one.predict_proba(images), two.predict_proba(images))
    assert two.classes_.tolist() == ["across", "along"]


def test_patients_are_whole_in_the_inner_split(network, images, monkeypatch):
    seen = {}

    def spy(*given):
        train, held = hold_out_target(*given)
        seen["train"], seen["held"] = set(images["patient"].iloc[train]), set(images["patient"].iloc[held])
        return train, held

    monkeypatch.setattr("medgraft.methods.finetune.finetune.hold_out_target", spy)
    FineTune(network, **FAST | {"epochs": 0}).fit(images, images["label"], groups=images["patient"])
    assert seen["held"]
    assert not seen["held"] & seen["train"]


def test_patients_of_the_target_choose_the_epoch_where_there_are_enough(network, images, monkeypatch):
    seen = []

    def spy(*given):
        seen.append(hold_out_target(*given))
        return seen[-1]

    monkeypatch.setattr("medgraft.methods.finetune.finetune.hold_out_target", spy)
    domain = np.where(np.arange(60) < 24, "source", "target")
    for target, labelled in (("target", 60), ("source", 60), ("target", 40)):  # 36, 24 and 16 rows of it
        use = {"domain": domain, "target": target, "labelled": np.arange(60) < labelled}
        FineTune(network, **FAST | {"epochs": 0}).fit(images, images["label"], **use)
    own, few, fewer = ({*domain[held]} for _, held in seen)
    assert own == {"target"} and few == fewer == {"source", "target"}


def test_kept_activations_and_live_images_train_the_same_network(network, images, monkeypatch):
    kept = fitted(network, images, augmentation="none")
    first = len([line for line in kept.report_["freeze"] if "throughout" in line])
    each = kept.network_.trunk.prefix(torch.zeros(1, 3, 32, 32), first).numel() * 4
    for memory in (0, 20 * each):  # nothing may be kept; only the 15 held-out images may
        monkeypatch.setattr("medgraft.methods.finetune.batches.MEMORY", memory)
        live = fitted(network, images, augmentation="none")
        assert np.allclose(kept.predict_proba(images), live.predict_proba(images), atol=1e-4)
    assert kept.report_["loss_held_out"][-1] != kept.report_["loss_held_out"][0]  # something was trained


def test_gradients_of_pieces_add_up_to_that_of_the_batch(network, images, monkeypatch):
    pieces = fitted(network, images, validation=0.0)
    monkeypatch.setattr("medgraft.sources.network.Network.exact", False)
    whole = fitted(network, images, validation=0.0)
    assert np.allclose(pieces.predict_proba(images), whole.predict_proba(images), atol=1e-3)
    assert np.allclose(pieces.report_["loss_train"], whole.report_["loss_train"], rtol=1e-3)


def test_a_value_s_unit_does_not_matter(network, images):
    one = fitted(network, images, task="regression")
    grams = FineTune(network, task="regression", **FAST).fit(images, 1000 * images["value"] + 5)
    assert np.allclose(grams.predict(images), 1000 * one.predict(images) + 5, rtol=1e-3)
    assert not hasattr(one, "predict_proba")
    config, tensors = one.state()
    assert np.array_equal(FineTune.from_state(config, tensors).predict(images), one.predict(images))


def test_a_single_class_is_predicted_with_certainty(network, images):
    model = FineTune(network, **FAST).fit(images[:9], ["only"] * 9)
    assert model.predict_proba(images[:4]).tolist() == [[1.0]] * 4


def test_too_few_rows_train_without_an_inner_split_and_say_so(network, images):
    model = FineTune(network, **FAST).fit(images[:12], images["label"][:12])
    assert model.report_["images"] == {"train": 12, "held_out": 0}
    assert "no early stopping" in model.note_
    assert model.report_["best_epoch"] == 2


def test_nobody_is_told_of_too_few_rows_who_asked_for_no_inner_split(network, images):
    for settings in ({"validation": 0.0, "epochs": 0}, {"snapshots": 2}):
        model = FineTune(network, **FAST | settings).fit(images[:12], images["label"][:12])
        assert model.note_ == "" and model.report_["images"]["held_out"] == 0


def test_by_default_few_images_all_teach_unless_a_choice_depends_on_held_out_ones(network, images):
    free = {key: value for key, value in FAST.items() if key != "validation"}
    plain = FineTune(network, **free).fit(images, images["label"])
    assert plain.report_["images"]["held_out"] == 0 and plain.note_ == ""
    assert plain.report_["best_epoch"] == free["epochs"]
    for name, value in {"soup": 2, "schedule": "plateau"}.items():
        model = FineTune(network, **free, **{name: value}).fit(images, images["label"])
        assert model.report_["images"]["held_out"] > 0


@pytest.mark.parametrize("labels", [[-1, 7], [True, False], ["é", "b"]])
def test_labels_of_any_type_come_back_also_from_a_file(network, images, labels):
    y = np.array(labels)[np.arange(60) % 2]
    model = FineTune(network, epochs=0).fit(images, y)
    config, tensors = model.state()
    again = FineTune.from_state(config, tensors)
    assert set(again.predict(images)) <= set(labels)
    assert again.classes_.dtype == model.classes_.dtype == y.dtype


def test_nothing_is_written_printed_changed_or_kept(network, images, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    frame, y = images.copy(), images["label"].copy()
    torch.manual_seed(4)
    state, level, threads = (
        torch.random.get_rng_state(),
        logging.getLogger("lightning.pytorch").level,
        torch.get_num_threads(),
    )
    numpy_state = np.random.get_state()[1].copy()
    model = fitted(network, frame)
    assert list(tmp_path.iterdir()) == []
    out = capfd.readouterr()
    assert (out.out, out.err) == ("", "")
    pd.testing.assert_frame_equal(frame, images)
    pd.testing.assert_series_equal(y, images["label"])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert logging.getLogger("lightning.pytorch").level == level
    assert torch.get_num_threads() == threads
    # What stays is a network and its report: no path of a training image, no array with a row per image.
    held = repr({k: v for k, v in vars(model).items() if k not in ("network_", "backbone_")})
    assert ".png" not in held
    assert all(60 not in t.shape for t in model.state()[1].values())


def test_progress_rises_to_its_end_for_every_kind_of_work(network, images, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path))
    seen = {}
    model = FineTune(network, **FAST)
    model.progress = lambda what, done, total: seen.setdefault(what, []).append((done, total))
    model.fit(images, images["label"]).predict(images)
    assert set(seen) == {"features", "frozen blocks", "training", "predicting"}
    assert all(steps[-1][0] == steps[-1][1] for steps in seen.values())
    assert all(0 <= done <= total for steps in seen.values() for done, total in steps)


def test_settings_survive_cloning(network):
    model = FineTune(network, epochs=3, lr=0.1)
    assert clone(model).get_params() == model.get_params()


def test_a_plan_says_what_will_happen_and_what_it_costs(network):
    model = FineTune(network, epochs=4)
    small, large = model.plan(10, 5), model.plan(1000, 5)
    assert "260 of 260 trunk tensors loaded" in small["load"]
    assert small["learning_rates"]["head"] == model.head_lr
    assert small["learning_rates"]["conv_head"] == model.lr
    assert small["learning_rates"]["blocks.6"] == pytest.approx(model.lr * model.lr_decay)
    assert small["freeze"][0] == "conv_stem: frozen throughout"
    assert small["batchnorm"].startswith("frozen")
    assert "flips" in small["augmentation"]
    assert 0 < small["cpu_seconds"] < large["cpu_seconds"]
    assert not hasattr(model, "network_")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"batchnorm": "melted"}, "frozen, recompute, adapt"),
        ({"augmentation": "heavy"}, "none, light"),
        ({"schedule": "magic"}, "cosine, constant"),
        ({"precision": "8"}, "use 32 or 16-mixed"),
        ({"unfreeze": 1.5}, "from 0 to 1"),
        ({"device": "abacus"}, "use auto or one of"),
        ({"task": "survival"}, "does not exist"),
        ({"source": None}, "needs a pretrained network"),
    ],
)
def test_an_impossible_setting_is_one_sentence(network, images, settings, why):
    with pytest.raises(MedgraftError, match=why):
        FineTune(**({"source": network, "epochs": 1} | settings)).fit(images, images["label"])


def test_a_table_without_images_is_refused(network):
    with pytest.raises(MedgraftError, match="column 'image'"):
        FineTune(network).fit(pd.DataFrame({"age": [1, 2]}), [0, 1])


def test_mixed_precision_is_left_alone_on_the_cpu(network, images):
    assert fitted(network, images, precision="16-mixed", epochs=1).report_["best_epoch"] >= 0


@pytest.mark.parametrize(
    "settings",
    [
        {"adapter": "lora", "rank": 2},
        {"adapter": "bitfit"},
        {"penalty": "l2-sp"},
        {"penalty": "delta"},
        {"penalty": "bss"},
        {"batchnorm": "recompute"},
        {"mix": "cutmix", "loss": "focal"},
        {"layers": "blocks.3-blocks.4", "optimizer": "adamax", "schedule": "step"},
        {"cache": "float16", "soup": 2, "find_lr": True},
    ],
    ids=lambda s: "-".join(map(str, s.values())),
)
def test_every_way_of_training_is_reproducible_and_survives_saving(
    network, images, settings, tmp_path, one_thread
):
    from safetensors.torch import load_file, save_file

    few, settings = images.iloc[:24], {"epochs": 1, "gradual": 0.0} | settings
    model = fitted(network, few, **settings)
    p = model.predict_proba(few)
    assert np.array_equal(fitted(network, few, **settings).predict_proba(few), p)
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    again = FineTune.from_state(config, load_file(tmp_path / "m.safetensors"))
    assert np.array_equal(again.predict_proba(few), p)


def test_mixing_and_penalties_do_not_change_what_the_held_out_loss_measures(network, images):
    plain, mixed = (
        fitted(network, images, epochs=1),
        fitted(network, images, mix="mixup", penalty="l2-sp", epochs=1),
    )
    assert plain.report_["loss_held_out"][0] == mixed.report_["loss_held_out"][0]


def test_the_plan_says_where_activations_will_be_kept(network):
    said = FineTune(network).plan(100, 10)["prefix_cache"]
    assert said["place"] == "memory" and said["bytes"] > 0 and said["saves_cpu_seconds"] > 0
    nothing = {"place": "none", "bytes": 0, "saves_cpu_seconds": 0.0}
    assert FineTune(network, unfreeze=1.0).plan(100, 10)["prefix_cache"] == nothing


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_attention_put_in_trains_with_its_block_and_is_saved(network, images, adapter):
    put = {"attention": "se", "attention_at": "blocks.4", "adapter": adapter, "rank": 2}
    plain, m = fitted(network, images, epochs=0), fitted(network, images, epochs=0, **put)
    assert np.array_equal(m.predict_proba(images), plain.predict_proba(images))  # at first it changes nothing
    assert not m.backbone_.tensors()["inserted_5.gate.2.weight"].any()
    m = fitted(network, images, epochs=1, validation=0.0, **put)
    assert m.backbone_.tensors()["inserted_5.gate.2.weight"].any()
    again = FineTune.from_state(*m.state())
    assert np.array_equal(again.predict_proba(images), m.predict_proba(images))


def test_attention_behind_a_frozen_block_is_refused(network, images):
    with pytest.raises(MedgraftError, match=r"'blocks\.0', which is frozen: release it"):
        fitted(network, images, attention="cbam", attention_at="blocks.0", unfreeze=0.2)
    with pytest.raises(MedgraftError, match="attention_at='layer9' names no block"):
        fitted(network, images, attention="cbam", attention_at="layer9")
