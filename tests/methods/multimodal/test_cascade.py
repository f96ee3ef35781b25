"""What one kind forecasts, held out by patient, as features beside another kind."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from medgraft.base import MedgraftError
from medgraft.evidence.metrics import metrics
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.learner import default_learner
from medgraft.methods.learners import learners
from medgraft.methods.multimodal.cascade import Cascade
from medgraft.methods.splits import inner_folds
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import SequenceReading, reading_to_dict

COLUMNS = ("marker", "sex")


def cascade(network, views, **settings):
    return Cascade([network, views], **{"columns": COLUMNS, "random_state": 3, "inner_folds": 3} | settings)


def classes_of(patients, k):
    """Two classes, three, or values; the third class is a part of the second."""
    if k == 0:
        return patients["marker"].fillna(0.0).to_numpy() + (patients["label"] == "ill")
    label = patients["label"].to_numpy(dtype=object)
    if k == 3:
        label[(patients["patient"].str[-1].astype(int) % 3 == 0).to_numpy() & (label == "ill")] = "very ill"
    return label


def by_hand(network, views, patients, y, k):
    """The method as its docstring has it, with loops: two stages, patients held out in turn."""
    task = "classification" if k else "regression"
    codes = np.unique(y, return_inverse=True)[1] if k else y
    who = np.unique(patients["patient"], return_inverse=True)[1]
    fold = inner_folds(who, k=3, seed=3, stratum=codes if k else None, weight=np.ones(len(y)))
    first = Fusion([network, views], columns=COLUMNS, parts="image/sequence", task=task, random_state=3)

    def forecast(model, rows):
        if not k:
            return model.predict(rows)[:, None]
        P = np.zeros((len(rows), k))
        for i, row in enumerate(model.predict_proba(rows)):
            for code, p in zip(model.classes_, row, strict=True):
                P[i, code] = p
        return P[:, 1:] if k == 2 else P

    P = np.zeros((len(y), {0: 1, 2: 1, 3: 3}[k]))
    for f in range(3):
        out = fold == f
        assert not set(who[out]) & set(who[~out]) and out.any()
        fitted = first.fit(patients[~out], codes[~out], groups=who[~out])
        P[out] = forecast(fitted, patients[out])
    there = patients[list(COLUMNS)].notna().any(axis=1).to_numpy()
    encoder = TableEncoder().fit(patients.loc[there, list(COLUMNS)])
    mean, scale, share = P.mean(axis=0), P.std(axis=0), (~there).mean()

    def laid_out(rows, said):
        seen = rows[list(COLUMNS)].notna().any(axis=1).to_numpy()
        table = np.zeros((len(rows), encoder.n_out_))
        table[seen] = encoder.transform(rows.loc[seen, list(COLUMNS)])
        mark = (~seen - share)[:, None] / np.sqrt(share * (1 - share))
        blocks = [table, (said - mean) / scale, mark]
        d = sum(block.shape[1] for block in blocks)
        return np.hstack([block * np.sqrt(d / (3 * block.shape[1])) for block in blocks])

    second = default_learner(task, 3).fit(laid_out(patients, P), codes, groups=who)
    now = laid_out(patients, forecast(first.fit(patients, codes, groups=who), patients))
    return second.predict_proba(now) if k else second.predict(now)


@pytest.mark.parametrize("k", [2, 3, 0])
def test_it_is_two_stages_with_whole_patients_held_out(network, views, patients, k):
    y = classes_of(patients, k)
    task = "classification" if k else "regression"
    model = cascade(network, views, first="image/sequence", task=task)
    model.fit(patients, y, groups=patients["patient"])
    truth = by_hand(network, views, patients, y, k)
    said = model.predict_proba(patients) if k else model.predict(patients)
    np.testing.assert_allclose(said, truth, atol=1e-7)


def strangers(seed, n=40):
    """Sequences that are each patient's own, wide views of them, and a label that nothing tells."""
    rng = np.random.default_rng(seed)
    letters = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(n)]
    frame = pd.DataFrame({"sequence": np.repeat(letters, 2), "age": rng.normal(60, 9, 2 * n)})
    return frame, np.repeat(rng.integers(0, 2, n), 2), np.repeat(np.arange(n), 2)


