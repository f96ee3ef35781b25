from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.pretrain_finetune import PretrainFinetune
from medgraft.sources import Pretrained
from medgraft.sources.arrays import SequenceReading

SOURCE = Pretrained("medgraft:sequence_cnn", array=SequenceReading(24))
FAST = {"epochs": 2, "pretrain_epochs": 3, "batch_size": 16, "device": "cpu"}


@pytest.fixture(scope="module")
def rows():
    """Sequences of two proteins, bound where GGG stands; 60 of the source, 30 of the target."""
    rng = np.random.default_rng(0)
    seqs = ["".join(rng.choice(list("ACGT"), 24)) for _ in range(90)]
    y = np.arange(90) % 2
    seqs = [
        s[:10] + "GGG" + s[13:] if label else s.replace("GGG", "GAG")
        for s, label in zip(seqs, y, strict=True)
    ]
    domain = np.where(np.arange(90) < 60, "a", "t")
    return pd.DataFrame({"sequence": seqs}), y, domain


def fitted(cohort, cls=PretrainFinetune, use=slice(None), **settings):
    X, y, domain = cohort
    given = {**FAST, **settings}
    given = {k: v for k, v in given.items() if k in cls().get_params()}
    return cls(SOURCE, **given).fit(X[use], y[use], domain=domain[use], target="t")


def trunk(model):
    return {name: t.clone() for name, t in model.backbone_.tensors().items()}


def test_the_first_part_is_training_on_the_source_alone_and_the_second_starts_there(rows):
    X, y, _ = rows
    model = fitted(rows, epochs=0)
    settings = {"batchnorm": "adapt", "unfreeze": 1.0, "lr_decay": 1.0, "gradual": 0.0}
    alone = FineTune(SOURCE, epochs=3, lr=1e-3, head_lr=1e-3, batch_size=16, device="cpu", **settings)
    alone._pretrained = False
    alone.fit(X[:60], y[:60])
    for name, tensor in trunk(alone).items():
        assert np.array_equal(tensor.numpy(), trunk(model)[name].numpy()), name
    assert model.pretrained_["loss_train"] == alone.report_["loss_train"]
    # The head is the target's: fitted to features of its rows.
    assert not np.array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_the_target_does_not_touch_the_first_part_nor_the_source_the_second(rows):
    X, y, domain = rows
    flipped = y.copy()
    flipped[60:] = 1 - flipped[60:]
    other = PretrainFinetune(SOURCE, **FAST).fit(X, flipped, domain=domain, target="t")
    model = fitted(rows)
    assert model.pretrained_ == other.pretrained_
    assert model.report_["images"] == {"train": 30, "held_out": 0}
    assert model.report_["loss_train"] != other.report_["loss_train"]


def test_frozen_blocks_stay_as_the_source_left_them(rows):
    before, after = trunk(fitted(rows, epochs=0)), trunk(fitted(rows, layers="conv2", epochs=2))
    same = {name for name in before if np.array_equal(before[name].numpy(), after[name].numpy())}
    moved = set(before) - same
    assert moved and all("conv1" in name or "norm" in name or "bn" in name for name in same)
    assert all("conv1" not in name for name in moved)


def test_without_a_source_or_a_target_row_it_says_what_was_done(rows):
    X, y, domain = rows
    own = fitted(rows, use=slice(60, 90))
    assert own.note_ == "No source patient has a label: the target alone was learnt from."
    assert own.pretrained_ is None
    settings = {"epochs": 2, "batch_size": 16, "device": "cpu"}
    whole = Scratch(SOURCE, **settings)
    assert np.array_equal(own.predict_proba(X), whole.fit(X[60:], y[60:]).predict_proba(X))
    labelled = np.arange(90) < 60
    zero = PretrainFinetune(SOURCE, **FAST).fit(X, y, domain=domain, target="t", labelled=labelled)
    assert "the network of the source was kept" in zero.note_
    assert zero.predict_proba(X).shape == (90, 2)


def test_it_is_kept_and_rebuilt_to_the_last_bit(rows):
    model = fitted(rows)
    again = PretrainFinetune.from_state(*model.state())
    assert np.array_equal(again.predict_proba(rows[0]), model.predict_proba(rows[0]))


def test_the_order_of_rows_decides_neither_who_is_source_nor_the_labels(rows):
    X, y, domain = rows
    names = np.array(["no", "yes"])[y]
    model = PretrainFinetune(SOURCE, **FAST).fit(X, names, domain=domain, target="t")
    assert np.array_equal(model.predict_proba(X), fitted(rows).predict_proba(X))
    assert set(model.predict(X)) <= {"no", "yes"}


def test_values_are_learnt_in_their_own_unit(rows):
    X, y, domain = rows
    model = PretrainFinetune(SOURCE, task="regression", **FAST).fit(
        X, 100 + 5.0 * y, domain=domain, target="t"
    )
    assert 95 < model.predict(X).mean() < 110


def test_scratch_of_the_target_reads_no_source_row(rows):
    X = rows[0]
    one = fitted(rows, Scratch, rows="target")
    two = fitted(rows, Scratch, use=slice(60, 90))
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))
    assert not np.array_equal(one.predict_proba(X), fitted(rows, Scratch).predict_proba(X))


def test_scratch_of_the_target_says_where_it_had_no_label_of_it(rows):
    X, y, domain = rows
    given = {"epochs": 1, "batch_size": 16, "device": "cpu"}
    model = Scratch(SOURCE, rows="target", **given)
    model.fit(X, y, domain=domain, target="t", labelled=np.arange(90) < 60)
    assert model.note_ == "No target patient has a label: all domains taught."
