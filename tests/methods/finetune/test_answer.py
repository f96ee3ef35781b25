"""What a network's outputs mean: stages by questions, labels by yes and no."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.special import expit

from medgraft.base import MedgraftError
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.answer import (
    answers_loss,
    fit_answers,
    outputs,
    predictions,
    questions,
    stages_loss,
)
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.inner import hold_out
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learner import LogisticLearner


def corn(scores, y):
    """The loss of one image as the paper's pseudocode has it: a task a threshold, on those who reach it."""
    loss = 0.0
    for task in range(len(scores)):
        if y >= task:  # of the subset of this task
            p = expit(scores[task])
            loss -= np.log(p) if y > task else np.log(1 - p)
    return loss


def test_the_loss_of_stages_is_that_of_the_paper_and_minus_the_logarithm_of_the_predicted_chance():
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=(40, 3)) * 2, rng.integers(0, 4, 40)
    got = stages_loss(torch.tensor(scores), torch.tensor(y)).numpy()
    np.testing.assert_allclose(got, [corn(s, k) for s, k in zip(scores, y, strict=True)], rtol=1e-4)
    p = predictions(scores, "stages", 4)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(got, -np.log(p[np.arange(40), y]), rtol=1e-4)


def test_unknown_labels_cost_nothing_and_pull_nowhere():
    scores = torch.tensor([[0.5, -1.0], [2.0, 0.3]], requires_grad=True)
    target = torch.tensor([[1.0, torch.nan], [0.0, 1.0]])
    loss = answers_loss(scores, target)
    loss.sum().backward()
    expected = [-np.log(expit(0.5)), -np.log(1 - expit(2.0)) - np.log(expit(0.3))]
    np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=1e-4)
    assert scores.grad[0, 1] == 0
    assert torch.isfinite(scores.grad).all()


def test_outputs_are_one_a_label_one_less_than_stages_and_one_for_values():
    assert [outputs(a, k) for a, k in (("labels", 3), ("stages", 4), ("classes", 3), ("values", 0))] == [
        3,
        3,
        3,
        1,
    ]


def test_a_head_is_fitted_to_the_rows_that_know_each_answer():
    rng = np.random.default_rng(1)
    F = rng.normal(size=(60, 4)).astype(np.float32)
    y = np.digitize(F[:, 0] + 0.5 * rng.normal(size=60), [-0.5, 0.5])
    T = questions(y, 3)
    mean, scale, coef, bias = fit_answers(F, T, np.ones(60), np.arange(60), 0)
    own = y >= 1
    alone = LogisticLearner().fit(((F - mean) / scale)[own], y[own] > 1, groups=np.arange(60)[own])
    np.testing.assert_array_equal(coef[1], alone.coef_[0])
    assert bias[1] == alone.intercept_[0]
    sure = fit_answers(F, np.ones((60, 1)), np.ones(60), np.arange(60), 0)
    assert (sure[2] == 0).all() and sure[3][0] > 0


def test_rows_with_several_labels_are_held_out_without_losing_a_label():
    rng = np.random.default_rng(2)
    Y = (rng.random((100, 3)) < [0.04, 0.3, 0.6]).astype(float)
    train, held = hold_out(Y, np.arange(100), 0.2, 0, 3)
    assert len(held) >= 8
    assert all(len(np.unique(Y[train, j])) == 2 for j in range(3))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Squares on noise: one left, one right, both or neither; and how bright they are as a stage."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths, labels = [], []
    for i in range(48):
        pixels = rng.integers(0, 60, (32, 32, 3))
        there = rng.random(2) < 0.5
        for side in np.flatnonzero(there):
            pixels[8:24, 16 * side + 2 : 16 * side + 14] += 120
        path = folder / f"{i}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        paths.append(str(path))
        labels.append(there.astype(float))
    Y = np.array(labels)
    Y[5, 0] = Y[9, 1] = np.nan
    return pd.DataFrame({"image": paths}), Y


def restored(model):
    config, tensors = model.state()
    return type(model).from_state(config, tensors)


@pytest.mark.parametrize(
    "make",
    [
        lambda source: LinearProbe(source, task="multilabel"),
        lambda source: FineTune(source, task="multilabel", epochs=1, views=1, mix="mixup"),
        lambda source: Scratch(source, task="multilabel", epochs=1),
    ],
    ids=["linear-probe", "finetune", "scratch"],
)
def test_networks_give_a_probability_a_label_whatever_is_unknown_and_keep_every_bit(make, network, pictures):
    X, Y = pictures
    before = Y.copy()
    model = make(network).fit(X, Y, labelled=np.arange(48) != 3)
    p = model.predict_proba(X)
    assert p.shape == (48, 2) and np.isfinite(p).all()
    np.testing.assert_array_equal(restored(model).predict_proba(X), p)
    np.testing.assert_array_equal(model.predict(X), p >= 0.5)
    np.testing.assert_array_equal(Y, before)
    hidden = Y.copy()
    hidden[3] = 1 - hidden[3]
    again = make(network).fit(X, hidden, labelled=np.arange(48) != 3)
    np.testing.assert_array_equal(again.predict_proba(X), p)


def test_the_probe_of_a_label_is_the_probe_of_that_label_alone(network, pictures):
    X, Y = pictures
    together = LinearProbe(network, task="multilabel").fit(X, Y).predict_proba(X)
    assert not np.isnan(Y[:, 0]).all()
    full = np.nan_to_num(Y)
    alone = LinearProbe(network).fit(X, full[:, 1].astype(int)).predict_proba(X)[:, 1]
    whole = LinearProbe(network, task="multilabel").fit(X, full).predict_proba(X)[:, 1]
    np.testing.assert_array_equal(whole, alone)
    assert not np.array_equal(together[:, 1], alone)  # it knew one row less


def test_a_network_with_the_ordinal_loss_predicts_stages_and_keeps_every_bit(network, pictures):
    X, Y = pictures
    y = np.nan_to_num(Y).sum(axis=1).astype(int)
    model = FineTune(network, loss="ordinal", epochs=1, views=1).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (48, 3) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(restored(model).predict_proba(X), p)
    assert model.network_.head.linear.out_features == 2


def test_what_is_for_one_label_is_refused_for_several(network, pictures):
    X, Y = pictures
    with pytest.raises(MedgraftError, match="loss='ordinal' is for one label"):
        FineTune(network, task="multilabel", loss="ordinal", epochs=1).fit(X, Y)
    with pytest.raises(MedgraftError, match="class_weight='balanced' is for classes"):
        FineTune(network, task="multilabel", class_weight="balanced", epochs=1).fit(X, Y)