@pytest.mark.parametrize("grouped", [True, False])
def test_labels_at_random_give_chance_although_the_first_stage_could_learn_them_by_heart(grouped):
    made = ViewFeatures(["kmers:k=3"], reading_to_dict(SequenceReading(40)))
    learnt, tested = [], []
    for seed in range(6):
        frame, y, who = strangers(seed)
        model = Cascade([made], columns=["age"], first="sequence", inner_folds=3)
        seen = []
        keep = model._learn
        model._learn = lambda frame, *rest, seen=seen, keep=keep: (seen.append(frame), keep(frame, *rest))
        model.fit(frame, y, groups=who if grouped else None)  # rows of one sequence are one patient
        learnt.append(metrics["auroc"].value(y, np.c_[1 - seen[0].iloc[:, -1], seen[0].iloc[:, -1]]))
        other, truth, _ = strangers(100 + seed)
        tested.append(metrics["auroc"].value(truth, model.predict_proba(other)))
    for found in (learnt, tested):  # what the second stage learnt from, and new patients
        assert abs(np.mean(found) - 0.5) < 3 * np.std(found) / np.sqrt(6)
    memory = Fusion([made], estimator=learners["random-forest"].cls()).fit(frame, y, groups=who)
    assert (
        metrics["auroc"].value(y, memory.predict_proba(frame)) > 0.95
    )  # without holding out it would be a leak


def test_saved_equals_fitted_to_the_last_bit_also_where_both_stages_read_one_network(
    network, views, patients, tmp_path
):
    model = cascade(network, views, then="image/sequence/clinical").fit(patients, patients["label"])
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    text = json.dumps(config)
    again = Cascade.from_state(json.loads(text), load_file(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict_proba(patients), model.predict_proba(patients))
    assert again.names_ == model.names_ and again.columns == COLUMNS
    assert again.names_[-4] == "forecast of ill"  # then the marks of image, sequence and table
    held = text.encode() + (tmp_path / "m.safetensors").read_bytes()
    assert not [cell for cell in patients["image"].dropna()[:4] if cell.encode() in held]


def test_neither_order_nor_class_names_nor_hidden_labels_change_the_model(network, views, patients):
    rng = np.random.default_rng(1)
    p = rng.permutation(len(patients))
    hidden = np.arange(len(patients)) % 5 > 0
    mixed = patients.iloc[p][rng.permutation(patients.columns)]
    a = cascade(network, views, first="sequence").fit(
        patients, patients["label"], labelled=hidden, groups=patients["patient"]
    )
    b = cascade(network, views, first="sequence").fit(
        mixed, mixed["label"], labelled=hidden[p], groups=mixed["patient"]
    )
    np.testing.assert_allclose(a.predict_proba(patients), b.predict_proba(patients), atol=1e-7)
    names = np.where(hidden, patients["label"].map({"healthy": "z", "ill": "a"}), "?")
    c = cascade(network, views, first="sequence").fit(
        patients, names, labelled=hidden, groups=patients["patient"]
    )
    np.testing.assert_allclose(a.predict_proba(patients), c.predict_proba(patients)[:, ::-1], atol=1e-7)


def test_the_input_stays_as_it_was_and_missing_kinds_are_borne(network, views, patients):
    before = patients.copy(deep=True)
    model = cascade(network, views).fit(patients, patients["label"])
    nothing = patients.assign(image=None, marker=np.nan, sex=None)
    p = model.predict_proba(nothing)
    assert np.isfinite(p).all() and np.ptp(p, axis=0).max() < 1e-12  # nothing is known of anybody
    pd.testing.assert_frame_equal(patients, before)


def test_the_second_stage_may_be_a_1d_network_as_in_the_paper(network, views, patients):
    learner = learners["cnn1d"].cls(random_state=0)
    model = cascade(network, views, then="sequence", estimator=learner).fit(patients, patients["label"])
    assert type(model.learner_).__name__ == type(learner).__name__
    assert model.names_[:2] == ["kmers:k=2__AA", "kmers:k=2__AC"] and "forecast of ill" in model.names_
    assert np.isfinite(model.predict_proba(patients)).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"first": "images"}, "'images' is no part of this fusion"),
        ({"then": "table"}, "'table' is no part of this fusion"),
        ({"inner_folds": 1}, "in 2 folds or more, not in 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(network, views, patients, settings, says):
    with pytest.raises(MedgraftError, match=says):
        cascade(network, views, **settings).fit(patients, patients["label"])


def test_one_patient_cannot_be_held_out(network, views, patients):
    with pytest.raises(MedgraftError, match="there is one labelled patient"):
        cascade(network, views).fit(patients, patients["label"], groups=np.zeros(len(patients)))


def test_the_plan_says_what_loads(network, views):
    said = cascade(network, views).plan(60, 20)
    assert "mobilenetv2_035" in said["load"] and said["cpu_seconds"] > 0
